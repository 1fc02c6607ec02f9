"""What each setting is on a page: its value, where that comes from, and what stands in the way of changing it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from homing.sdk.about import About
from homing.sdk.consent import ENDPOINT, INTERVAL, LEVELS, MODE, ON
from homing.sdk.policy import HOUR, Mode, Policy
from homing.sdk.status import Status
from homing.settings import Value

SWITCHES: Final = (ON, MODE)
SECRETS: Final = frozenset({"key", "bearer"})

LABELS: Final[Mapping[str, str]] = {
    ON: "Operational telemetry",
    MODE: "Mode",
    ENDPOINT: "Endpoint",
    "key": "Key",
    "bearer": "Bearer token",
    INTERVAL: "Interval",
    "identifier": "Identifier",
    "log_level": "Log level",
}

HINTS: Final[Mapping[str, str]] = {
    MODE: "custom sends to your endpoint, default to the maker, both to each.",
    ENDPOINT: "The address of a receiver of your own. It then hears instead of the maker; empty is the maker's.",
    "key": "The key that your own receiver gave you. It is not shown again.",
    "bearer": "Sent to your endpoint only. It is not shown again.",
    "identifier": "Your name for this server; sent to your endpoint only.",
    "log_level": "From which level on telemetry writes lines to the log.",
}

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    MODE: tuple(Mode),
    "log_level": ("", *LEVELS),
}

MINUTE: Final = 60


class Control(NamedTuple):
    """One setting. `value` is as people write it, never a secret; `lock` says what holds it, if anything does."""

    name: str
    value: str
    layer: str
    lock: str = ""
    is_set: bool = False

    @property
    def is_on(self) -> bool:
        """Whether the switch is on."""
        return self.value == "on"


def controls(status: Status, about: About) -> list[Control]:
    """Return the settings of the policy, the switch first."""
    return [_control(name, value, status, about) for name, value in status.settings if _is_shown(name, about)]


def _is_shown(name: str, about: About) -> bool:
    # Every policy has an interval, not each lets it be chosen.
    return about.policy.name_of(name) is not None


def _control(name: str, value: Value, status: Status, about: About) -> Control:
    shown = written(about.policy, name, value.value)
    layer = value.layer
    if name in SWITCHES:
        # What holds may be another thing than what was chosen.
        shown = ("on" if status.enabled else "off") if name == ON else status.mode
        layer = status.layer
    lock = locked(name, value.layer, status=status, about=about)
    return Control(name, "" if name in SECRETS else shown, layer, lock, is_set=bool(value.value))


def written(policy: Policy, name: str, value: Any) -> str:  # wide: a value and what it is for
    """Return a value as people write it."""
    if name != INTERVAL:
        return str(value)
    return duration_text(value) if policy.interval.is_duration else str(value // HOUR)


def duration_text(seconds: int) -> str:
    """Return seconds as `1h30m`."""
    hours, rest = divmod(seconds, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def locked(name: str, layer: str, *, status: Status, about: About) -> str:
    """Return a sentence that says what stands above what is saved; empty where nothing does."""
    if name in SWITCHES and (veto := _veto(status)):
        return veto
    if not about.keeps:
        variables = about.policy.name_of(name)
        names = " or ".join(variables.variables) if variables else ""
        return f"Comes from the environment only: set {names} there and start again."
    if layer in about.policy.stronger_than(about.keeps):
        return f"Set by {about.origins.get(name, layer)}; change it there."
    return ""


def _veto(status: Status) -> str:
    """Return what overrules the switch, whatever anybody chose."""
    if status.is_locked:
        return "A licence is loaded: licensed installations cannot switch telemetry off."
    if status.layer == "do-not-track":
        return "Off because DO_NOT_TRACK is set in the environment."
    if status.layer == "ci":
        return "Off because the environment says that software is built or tested here."
    if status.layer == "code" and not status.enabled:
        return "Switched off in the application itself."
    if status.layer == "file" and not status.enabled and status.problems:
        return f"Off because of the settings file. {status.problems[0]}"
    return ""


def changed(found: Sequence[Control], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be saved of what somebody gave in, each under its setting's name.

    What stands there already is left out, so that it goes on coming from where it does.
    """
    return dict(_changes(found, given))


def _changes(found: Sequence[Control], given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for control in found:
        if control.name not in given:
            continue
        wanted = given[control.name]
        if control.name in SECRETS:
            if wanted != "":
                yield control.name, wanted
        elif control.name == ON:
            if wanted != control.is_on:
                yield ON, wanted
        elif wanted != control.value:
            yield control.name, wanted or None
