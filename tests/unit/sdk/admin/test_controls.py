"""What each setting is on a page, and what holds it."""

from pathlib import Path
from typing import Any

import pytest

from homing import Licence, Telemetry
from homing.sdk.admin.controls import Control, changed, controls, duration_text
from homing.sdk.policy import POLICIES, SIRVEO
from tests.unit.sdk.doubles import telemetry


def found(sending: Telemetry) -> dict[str, Control]:
    """Return the controls by name."""
    return {each.name: each for each in controls(sending.status(), sending.about())}


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_setting_has_its_control(tmp_path: Path, policy: str) -> None:
    """Each setting of the policy, and no other, in the policy's order."""
    sending = telemetry(tmp_path, policy=policy, key="" if policy in ("seqdesk", "sirveo", "flowfuse") else "k")
    assert [name.setting for name in POLICIES[policy].names] == list(found(sending))


def test_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of environment and file are locked, and the lock names the variable or the place in the file."""
    file = tmp_path / "seqdesk.config.json"
    file.write_text('{"telemetry": {"intervalHours": 12}}')
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENABLED", "true")
    sending = telemetry(tmp_path, policy="seqdesk", key="", enabled=None, file=file)
    sending.save({"endpoint": "http://localhost/x"}, who="ada")
    shown = found(sending)
    assert ("on", "environment", "Set by SEQDESK_TELEMETRY_ENABLED; change it there.") == shown["enabled"][1:4]
    assert ("12", "file", f"Set by {file}: telemetry.intervalHours; change it there.") == shown["interval"][1:4]
    assert ("http://localhost/x", "database", "") == shown["endpoint"][1:4]


@pytest.mark.parametrize(
    ("given", "variables", "layer", "words"),
    [
        ({}, {"DO_NOT_TRACK": "1"}, "do-not-track", "DO_NOT_TRACK"),
        ({}, {"CI": "true"}, "ci", "built or tested"),
        ({"enabled": False}, {}, "code", "application itself"),
        ({"policy": "flowfuse", "key": "", "licence": lambda: Licence("l", "EE")}, {}, "licence", "licence is loaded"),
        ({"policy": "sirveo", "key": "", "enabled": None}, {}, "default", "set SIRVEO_TELEMETRY_MODE there"),
    ],
)
def test_vetoes(  # wide: what is given, and what is to come of it
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, Any],
    variables: dict[str, str],
    layer: str,
    words: str,
) -> None:
    """What overrules the switch locks it, with its reason."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    switch = next(iter(found(telemetry(tmp_path, **given)).values()))
    assert (layer, True) == (switch.layer, words in switch.lock)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It locks the switch, and says what is wrong with it."""
    (tmp_path / "own.json").write_text("{")
    sending = telemetry(tmp_path, enabled=None, file=tmp_path / "own.json")
    assert "not valid JSON" in found(sending)["enabled"].lock


def test_secrets_do_not_show(tmp_path: Path) -> None:
    """A control knows that a key is set, and not which."""
    sending = telemetry(tmp_path)
    sending.save({"key": "very-secret"}, who="ada")
    control = found(sending)["key"]
    assert ("", "database", True) == (control.value, control.layer, control.is_set)
    assert "very-secret" not in repr(control)


def test_only_what_was_changed(tmp_path: Path) -> None:
    """What stands there already is not saved, an empty value takes back, an empty secret keeps what is set."""
    sending = telemetry(tmp_path)
    sending.save({"endpoint": "http://localhost/x", "key": "k"}, who="ada")
    shown = list(found(sending).values())
    same = {"enabled": True, "endpoint": "http://localhost/x", "key": "", "interval": "24"}
    assert {} == changed(shown, same)
    other = {"enabled": False, "endpoint": "", "key": None, "interval": "12"}
    assert {**other, "endpoint": None} == changed(shown, other)
    assert {} == changed(shown, {})


def test_durations(tmp_path: Path) -> None:
    """They are written as people write them."""
    assert ["8h", "1h30m", "45m", "1h1s", "0s"] == [duration_text(each) for each in (28800, 5400, 2700, 3601, 0)]
    policy = SIRVEO._replace(layers=("environment", "database", "default"))
    sending = telemetry(tmp_path, policy=policy, key="", enabled=None)
    sending.save({"interval": "1h30m"}, who="ada")
    assert ("1h30m", "database", "") == found(sending)["interval"][1:4]
