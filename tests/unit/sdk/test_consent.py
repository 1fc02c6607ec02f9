"""Who decides whether anything is sent."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.sdk.consent import Decision, decide
from homing.sdk.licence import Licence
from homing.sdk.policy import FLOWFUSE, HOMING, POLICIES, SEQDESK, SIRVEO, SLACKONOS, Mode, Policy
from homing.sdk.sources import Sources

ENABLED = "HOMING_TELEMETRY_ENABLED"
HOUR = 3600
LICENCE = Licence("l-1", "EE", is_valid=False)
CHOSEN = {"seqdesk": "enabled", "sirveo": "mode", "flowfuse": "enabled", "slackonos": "enabled", "homing": "enabled"}


def decided(policy: Policy = HOMING, **given: Any) -> Decision:
    """Return what holds when the layers say this."""
    return decide(policy, Sources(**given))


def outcome(policy: Policy = HOMING, **given: Any) -> tuple[bool, str]:
    """Return whether telemetry is on, and who said so."""
    decision = decided(policy, **given)
    return decision.is_on, decision.layer


@pytest.mark.parametrize(
    ("policy", "on"), [(each, each.name in ("flowfuse", "slackonos")) for each in POLICIES.values()]
)
def test_at_first(policy: Policy, *, on: bool) -> None:
    """Nobody said anything: the document decides."""  # 000-01 001-01 003-03 004-12
    assert (on, "default") == outcome(policy)


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
def test_code(*, code: bool | None, variable: str | None, on: bool, layer: str) -> None:
    """Off in code beats the environment, which beats on in code."""
    variables = {} if variable is None else {ENABLED: variable}
    decision = decided(enabled=code, variables=variables)
    assert (on, layer, ()) == (decision.is_on, decision.layer, decision.problems)


@pytest.mark.parametrize("value", ["1", "true", "yes", "no", "anything"])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=str)
def test_do_not_track(policy: Policy, value: str) -> None:
    """It beats whatever says on."""
    variables = {"DO_NOT_TRACK": value, ENABLED: "1", "SIRVEO_TELEMETRY_MODE": "default"}
    assert (False, "do-not-track") == outcome(policy, variables=variables, enabled=True)


@pytest.mark.parametrize("value", ["", "0", "false", " False "])
def test_do_not_track_that_says_nothing(value: str) -> None:
    """Empty, 0 and false leave the decision to others."""
    assert decided(variables={"DO_NOT_TRACK": value}, enabled=True).is_on


def test_precedence() -> None:
    """The environment beats the file, which beats what was saved, which beats the install profile."""  # 000-15 000-19
    layers: dict[str, Any] = {
        "variables": {"SEQDESK_TELEMETRY_ENABLED": "no"},
        "file": {"telemetry": {"enabled": True}},
        "database": {"telemetry.enabled": False, "profile.enabled": True},
    }
    assert (False, "environment") == outcome(SEQDESK, **layers)
    assert (True, "file") == outcome(SEQDESK, **layers | {"variables": {}})
    assert (False, "database") == outcome(SEQDESK, database=layers["database"])
    assert (True, "profile") == outcome(SEQDESK, database={"profile.enabled": True})


SAYS: Final = st.sampled_from([None, "", True, False, "yes", "off", "maybe", 7])
MEANING: Final[dict[Any, bool]] = {True: True, False: False, "yes": True, "off": False, "maybe": False, 7: False}


@given(
    policy=st.sampled_from([SEQDESK, HOMING]),
    said=st.tuples(SAYS, SAYS, SAYS, SAYS),
    code=st.sampled_from([None, True, False]),
    refusal=st.sampled_from(["", "0", "1"]),
    is_ci=st.booleans(),
)
def test_every_combination(
    *, policy: Policy, said: tuple[Any, ...], code: bool | None, refusal: str, is_ci: bool
) -> None:
    """Whatever the layers say together, the strongest that says something decides, and what is unreadable is off."""
    environment, file, database, profile = said
    variable = policy.names[0].variables[0]
    # A variable holds text.
    variables = {variable: "" if environment is None else str(environment), "DO_NOT_TRACK": refusal}
    found = decided(
        policy,
        enabled=code,
        variables=variables | ({"CI": "true"} if is_ci else {}),
        file={"telemetry": {"enabled": file}},
        database={"telemetry.enabled": database, "profile.enabled": profile},
    )
    names = zip(("environment", "file", "database", "profile"), said, strict=True)
    speaking = [(name, MEANING[raw]) for name, raw in names if raw not in (None, "")]
    speaking += [("code", True)] if code else []
    layer, is_on = [*speaking, ("default", False)][0]
    if policy is HOMING and is_ci and layer != "environment":
        layer, is_on = "ci", False
    if refusal == "1":
        layer, is_on = "do-not-track", False
    if code is False:
        layer, is_on = "code", False
    assert (layer, is_on) == (found.layer, found.is_on)
    unreadable = [raw for raw in said if raw in ("maybe", 7)]
    assert len(found.problems) <= len(unreadable)


@pytest.mark.parametrize("policy", [SEQDESK, SIRVEO, SLACKONOS, HOMING], ids=str)
def test_what_cannot_be_read_is_off(policy: Policy) -> None:
    """A switch that says neither, and a mode that is none, mean off, though the code says on, and are told."""
    name = policy.names[0].variables[0]
    decision = decided(policy, variables={name: "maybe"}, enabled=True)
    assert (False, "environment") == (decision.is_on, decision.layer)
    [problem] = decision.problems
    assert problem.startswith(f"{name}: 'maybe': ")


@pytest.mark.parametrize(
    ("policy", "raw", "seconds", "problems"),
    [
        (HOMING, "1", HOUR, 0),
        (HOMING, "168", 168 * HOUR, 0),
        (HOMING, "0", 6 * HOUR, 1),
        (HOMING, "169", 6 * HOUR, 1),
        (HOMING, "1.5", 6 * HOUR, 1),
        (SEQDESK, "24", 24 * HOUR, 0),
        (SEQDESK, "often", 6 * HOUR, 1),
        (SIRVEO, "8h", 8 * HOUR, 0),
        (SIRVEO, "1h30m", 5400, 0),
        (SIRVEO, "90m", 5400, 0),
        (SIRVEO, "24h", 24 * HOUR, 0),
        (SIRVEO, "8", 6 * HOUR, 1),
        (SIRVEO, "30m", 6 * HOUR, 1),
        (SIRVEO, "25h", 6 * HOUR, 1),
    ],
)
def test_the_interval(policy: Policy, raw: str, *, seconds: int, problems: int) -> None:
    """What is out of bounds is told and the usual interval holds; telemetry stays on."""  # 000-14 001-04
    name = policy.name_of("interval")
    assert name is not None
    decision = decided(policy, variables={name.variables[0]: raw}, interval=6 * HOUR, enabled=True)
    assert (seconds, problems, True) == (decision.interval, len(decision.problems), decision.is_on)


@pytest.mark.parametrize("mode", [*Mode, "BOTH", " custom "])
def test_modes(mode: str) -> None:
    """The environment chooses one of four."""  # 001-01
    assert Mode(mode.strip().lower()) == decided(SIRVEO, variables={"SIRVEO_TELEMETRY_MODE": mode}).mode


@pytest.mark.parametrize(
    ("set_to", "value", "problems"),
    [
        ({"SIRVEO_TELEMTRY_AUTH": "a"}, "a", 0),
        ({"SIRVEO_TELEMETRY_AUTH": "b"}, "b", 0),
        ({"SIRVEO_TELEMTRY_AUTH": "a", "SIRVEO_TELEMETRY_AUTH": "b"}, "a", 1),
    ],
)
def test_both_spellings(set_to: dict[str, str], value: str, problems: int) -> None:
    """Either variable is read; where both are set the document's counts, which is said without a token."""  # 001-03
    decision = decided(SIRVEO, variables=set_to)
    assert (value, problems) == (decision.text("bearer"), len(decision.problems))
    assert "•" in repr(decision.values["bearer"])
    assert all("SIRVEO_TELEMTRY_AUTH counts." in each for each in decision.problems)


@pytest.mark.parametrize(
    ("file", "saved", "on", "layer"),
    [
        ({"telemetry": {"enabled": False}}, True, False, "file"),
        ({"telemetry": {"enabled": True}}, False, False, "database"),
        ({"telemetry": {"enabled": True}}, None, True, "default"),
        ({"telemetry": {"enabled": "perhaps"}}, True, False, "file"),
        ({"telemetry": None}, False, False, "database"),
        ({}, None, True, "default"),
    ],
)
def test_the_file_may_only_refuse(file: dict[str, Any], *, saved: bool | None, on: bool, layer: str) -> None:
    """FlowFuse's file overrides the administrator with a no; its yes does not override an opt-out."""  # 003-03 003-04
    assert (on, layer) == outcome(FLOWFUSE, file=file, database={"telemetry.enabled": saved})


@pytest.mark.parametrize("licence", [LICENCE, LICENCE._replace(is_valid=True)])
def test_a_licence_locks(licence: Licence) -> None:
    """Page, file, an unreadable file and DO_NOT_TRACK do not switch it off, the maker's code does."""  # 003-05
    against: dict[str, Any] = {
        "file": {"telemetry": {"enabled": False}},
        "database": {"telemetry.enabled": False},
        "variables": {"DO_NOT_TRACK": "1"},
        "problems": (("file", "Unreadable."),),
    }
    decision = decided(FLOWFUSE, licence=licence, **against)
    assert (True, "licence", True) == (decision.is_on, decision.layer, decision.is_locked)
    assert (False, "code") == outcome(FLOWFUSE, licence=licence, enabled=False, **against)
    assert (False, "do-not-track") == outcome(FLOWFUSE, **against)
    assert not decided(SEQDESK, licence=licence).is_on


def test_a_layer_that_cannot_be_looked_into() -> None:
    """A file that is there and unreadable means off, whatever the environment says."""
    given: dict[str, Any] = {"problems": (("file", "It cannot be read."),), "variables": {ENABLED: "1"}}
    decision = decided(**given)
    assert (False, "file", ("It cannot be read.",)) == (decision.is_on, decision.layer, decision.problems)


@pytest.mark.parametrize(
    ("variables", "on", "layer"),
    [
        ({"CI": "true"}, False, "ci"),
        ({"TF_BUILD": "True"}, False, "ci"),
        ({"CI": "false"}, True, "code"),
        ({"CI": "true", ENABLED: "1"}, True, "environment"),
    ],
)
def test_ci(variables: dict[str, str], *, on: bool, layer: str) -> None:
    """Our own policy is silent where software is built, unless the environment says otherwise; no other one is."""
    assert (on, layer) == outcome(HOMING, variables=variables, enabled=True)
    assert (True, "default") == outcome(SLACKONOS, variables=variables)


@pytest.mark.parametrize("value", ["ftp://x.example.com", "nonsense", 5])
def test_a_bad_address(value: Any) -> None:
    """It is told, telemetry stays on, and the mode is the operator's: nothing may go to the maker instead."""
    decision = decided(SEQDESK, file={"telemetry": {"enabled": True, "endpoint": value}}, file_name="x.json")
    assert (Mode.CUSTOM, True, "") == (decision.mode, decision.has_bad_endpoint, decision.text("endpoint"))
    assert decision.problems[0].startswith("x.json: telemetry.endpoint: ")


def test_every_value_carries_its_layer() -> None:
    """Each setting is told with where it came from."""
    decision = decided(
        SEQDESK,
        variables={"SEQDESK_TELEMETRY_ENABLED": "1"},
        file={"telemetry": {"endpoint": "https://a.example.com/x"}},
        database={"profile.interval": 12},
    )
    assert {"enabled": "environment", "endpoint": "file", "interval": "profile"} == {
        name: value.layer for name, value in decision.values.items()
    }
    assert 12 * HOUR == decision.interval
