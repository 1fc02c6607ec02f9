"""Every combination of layers, settings and policies, against a plain account of who has the last word."""

from typing import Any, Final, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from homing.sdk.consent import Decision, decide
from homing.sdk.licence import Licence
from homing.sdk.policy import POLICIES, Mode, Policy
from homing.sdk.sources import Sources

HOUR: Final = 3600
BAD: Final = "what nobody can read"
URL: Final = "https://own.example.com/x"

ORDER: Final = {
    "seqdesk": ("environment", "file", "database", "profile"),
    "sirveo": ("environment",),
    "flowfuse": ("file", "database"),
    "slackonos": ("environment", "file"),
    "homing": ("environment", "file", "database", "profile"),
}
"""Whom each document lets speak, the strongest first."""

SWITCHES: Final[dict[Any, Any]] = {True: True, "YES": True, "on": True, False: False, "0": False, "maybe": BAD, 7: BAD}
WHOLE: Final[dict[Any, Any]] = {"12": 12 * HOUR, 24: 24 * HOUR, "0": BAD, "8h": BAD, "often": BAD}
DURATIONS: Final[dict[Any, Any]] = {"8h": 8 * HOUR, "1h30m": 5400, "8": BAD, "25h": BAD}
TEXTS: Final[dict[Any, Any]] = {"k-1": "k-1", "two words": "two words", "ü": BAD}
MEANING: Final[dict[str, dict[Any, Any]]] = {
    "enabled": SWITCHES,
    "mode": {"custom": Mode.CUSTOM, "BOTH ": Mode.BOTH, "default": Mode.DEFAULT, "disabled": Mode.DISABLED, "x": BAD},
    "endpoint": {URL: URL, "ftp://x.example.com": BAD, "nonsense": BAD},
    "interval": WHOLE,
    "key": TEXTS,
    "bearer": TEXTS,
    "identifier": TEXTS,
    "log_level": {"debug": "DEBUG", "INFO": "INFO", "loud": BAD},
}
"""What each setting's words mean."""


class Case(NamedTuple):
    """What everybody says: for each layer its settings, and those who stand above the layers."""

    policy: Policy
    said: dict[str, dict[str, Any]]
    code: bool | None
    hours: int | None
    refuses: bool
    is_ci: bool
    licence: Licence | None
    is_unreadable: bool


def meaning(policy: Policy, setting: str) -> dict[Any, Any]:
    """Return the words of a policy's setting."""
    return DURATIONS if policy.name == "sirveo" and setting == "interval" else MEANING[setting]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a case; in the environment everything is text."""
    policy = draw(st.sampled_from(list(POLICIES.values())))
    said: dict[str, dict[str, Any]] = {layer: {} for layer in ("environment", "file", "database", "profile")}
    for layer, words_of in said.items():
        for name in policy.names:
            words = [word for word in meaning(policy, name.setting) if layer != "environment" or isinstance(word, str)]
            words_of[name.setting] = draw(st.sampled_from([None, None, "", *words]))
    licence = draw(st.sampled_from([None, Licence("l", "EE"), Licence("l", "EE", is_valid=False)]))
    code, hours = draw(st.sampled_from([None, True, False])), draw(st.sampled_from([None, 24]))
    refuses, is_ci, unreadable = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    return Case(policy, said, code, hours, refuses, is_ci, licence, unreadable)


def sources(case: Case) -> Sources:
    """Return a case as the layers hold it."""
    variables = {"DO_NOT_TRACK": "1"} if case.refuses else {}
    variables |= {"CI": "true"} if case.is_ci else {}
    file: dict[str, Any] = {}
    for name in case.policy.names:
        value = case.said["environment"][name.setting]
        variables |= {name.variables[0]: value} if name.variables and value else {}
        *outer, last = name.file.split(".")
        (file.setdefault(outer[0], {}) if outer else file)[last] = case.said["file"][name.setting]
    saved = {f"telemetry.{name}": value for name, value in case.said["database"].items()}
    profile = {f"profile.{name}": value for name, value in case.said["profile"].items()}
    problems = (("file", "It cannot be read."),) if case.is_unreadable else ()
    seconds = case.hours and case.hours * HOUR
    return Sources(case.code, seconds, variables, "f", file, saved | profile, case.licence, problems)


def first_word(case: Case, setting: str) -> tuple[str, Any]:
    """Return who says something about a setting first, and what it means."""
    for layer in ORDER[case.policy.name]:
        word = case.said[layer].get(setting)
        names = case.policy.name_of(setting)
        is_told = layer != "file" or (names is not None and names.file)
        # FlowFuse's file can say no, and nothing else.
        is_told = is_told and not (case.policy.name == "flowfuse" and layer == "file" and _says_yes(word))
        if word not in (None, "") and is_told and (layer != "environment" or (names and names.variables)):
            return layer, meaning(case.policy, setting)[word]
    if case.code and setting in ("enabled", "mode"):
        return "code", True if setting == "enabled" else Mode.DEFAULT
    is_on = case.policy.name in ("flowfuse", "slackonos")
    usual: dict[str, Any] = {
        "enabled": is_on,
        "mode": Mode.DISABLED,
        "interval": 8 if case.policy.name == "sirveo" else 24,
    }
    return "default", usual.get(setting, "") if setting != "interval" else (case.hours or usual[setting]) * HOUR


def _says_yes(word: Any) -> bool:
    return word in SWITCHES and SWITCHES[word] is True


def value_of(case: Case, setting: str) -> Any:
    """Return what holds of a setting: what cannot be read is off, nothing, or the usual interval."""
    _layer, word = first_word(case, setting)
    if word != BAD:
        return word
    otherwise = {"enabled": False, "mode": Mode.DISABLED}
    silent = case._replace(said={layer: {} for layer in case.said})
    return first_word(silent, "interval")[1] if setting == "interval" else otherwise.get(setting, "")


def wanted(case: Case) -> tuple[Mode, str]:
    """Return where pings go, and who says so."""
    policy = case.policy.name
    chosen = "mode" if policy == "sirveo" else "enabled"
    layer, _word = first_word(case, chosen)
    mode = value_of(case, chosen) if chosen == "mode" else _by_switch(case)
    if case.code is False:
        return Mode.DISABLED, "code"
    if policy == "flowfuse" and case.licence:
        return (Mode.DEFAULT if mode is Mode.DISABLED else mode), "licence"
    if case.refuses:
        return Mode.DISABLED, "do-not-track"
    if case.is_unreadable:
        return Mode.DISABLED, "file"
    if policy == "homing" and case.is_ci and layer != "environment":
        return Mode.DISABLED, "ci"
    return mode, layer


def _by_switch(case: Case) -> Mode:
    if not value_of(case, "enabled"):
        return Mode.DISABLED
    own = [each for each in ("endpoint", "key") if case.policy.name_of(each)]
    return Mode.CUSTOM if any(first_word(case, each)[0] != "default" for each in own) else Mode.DEFAULT


@given(cases())
def test_everybody_together(case: Case) -> None:
    """Mode, layer, each value with its layer, the lock, and the number of problems are those of the account."""
    found: Decision = decide(case.policy, sources(case))
    settings = {name.setting for name in case.policy.names} | {"interval"}
    assert wanted(case) == (found.mode, found.layer)
    assert {each: (value_of(case, each), first_word(case, each)[0]) for each in settings} == {
        name: (value.value, value.layer) for name, value in found.values.items()
    }
    assert value_of(case, "interval") == found.interval
    bad = [each for each in settings if first_word(case, each)[1] == BAD]
    assert len(bad) + case.is_unreadable == len(found.problems)
    assert ("endpoint" in bad) == found.has_bad_endpoint
    assert (found.layer == "licence") == found.is_locked
