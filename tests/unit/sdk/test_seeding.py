"""First settings: where they come from, and that they change nothing that is there."""

import json
from pathlib import Path
from typing import Any

import pytest

from homing import SettingsError, SqliteStore
from homing.sdk.consent import CONSENT
from homing.sdk.policy import HOUR
from homing.settings import MASK
from tests.unit.sdk.commands.calls import Capture, called, program
from tests.unit.sdk.doubles import telemetry

GIVEN: dict[str, Any] = {"policy": "seqdesk", "key": "", "enabled": None}
SETUP: dict[str, Any] = {
    "host": "lab.example.com",
    "telemetry": {"enabled": False, "endpoint": "https://own.example.com/x", "intervalHours": 12},
    "installProfile": {"id": "twincore", "version": "1.0.0", "telemetry": {"enabled": True, "intervalHours": 6}},
}


def setup(place: Path, **other: Any) -> str:
    """Write a set-up file and return its path."""
    file = place / "setup.json"
    file.write_text(json.dumps({**SETUP, **other}))
    return str(file)


def kept(place: Path) -> dict[str, Any]:
    """Return what is in the database."""
    return SqliteStore(place / "telemetry.db").load()


def test_what_is_saved(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment beats the file; a profile becomes a layer of its own; a second run changes nothing."""
    # 000-19 000-20
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENABLED", "true")
    said = called(capsys, tmp_path, "seed", "-y", "--config", setup(tmp_path), **GIVEN)
    assert (0, "") == (said.code, said.err)
    first = kept(tmp_path)
    assert {
        "telemetry.enabled": True,
        "telemetry.endpoint": "https://own.example.com/x",
        "telemetry.interval": 12,
        "profile.id": "twincore",
        "profile.version": "1.0.0",
        "profile.enabled": True,
        "profile.interval": 6,
    } == {name: value for name, value in first.items() if name != CONSENT}
    assert "enabled\tTrue\tdatabase\tSEQDESK_TELEMETRY_ENABLED\n" in said.out
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENABLED", "false")
    said = called(capsys, tmp_path, "seed", "-y", "--config", setup(tmp_path, telemetry={"intervalHours": 99}), **GIVEN)
    assert (0, "There is nothing to save that is not saved already.\n") == (said.code, said.out)
    assert first == kept(tmp_path)


def test_a_profile_holds_until_somebody_saves(tmp_path: Path, capsys: Capture) -> None:
    """It may be a file of its own, and fills the heartbeat."""  # 000-19
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(SETUP["installProfile"]))
    assert 0 == called(capsys, tmp_path, "seed", "-y", "--profile", str(profile), **GIVEN).code
    sending = telemetry(tmp_path, **GIVEN)
    assert (True, "profile") == sending.status()[:2]
    assert 6 * 3600 == dict(sending.status().settings)["interval"].value
    assert {"id": "twincore", "version": "1.0.0"} == json.loads(sending.preview()[0].body)["installProfile"]
    assert (False, "database") == sending.save({"enabled": False}, who="ada")[:2]
    assert CONSENT not in kept(tmp_path)


def test_who_agreed(tmp_path: Path, capsys: Capture) -> None:
    """Whoever lets the installer switch it on has agreed."""
    file = setup(tmp_path, telemetry={"enabled": "yes"}, installProfile=None)
    assert 0 == called(capsys, tmp_path, "seed", "-y", "--config", file, **GIVEN).code
    found = kept(tmp_path)
    assert (True, 1) == (found["telemetry.enabled"], found[CONSENT]["fields"])


def test_it_asks(tmp_path: Path, capsys: Capture) -> None:
    """Without -y, and with nobody there, nothing is saved."""
    said = called(capsys, tmp_path, "seed", "--config", setup(tmp_path), **GIVEN)
    assert (2, False) == (said.code, (tmp_path / "telemetry.db").exists())
    assert "intervalHours" in said.out


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"telemetry": {"enabled": "perhaps"}}, "telemetry.enabled is neither on nor off."),
        ({"telemetry": {"intervalHours": 0}}, "telemetry.intervalHours must be a whole number from 1 to 168."),
        ({"installProfile": "twincore"}, "installProfile: is no profile."),
        ({"installProfile": {"telemetry": 1}}, "installProfile: is no profile."),
        ({"installProfile": {"telemetry": {"volume": 1}}}, "installProfile: telemetry.volume is no setting here."),
    ],
)
def test_everything_wrong_is_told(tmp_path: Path, capsys: Capture, other: dict[str, Any], told: str) -> None:
    """Then nothing is saved."""
    said = called(capsys, tmp_path, "seed", "-y", "--config", setup(tmp_path, **other), **GIVEN)
    assert (2, False) == (said.code, (tmp_path / "telemetry.db").exists())
    assert told in said.err


def test_files_that_cannot_be_read(tmp_path: Path, capsys: Capture) -> None:
    """A name that leads nowhere is a mistake here, though it is none for the program."""
    for option in ("--config", "--profile"):
        said = called(capsys, tmp_path, "seed", "-y", option, str(tmp_path / "none.json"), **GIVEN)
        assert (2, f"The settings file {tmp_path / 'none.json'} cannot be read: No such file or directory.\n") == (
            said.code,
            said.err.removeprefix("acme seed: "),
        )


def test_other_policies(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings file is seeded too, with secrets masked; what only the environment holds is not."""
    file = tmp_path / "config.json"
    file.write_text('{"volume": 7}')
    monkeypatch.setenv("TELEMETRY_ENABLED", "false")
    monkeypatch.setenv("TELEMETRY_API_KEY", "phc_own")
    said = called(capsys, tmp_path, "seed", "-y", policy="slackonos", file=file)
    assert {"volume": 7, "telemetryEnabled": False, "telemetryApiKey": "phc_own"} == json.loads(file.read_text())
    assert ("phc_own" in said.out, MASK in said.out) == (False, True)
    said = called(capsys, tmp_path, "seed", "-y", policy="sirveo")
    assert (2, "acme seed: These settings come from the environment only.\n") == (said.code, said.err)
    profile = tmp_path / "profile.json"
    profile.write_text("{}")
    said = called(capsys, tmp_path, "seed", "-y", "--profile", str(profile), policy="flowfuse", key="")
    assert (2, f"acme seed: {profile}: this application knows no profile.\n") == (said.code, said.err)


def test_as_an_installer_writes_it(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set-up file may say what is installed; the receiver need not be known."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    own = {"app": "acme", "policy": "seqdesk", "telemetry": {"enabled": True, "intervalHours": 12}}
    Path("setup.json").write_text(json.dumps(own))
    words = ("seed", "-y", "--config", "setup.json")
    first, again = program(capsys, *words), program(capsys, *words)
    assert (0, True) == (first.code, "2 saved." in first.out)
    assert (0, "There is nothing to save that is not saved already.\n") == (again.code, again.out)
    status = telemetry(tmp_path / "acme" / "telemetry", policy="seqdesk", key="", enabled=None).status()
    assert (True, 12 * HOUR) == (status.enabled, status.first.interval_seconds)
    Path("setup.json").write_text('{"telemetry": {"enabled": false}}')
    assert 2 == program(capsys, *words).code
    assert 0 == program(capsys, *words, "--directory", "own").code
    assert Path("own/telemetry.db").exists()


def test_a_store_that_fails(tmp_path: Path) -> None:
    """It is a problem of settings, not a crash."""

    class Broken:
        def load(self) -> dict[str, Any]:
            raise ZeroDivisionError("gone")

        def save(self, _name: str, _value: Any) -> None:
            raise ZeroDivisionError("gone")

    with pytest.raises(SettingsError, match="What was saved cannot be read: gone"):
        telemetry(tmp_path, **GIVEN, database=Broken()).first_settings(setup(tmp_path))
