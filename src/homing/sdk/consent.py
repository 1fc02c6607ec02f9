"""Whether anything may be sent, where to, and who said so. Nothing here looks outside."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from homing.sdk.endpoint import parse
from homing.sdk.policy import HOUR, Mode, Name, Policy
from homing.sdk.sources import PROFILE, SAVED, Sources
from homing.settings import Layer, Resolved, Setting, Value, duration, is_yes, one_of, resolve, switch, whole

ON: Final = "enabled"
MODE: Final = "mode"
ENDPOINT: Final = "endpoint"
INTERVAL: Final = "interval"
MOST_TEXT: Final = 100
MOST_SECRET: Final = 1000
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
CONSENT: Final = "consent"
"""The name under which it is kept who agreed, when, and to which version of the field list."""


class Decision(NamedTuple):
    """What holds: the mode and the layer that chose it, the values with their layers, a sentence for each problem.

    `is_locked` says that a licence keeps telemetry on. `has_bad_endpoint` says that an address was given which cannot
    be used: then nothing may go anywhere else instead.
    """

    mode: Mode
    layer: str
    values: Mapping[str, Value]
    interval: int
    problems: tuple[str, ...] = ()
    has_bad_endpoint: bool = False
    is_locked: bool = False

    @property
    def is_on(self) -> bool:
        """Whether anything may be sent."""
        return self.mode is not Mode.DISABLED

    def text(self, setting: str) -> str:
        """Return the text of a setting, empty where nobody gave one."""
        found = self.values.get(setting)
        return found.value if found else ""


def decide(policy: Policy, sources: Sources) -> Decision:
    """Return what holds when the layers say this.

    Off in code is beaten by nothing; a licence that locks telemetry on comes next, then DO_NOT_TRACK, then the layers
    of the policy. What stands in a layer but cannot be read means off.
    """
    layers = layers_of(policy, sources)
    resolved = resolve(rows_of(policy, sources.interval), layers)
    chosen = MODE if policy.name_of(MODE) else ON
    wanted, layer = _mode(policy, resolved, layers), _decider(layers, chosen)
    problems = (*resolved.problems, *_twice(policy, sources), *(problem for _, problem in sources.problems))
    decision = Decision(
        wanted,
        layer,
        {name: value._replace(layer=_decider(layers, name)) for name, value in resolved.values.items()},
        resolved[INTERVAL],
        problems,
        has_bad_endpoint=ENDPOINT in resolved.values and _is_bad(resolved, layers, ENDPOINT),
    )
    return _overruled(policy, sources, decision)


def _overruled(policy: Policy, sources: Sources, decision: Decision) -> Decision:
    """Return the decision after those who stand above the layers."""
    if sources.enabled is False:
        return decision._replace(mode=Mode.DISABLED, layer="code")
    if policy.is_locked_by_licence and sources.licence is not None:
        mode = decision.mode if decision.is_on else Mode.DEFAULT
        return decision._replace(mode=mode, layer="licence", is_locked=True)
    if sources.refuses_tracking:
        return decision._replace(mode=Mode.DISABLED, layer="do-not-track")
    if sources.problems:
        return decision._replace(mode=Mode.DISABLED, layer=sources.problems[0][0])
    if policy.is_silent_in_ci and sources.is_ci and decision.layer != "environment":
        return decision._replace(mode=Mode.DISABLED, layer="ci")
    return decision


def layers_of(policy: Policy, sources: Sources) -> list[Layer]:
    """Return the policy's layers, strongest first; on in code is the weakest but for the default."""
    made: Mapping[str, Callable[[Policy, Sources], Layer]] = {
        "environment": _environment,
        "file": _file,
        "database": _database,
        "profile": _profile,
    }
    layers = [made[name](policy, sources) for name in policy.layers if name in made]
    code = {ON: True, MODE: Mode.DEFAULT} if sources.enabled else {}
    at_first = {ON: policy.at_first is not Mode.DISABLED, MODE: policy.at_first}
    return [*layers, Layer("code", code, str), Layer("default", at_first, str)]


def rows_of(policy: Policy, interval: int | None = None) -> list[Setting]:
    """Return the settings of a policy. An unreadable switch or mode means off."""
    bounds = policy.interval
    hours = whole(bounds.least // HOUR, bounds.most // HOUR)
    rows = {
        ON: Setting(ON, False, switch, "Switches telemetry on."),
        MODE: Setting(MODE, Mode.DISABLED, _read_mode, "Where pings go."),
        ENDPOINT: Setting(ENDPOINT, "", _read_url, "The address of the operator's own receiver."),
        INTERVAL: Setting(
            INTERVAL,
            interval or bounds.usual,
            duration(bounds.least, bounds.most) if bounds.is_duration else lambda raw: hours(raw) * HOUR,
            "The time between two pings.",
        ),
        "key": Setting("key", "", _text(MOST_SECRET), "The key of the operator's own app or project.", secret=True),
        "bearer": Setting("bearer", "", _text(MOST_SECRET), "The token for the operator's destination.", secret=True),
        "identifier": Setting("identifier", "", _text(MOST_TEXT), "The operator's name for this server."),
        "log_level": Setting("log_level", "", _read_level, "How much is logged."),
    }
    return [rows[name] for name in dict.fromkeys([*(each.setting for each in policy.names), INTERVAL])]


def origins_of(policy: Policy, sources: Sources) -> dict[str, str]:
    """Return for each setting that stands in a layer what people call it there."""
    origins: dict[str, str] = {}
    for layer in reversed(layers_of(policy, sources)):
        found = [name for name, raw in layer.raw.items() if raw not in (None, "")]
        origins = {**origins, **{name: layer.label(name) for name in found}}
    return origins


def read_setting(policy: Policy, setting: str, raw: Any) -> Any:  # wide: a value and what it is for
    """Return a value that somebody wants to save, as it is kept; raise `ValueError` with the reason it will not do.

    None takes back what was saved.
    """
    if policy.name_of(setting) is None:
        raise ValueError("is no setting here")
    if raw is None:
        return None
    row = next(row for row in rows_of(policy) if row.name == setting)
    read = row.parse(raw)
    # On a command line and in the environment everything is text.
    if setting == ON:
        return read
    return int(raw) if setting == INTERVAL and not policy.interval.is_duration else raw


def _mode(policy: Policy, resolved: Resolved, layers: Sequence[Layer]) -> Mode:
    if policy.name_of(MODE):
        return Mode(resolved[MODE])
    if not resolved[ON]:
        return Mode.DISABLED
    own = [name for name in (ENDPOINT, "key") if policy.name_of(name) and _decider(layers, name) != "default"]
    return Mode.CUSTOM if own else Mode.DEFAULT


def _environment(policy: Policy, sources: Sources) -> Layer:
    def label(setting: str) -> str:
        return next((each for each in _variables(policy, setting) if each in sources.variables), setting)

    found = {name.setting: sources.variables.get(label(name.setting)) for name in policy.names}
    return Layer("environment", found, label)


def _variables(policy: Policy, setting: str) -> tuple[str, ...]:
    name = policy.name_of(setting)
    return name.variables if name else ()


def _twice(policy: Policy, sources: Sources) -> Iterator[str]:
    """Say which settings stand in the environment under more than one name."""
    for name in policy.names:
        found = [each for each in name.variables if each in sources.variables]
        if len(found) > 1:
            yield f"{' and '.join(found)} are both set: {found[0]} counts."


def _file(policy: Policy, sources: Sources) -> Layer:
    def label(setting: str) -> str:
        name = policy.name_of(setting)
        return f"{sources.file_name}: {name.file if name else setting}"

    return Layer("file", {name.setting: _in_file(name, sources.file) for name in policy.names}, label)


def _in_file(name: Name, file: Any) -> Any:
    for part in name.file.split("."):
        file = file.get(part) if isinstance(file, Mapping) else None
    # Its yes leaves the decision to others.
    return None if name.may_only_refuse and is_yes(file) else file


def _database(_policy: Policy, sources: Sources) -> Layer:
    return Layer("database", _below(SAVED, sources.database), lambda setting: f"The saved setting {setting}")


def _profile(_policy: Policy, sources: Sources) -> Layer:
    return Layer("profile", _below(PROFILE, sources.database), lambda setting: f"The install profile's {setting}")


def _below(prefix: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}


def _decider(layers: Sequence[Layer], setting: str) -> str:
    """Return the layer that says something about a setting first, readable or not."""
    return next((layer.name for layer in layers if layer.raw.get(setting) not in (None, "")), "default")


def _is_bad(resolved: Resolved, layers: Sequence[Layer], setting: str) -> bool:
    return resolved.layer(setting) != _decider(layers, setting)


def _read_mode(raw: Any) -> Mode:
    return Mode(one_of(*Mode)(str(raw).strip().lower()))


def _read_url(raw: Any) -> str:
    return parse(raw).url


def _read_level(raw: Any) -> str:
    return str(one_of(*LEVELS)(str(raw).strip().upper()))


def _text(most: int) -> Callable[[Any], str]:
    def read(raw: Any) -> str:
        text = str(raw)
        if len(text) > most or not text.isascii() or not text.isprintable():
            raise ValueError(f"must be at most {most} printable characters in ASCII")
        return text

    return read
