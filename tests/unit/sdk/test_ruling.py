"""What is kept of a decision, whoever asks at the same time, and whatever goes wrong."""

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from homing import JsonStore, Licence, Row, SettingsError, SqliteStore
from homing.sdk.consent import CONSENT
from homing.sdk.payload import NUMBER
from homing.sdk.policy import FLOWFUSE, Name
from tests.unit.sdk.doubles import SECONDS, Outbox, telemetry

USERS = Row("properties.users", NUMBER, "why", 5, lambda _moment: 5, since=2)
OWN = "https://own.example.com/hook"


class Choosy(SqliteStore):
    """A store that cannot keep some names, or cannot be read for a while; it remembers what it was told."""

    def __init__(self, path: Path, *refused: str) -> None:
        super().__init__(path)
        self.refused: Iterable[str] = refused
        self.is_away = False
        self.told: list[tuple[str, Any]] = []

    def load(self) -> dict[str, Any]:
        """Return everything that is kept."""
        if self.is_away:
            raise OSError("the database is away")
        return super().load()

    def save(self, name: str, value: Any) -> None:
        """Keep a value, unless it is one of those."""
        self.told.append((name, value))
        if name in self.refused:
            raise OSError("no space")
        super().save(name, value)


def test_who_switches_on_is_shown_all_fields(tmp_path: Path) -> None:
    """While telemetry is off preview and field list have those that came later: a yes is a yes to them too."""
    with telemetry(tmp_path, enabled=None) as sending:
        sending.save({"enabled": True}, who="ada")
        sending.save({"enabled": False}, who="ada")
    grown = telemetry(tmp_path, enabled=None, rows=[USERS])
    assert (USERS, ()) == (grown.about().rows[-1], grown.about().new_rows)
    assert 5 == json.loads(grown.preview()[0].body)["properties"]["users"]
    grown.save({"enabled": True}, who="grace")
    agreed = SqliteStore(tmp_path / "telemetry.db").load()[CONSENT]
    assert ("grace", 2) == (agreed["who"], agreed["fields"])


def test_preview_while_off_has_the_id(tmp_path: Path) -> None:
    """It is shown where there is one, and none is made by looking."""
    off = telemetry(tmp_path, enabled=None)
    assert "made when you enable" == json.loads(off.preview()[0].body)["instance_id"]
    assert [] == list(tmp_path.iterdir())
    with telemetry(tmp_path) as sending:
        instance = sending.send_now(SECONDS).instance
    assert instance == json.loads(off.preview()[0].body)["instance_id"]


@pytest.mark.parametrize("refused", ["telemetry.enabled", CONSENT])
def test_a_save_that_fails_half_way(tmp_path: Path, refused: str) -> None:
    """What was kept before is back, and a yes is kept last: nothing was changed."""
    store = Choosy(tmp_path / "own.db")
    sending = telemetry(tmp_path, enabled=None, database=store)
    sending.save({"interval": 3}, who="ada")
    store.refused = [refused]
    with pytest.raises(SettingsError, match="It cannot be kept: no space"):
        sending.save({"enabled": True, "interval": 2, "endpoint": OWN}, who="ada")
    assert {"telemetry.interval": 3} == store.load()
    assert not sending.status().enabled


def test_a_no_is_kept_first(tmp_path: Path) -> None:
    """Whatever fails after it, nobody sends in between."""
    store = Choosy(tmp_path / "own.db")
    sending = telemetry(tmp_path, database=store)
    sending.save({"interval": 2, "enabled": False}, who="ada")
    assert ["telemetry.enabled", "telemetry.interval"] == [name for name, _ in store.told]


def test_a_slow_look(tmp_path: Path) -> None:
    """What it finds when somebody has said no meanwhile is of yesterday."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow(SqliteStore):
        def load(self) -> dict[str, Any]:
            found = super().load()
            if threading.current_thread().name == "slow":
                begun.set()
                go_on.wait(SECONDS)
            return found

    sending = telemetry(tmp_path, database=Slow(tmp_path / "own.db"))
    looking = threading.Thread(target=sending.refresh, name="slow")
    sending.save({"enabled": True}, who="ada")
    looking.start()
    assert begun.wait(SECONDS)
    # Not `save`: one who saves waits for another's turn. A worker's look, which has none, is what may be slow.
    sending._engine._ruling.save({"enabled": False}, "ada")  # noqa: SLF001
    go_on.set()
    looking.join(SECONDS)
    assert not sending.status().enabled


def test_a_database_that_is_away_for_a_moment(tmp_path: Path) -> None:
    """Nothing is sent meanwhile, and nothing that waits is lost."""
    store, outbox = Choosy(tmp_path / "own.db"), Outbox()
    with telemetry(tmp_path, database=store, transport=outbox) as sending:
        sending.send_now(SECONDS)
        sending.event("opened")
        store.is_away = True
        assert not sending.send_now(0.1).enabled
        assert (False, 1) == (sending.refresh().enabled, sending.status().waiting)
        store.is_away = False
        assert sending.refresh().enabled
        sending.send_now(SECONDS)
    assert "opened" in [json.loads(body)["kind"] for body in outbox.bodies]


def test_a_no_beside_what_cannot_be_read(tmp_path: Path) -> None:
    """Who says no while a file cannot be read has what waits emptied all the same."""
    (tmp_path / "x.json").write_text("{")
    with telemetry(tmp_path) as sending:
        sending.event("opened")
        sending.stop(0)
    kept = [each for each in (tmp_path / "outbox").rglob("*") if each.is_file() and each.stat().st_size]
    assert kept
    with telemetry(tmp_path, enabled=None, file=tmp_path / "x.json") as sending:
        assert all(each.exists() for each in kept)
        sending.save({"enabled": False}, who="ada")
    assert not any(each.exists() and each.stat().st_size for each in kept)


def test_a_licence_that_changes_where_pings_go(tmp_path: Path) -> None:
    """What another process saved meanwhile is gone by, and not forgotten because the licence was asked for."""
    names = (*FLOWFUSE.names, Name("endpoint"))
    given: dict[str, Any] = {"policy": FLOWFUSE._replace(names=names), "key": "", "enabled": None}
    outbox = Outbox()
    with telemetry(tmp_path, licence=lambda: Licence("l", "EE"), transport=outbox, **given) as sending:
        telemetry(tmp_path, **given).save({"endpoint": OWN}, who="ada")
        sending.license_changed()
        assert OWN == sending.status().endpoint
        sending.send_now(SECONDS)
    assert [OWN] == [request.endpoint.url for request in outbox.requests]


def test_paths_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that goes to another directory is not switched on again by that."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/config.json").write_text('{"telemetryEnabled": false}')
    slackonos = telemetry(Path("state"), policy="slackonos", enabled=None)
    other = telemetry(Path("state"), policy="flowfuse", key="", enabled=None, database=SqliteStore("own.db"))
    other.save({"enabled": False}, who="ada")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert (False, False) == (slackonos.refresh().enabled, other.refresh().enabled)
    assert [] == list((tmp_path / "elsewhere").iterdir())


def test_only_its_own_of_the_file(tmp_path: Path) -> None:
    """What a host's settings file holds besides is shown to nobody."""
    file = tmp_path / "own.json"
    file.write_text('{"slackToken": "s3cret", "telemetryEnabled": false, "telemetry": {"backend": {}}}')
    about = telemetry(tmp_path, policy="slackonos", file=file).about()
    assert {"telemetryEnabled": False, "telemetry": {"backend": {}}} == about.file
    assert "s3cret" not in repr(about)


def test_a_password_in_a_bad_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem says which setting it is, and not what stands there."""
    monkeypatch.setenv("HOMING_TELEMETRY_ENDPOINT", "https://joe:s3cret@example.com")
    sending = telemetry(tmp_path)
    assert ("HOMING_TELEMETRY_ENDPOINT: must hold neither a password nor a fragment.",) == sending.status().problems
    assert "s3cret" not in f"{sending.status()}{sending.about()}{sending.preview()}"


# Files.


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    """Root's save leaves it to its owner, with its permissions, and a link stays a link."""
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("{}")
    real.chmod(0o640)
    if os.getuid() == 0:
        os.chown(real, 1234, 4321)
    before = real.stat()
    link.symlink_to(real)
    JsonStore(link).save("a", 1)
    after = real.stat()
    assert link.is_symlink()
    assert (before.st_uid, before.st_gid, before.st_mode) == (after.st_uid, after.st_gid, after.st_mode)
    assert {"a": 1} == json.loads(real.read_text())
