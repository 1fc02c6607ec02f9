"""Commands that change something."""

import json
import os
import pwd
from pathlib import Path

import pytest

from homing import Licence, Row, SqliteStore
from homing.clock import SystemClock
from homing.sdk.commands.changing import login
from homing.sdk.consent import CONSENT
from homing.sdk.payload import NUMBER
from homing.sdk.policy import POLICIES
from tests.unit.sdk.commands.calls import Capture, called, program
from tests.unit.sdk.doubles import telemetry


def kept(place: Path) -> dict[str, object]:
    """Return what is in the database."""
    return SqliteStore(place / "telemetry.db").load()


def test_enable(tmp_path: Path, capsys: Capture) -> None:
    """It lists every field and where it goes before it switches on, and keeps who agreed; that name is not sent."""
    said = called(capsys, tmp_path, "enable", "-y")
    assert (0, "") == (said.code, said.err)
    listed, _, told = said.out.rpartition("Telemetry of acme is on: somebody saved it.")
    assert "\n" == told
    assert "To http://telemetry.example.com/v1/pings go these fields, and events that the application" in listed
    rows = telemetry(tmp_path).about().rows
    assert all(f"{row.name}\t{row.why}" in listed for row in rows)
    consent = kept(tmp_path)[CONSENT]
    assert isinstance(consent, dict)
    assert (pwd.getpwuid(os.getuid()).pw_name, 1) == (consent["who"], consent["fields"])
    assert login().encode() not in telemetry(tmp_path).preview()[0].body


def test_enable_agrees_to_what_it_showed(tmp_path: Path, capsys: Capture) -> None:
    """Where telemetry is on already it is the later fields that a yes is for."""
    called(capsys, tmp_path, "enable", "-y")
    row = Row("properties.users", NUMBER, "why", 5, lambda _moment: 5, since=2)
    said = called(capsys, tmp_path, "enable", "-y", rows=[row])
    assert (0, True) == (said.code, "properties.users" in said.out)
    assert () == telemetry(tmp_path, enabled=None, rows=[row]).about().new_rows


def test_a_policy_without_events(tmp_path: Path, capsys: Capture) -> None:
    """There it is the fields and nothing else."""
    said = called(capsys, tmp_path, "enable", "-y", policy="seqdesk", key="")
    assert "go these fields, and nothing else:" in said.out
    told = POLICIES["slackonos"].told
    assert "in events named startup, heartbeat, shutdown, and nothing else" == told


def test_nobody_knows_where_it_goes(tmp_path: Path, capsys: Capture) -> None:
    """Nobody is asked to agree to that."""
    given = ("--app", "acme", "--directory", str(tmp_path))
    said = program(capsys, *given, "setconfig", "enabled", "true", "-y")
    assert (2, True) == (said.code, "Nobody can agree while it is not known where it would go." in said.err)
    assert [] == list(tmp_path.iterdir())


def test_opting_out_without_the_makers_values(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever switches off need know neither the maker's address nor the key nor the version."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = tmp_path / "acme" / "telemetry"
    with telemetry(place) as sending:
        sending.save({"enabled": True}, who="ada")
    assert 0 == program(capsys, "--app", "acme", "--version", "1", "disable").code
    assert (False, "database") == telemetry(place, enabled=None).status()[:2]
    assert 0 == program(capsys, "--app", "acme", "status").code
    assert 2 == program(capsys, "--app", "acme", "send").code


def test_nobody_is_there(tmp_path: Path, capsys: Capture) -> None:
    """Without a terminal nothing is taken for a yes."""
    said = called(capsys, tmp_path, "enable")
    assert (2, "acme enable: Nobody is here to be asked: repeat it with -y.\n") == (said.code, said.err)
    assert [] == list(tmp_path.iterdir())


def test_stronger_layers(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment holds is not changed; where something else forbids it, that is said."""
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    said = called(capsys, tmp_path, "enable", "-y")
    told = "acme enable: It was saved, and yet: Telemetry of acme is off: DO_NOT_TRACK is set.\n"
    assert (1, told) == (said.code, said.err)
    monkeypatch.setenv("HOMING_TELEMETRY_ENABLED", "true")
    said = called(capsys, tmp_path, "disable")
    told = "acme disable: enabled is set in the environment, which stands above what is saved.\n"
    assert (2, told, "") == (said.code, said.err, said.out)


def test_disable(tmp_path: Path, capsys: Capture) -> None:
    """It is kept, and said."""
    called(capsys, tmp_path, "enable", "-y")
    said = called(capsys, tmp_path, "disable")
    assert (0, "Telemetry of acme is off: somebody saved it.\nNothing is sent any more.\n") == (said.code, said.out)
    assert not telemetry(tmp_path, enabled=None).status().enabled
    assert json.loads(called(capsys, tmp_path, "disable", "--json").out)["enabled"] is False


def test_a_licensed_installation(tmp_path: Path, capsys: Capture) -> None:
    """It cannot be switched off."""
    said = called(capsys, tmp_path, "disable", policy="flowfuse", key="", licence=lambda: Licence("l", "EE"))
    assert (2, "acme disable: A licensed installation cannot switch telemetry off.\n") == (said.code, said.err)


def test_modes_are_for_the_environment(tmp_path: Path, capsys: Capture) -> None:
    """Where there are modes, the variable is named."""
    for word in ("enable", "disable"):
        said = called(capsys, tmp_path, word, *(["-y"] if word == "enable" else []), policy="sirveo")
        assert 2 == said.code
        assert "acme is switched on and off in the environment: with SIRVEO_TELEMETRY_MODE." in said.err


def test_setconfig(tmp_path: Path, capsys: Capture) -> None:
    """`setconfig telemetryEnabled false` switches off, and leaves the rest of the file as it is."""  # 004-12
    file = tmp_path / "config.json"
    file.write_text('{"volume": 7, "telemetryEnabled": true}')
    given = {"policy": "slackonos", "file": file}
    said = called(capsys, tmp_path, "setconfig", "telemetryEnabled", "false", **given)
    assert (0, "telemetryEnabled is false now.") == (said.code, said.out.splitlines()[0])
    assert {"volume": 7, "telemetryEnabled": False} == json.loads(file.read_text())
    said = called(capsys, tmp_path, "setconfig", "telemetryApiKey", "phc_own", **given)
    assert "phc_own" not in said.out
    assert "phc_own" == json.loads(file.read_text())["telemetryApiKey"]
    assert 0 == called(capsys, tmp_path, "setconfig", "telemetryEnabled", "true", "-y", **given).code
    assert json.loads(file.read_text())["telemetryEnabled"] is True


def test_setconfig_by_other_names(tmp_path: Path, capsys: Capture) -> None:
    """A setting has its own name, its place in the file, and the end of that; numbers are kept as numbers."""
    for name, hours in (("interval", 5), ("telemetry.interval_hours", 6), ("interval_hours", 7)):
        assert 0 == called(capsys, tmp_path, "setconfig", name, str(hours)).code
        assert hours == kept(tmp_path)["telemetry.interval"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("volume", "7"), "volume is no setting: there is telemetry.enabled, "),
        (("enabled", "perhaps"), "enabled is neither on nor off."),
        (("interval_hours", "500"), "interval must be a whole number from 1 to 168."),
        (("endpoint", "ftp://x"), "endpoint must begin with https:// or http:// and name a host."),
    ],
)
def test_setconfig_is_checked(tmp_path: Path, capsys: Capture, words: tuple[str, str], told: str) -> None:
    """What cannot be understood is not saved."""
    said = called(capsys, tmp_path, "setconfig", *words)
    assert 2 == said.code
    assert said.err.startswith(f"acme setconfig: {told}")
    assert [] == list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: Capture) -> None:
    """It is one sentence."""
    (tmp_path / "telemetry.db").mkdir()
    said = called(capsys, tmp_path, "disable")
    assert 2 == said.code
    assert said.err.startswith("acme disable: It cannot be kept: ")
    assert 1 == len(said.err.splitlines())


def test_reset_id(tmp_path: Path, capsys: Capture) -> None:
    """It asks, and makes a new id, which every process has from then on."""
    sending = telemetry(tmp_path)
    sending.send_once()
    before = sending.status().instance
    assert (2, before) == (called(capsys, tmp_path, "reset-id").code, telemetry(tmp_path).about().instance)
    said = called(capsys, tmp_path, "reset-id", "-y", enabled=True, clock=SystemClock())
    after = telemetry(tmp_path).about().instance
    assert (0, f"The id is {after} now.\n") == (said.code, said.out)
    assert before != after


def test_somebody_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the user may have no name: then it is the number."""

    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert str(os.getuid()) == login()
