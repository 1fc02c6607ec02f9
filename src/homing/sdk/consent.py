"""Whether anything may be sent, and who said so."""

from typing import Final, NamedTuple

from homing.sdk.schedule import LEAST_HOURS, MOST_HOURS
from homing.settings import Layer, Setting, environment_layer, resolve, switch, whole

PREFIX: Final = "HOMING_"
ENABLED: Final = "telemetry_enabled"
HOURS: Final = "telemetry_interval_hours"
TRACKABLE: Final = frozenset({"", "0", "false"})
"""What DO_NOT_TRACK says nothing with."""


class Decision(NamedTuple):
    """Whether telemetry is on, the layer that decided, and one sentence for each setting that cannot be read."""

    is_on: bool
    layer: str
    hours: int
    problems: tuple[str, ...]


def decide(*, enabled: bool | None, hours: int) -> Decision:
    """Return what holds for an application that was made with these arguments.

    Off in code is beaten by nothing, then comes DO_NOT_TRACK, then the environment, and on in code is the weakest: the
    operator decides against the maker. What stands in a layer but cannot be read means off.
    """
    environment = environment_layer(PREFIX)
    layers = [environment, Layer("code", {ENABLED: enabled}, lambda _name: "enabled")]
    rows = (
        Setting(ENABLED, False, switch, "Switches telemetry on."),
        Setting(HOURS, hours, whole(LEAST_HOURS, MOST_HOURS), "The hours between two pings."),
    )
    resolved = resolve(rows, layers)
    decided = [layer.name for layer in layers if layer.raw.get(ENABLED) not in (None, "")]
    decision = Decision(resolved[ENABLED], [*decided, "default"][0], resolved[HOURS], tuple(resolved.problems))
    if enabled is False:
        return decision._replace(is_on=False, layer="code")
    return decision if _may_track() else decision._replace(is_on=False, layer="do-not-track")


def _may_track() -> bool:
    return str(environment_layer("DO_NOT_").raw.get("track", "")).strip().lower() in TRACKABLE
