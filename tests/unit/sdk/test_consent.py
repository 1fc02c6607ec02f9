"""Who decides whether anything is sent."""

import itertools

import pytest

from homing.sdk.consent import Decision, decide

ENABLED = "HOMING_TELEMETRY_ENABLED"
HOURS = "HOMING_TELEMETRY_INTERVAL_HOURS"


def test_off_at_first() -> None:
    """Nobody said anything."""  # 000-01
    assert Decision(is_on=False, layer="default", hours=24, problems=()) == decide(enabled=None, hours=24)


@pytest.mark.parametrize(
    ("code", "variable", "on", "layer"),
    [
        (True, None, True, "code"),
        (True, "", True, "code"),
        (True, "0", False, "environment"),
        (True, "yes", True, "environment"),
        (None, "1", True, "environment"),
        (None, "Off", False, "environment"),
        (False, "1", False, "code"),
        (False, None, False, "code"),
    ],
)
def test_layers(
    monkeypatch: pytest.MonkeyPatch, *, code: bool | None, variable: str | None, on: bool, layer: str
) -> None:
    """Off in code beats the environment, which beats on in code."""
    if variable is not None:
        monkeypatch.setenv(ENABLED, variable)
    decision = decide(enabled=code, hours=24)
    assert (on, layer, ()) == (decision.is_on, decision.layer, decision.problems)


@pytest.mark.parametrize("value", ["1", "true", "yes", "no", "anything"])
def test_do_not_track(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """It beats whatever says on."""
    monkeypatch.setenv("DO_NOT_TRACK", value)
    for code, variable in itertools.product((True, None), ("1", "")):
        monkeypatch.setenv(ENABLED, variable)
        decision = decide(enabled=code, hours=24)
        assert (False, "do-not-track") == (decision.is_on, decision.layer)


@pytest.mark.parametrize("value", ["", "0", "false", " False "])
def test_do_not_track_that_says_nothing(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Empty, 0 and false leave the decision to others."""
    monkeypatch.setenv("DO_NOT_TRACK", value)
    assert decide(enabled=True, hours=24).is_on


def test_what_cannot_be_read_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that says neither means off, though the code says on, and is told."""
    monkeypatch.setenv(ENABLED, "maybe")
    decision = decide(enabled=True, hours=24)
    assert (False, "environment") == (decision.is_on, decision.layer)
    assert ("HOMING_TELEMETRY_ENABLED: 'maybe': is neither on nor off.",) == decision.problems


@pytest.mark.parametrize(("value", "hours", "problems"), [("1", 1, 0), ("168", 168, 0), ("0", 6, 1), ("169", 6, 1)])
def test_the_interval(monkeypatch: pytest.MonkeyPatch, value: str, *, hours: int, problems: int) -> None:
    """The operator may choose 1 to 168 hours; anything else is told, and the code's interval holds."""  # 000-14
    monkeypatch.setenv(HOURS, value)
    decision = decide(enabled=True, hours=6)
    assert (hours, problems, True) == (decision.hours, len(decision.problems), decision.is_on)
