"""What telemetry says it is made of."""

from pathlib import Path

import pytest

from homing import Licence, Row
from homing.sdk.payload import NUMBER
from homing.sdk.policy import POLICIES
from homing.sdk.wire.native import ROWS
from tests.unit.sdk.doubles import ENDPOINT, SECONDS, telemetry


def test_at_first(tmp_path: Path) -> None:
    """Policy, fields and the maker's address; no id is made by asking."""
    about = telemetry(tmp_path, enabled=None).about()
    assert ("acme", "1.2.3", POLICIES["homing"]) == about[:3]
    assert (ROWS, (), "", ENDPOINT, None, {}) == about[3:9]
    assert "database" == about.keeps
    assert [] == list(tmp_path.iterdir())


def test_the_id_while_off(tmp_path: Path) -> None:
    """Whoever switched it off is still told which installation this is."""
    with telemetry(tmp_path) as sending:
        instance = sending.send_now(SECONDS).instance
        assert instance == sending.about().instance
    assert instance == telemetry(tmp_path, enabled=False).about().instance


def test_switching_on_makes_the_id_at_once(tmp_path: Path) -> None:
    """When saving has returned it is there to be shown."""
    with telemetry(tmp_path, enabled=None) as sending:
        sending.save({"enabled": True}, who="ada")
        assert sending.about().instance == (tmp_path / "instance-id").read_text().strip()


def test_origins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has the variable, or the place in the file, that holds it: the strongest."""
    (tmp_path / "own.json").write_text('{"telemetry": {"enabled": true, "interval_hours": 12}}')
    monkeypatch.setenv("HOMING_TELEMETRY_ENABLED", "true")
    sending = telemetry(tmp_path, enabled=None, file=tmp_path / "own.json")
    sending.save({"endpoint": "http://localhost/x"}, who="ada")
    origins = sending.about().origins
    assert "HOMING_TELEMETRY_ENABLED" == origins["enabled"]
    assert f"{tmp_path / 'own.json'}: telemetry.interval_hours" == origins["interval"]
    assert "The saved setting endpoint" == origins["endpoint"]
    assert "key" not in origins


@pytest.mark.parametrize(("policy", "keeps"), [("seqdesk", "database"), ("slackonos", "file"), ("sirveo", "")])
def test_where_it_is_saved(tmp_path: Path, policy: str, keeps: str) -> None:
    """The layer that saving writes to, if there is one."""
    assert keeps == telemetry(tmp_path, policy=policy, key="k" if policy == "slackonos" else "").about().keeps


def test_new_rows(tmp_path: Path) -> None:
    """Fields that nobody agreed to yet are told apart."""
    with telemetry(tmp_path, enabled=None) as sending:
        sending.save({"enabled": True}, who="ada")
    row = Row("properties.users", NUMBER, "why", 5, lambda _moment: 5, since=2)
    about = telemetry(tmp_path, enabled=None, rows=[row]).about()
    assert (ROWS, (row,)) == (about.rows, about.new_rows)


def test_the_licence(tmp_path: Path) -> None:
    """It is that of the host, as it is now."""
    found = [Licence("a", "EE")]
    sending = telemetry(tmp_path, policy="flowfuse", key="", licence=lambda: found[-1])
    found.append(Licence("b", "DEV"))
    assert found[-1] == sending.about().licence


def test_taking_back(tmp_path: Path) -> None:
    """None saves nothing and takes back what was saved, over a restart too."""
    sending = telemetry(tmp_path)
    sending.save({"interval": 12, "endpoint": "http://localhost/x"}, who="ada")
    settings = dict(sending.save({"interval": None, "endpoint": None}, who="ada").settings)
    assert ["default", "default"] == [settings[name].layer for name in ("interval", "endpoint")]
    assert "default" == dict(telemetry(tmp_path).status().settings)["interval"].layer


def test_taking_back_in_a_file(tmp_path: Path) -> None:
    """In a settings file the name goes, and its other names stay."""
    file = tmp_path / "config.json"
    file.write_text('{"mine": 1}')
    sending = telemetry(tmp_path, policy="slackonos", file=file)
    sending.save({"endpoint": "http://localhost/x"}, who="ada")
    sending.save({"endpoint": None}, who="ada")
    assert '"mine": 1' in file.read_text()
    assert "telemetryHost" not in file.read_text()


def test_a_store_that_fails(tmp_path: Path) -> None:
    """Then there is no id to tell, and nothing is raised."""
    (tmp_path / "file").write_text("in the way")
    assert "" == telemetry(tmp_path / "file" / "place").about().instance


def test_looking_again(tmp_path: Path) -> None:
    """What another process saved holds here at once, and nothing is begun that was not started."""
    one, other = (telemetry(tmp_path, enabled=None) for _ in range(2))
    with other:
        one.save({"enabled": True}, who="ada")
        assert not other.status().enabled
        assert other.refresh().enabled
        assert other.status().next_due
        one.save({"enabled": False}, who="ada")
        assert not other.refresh().enabled
    one.save({"enabled": True}, who="ada")
    status = telemetry(tmp_path, enabled=None).refresh()
    assert (True, None) == (status.enabled, status.next_due)
