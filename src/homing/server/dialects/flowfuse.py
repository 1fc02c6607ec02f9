"""FlowFuse's usage ping (document 003): the system, the versions, how much there is of what, and the licence."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from homing.outcomes import Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import JSON_TYPE, Answer, Dialect, Reading, Request, decode, fits, major, wait

NODE: Final = "node"
DRIVER: Final = "driver"
LICENCE: Final = "license_type"

Path = tuple[str, ...]

DIMENSIONS: Final[Mapping[Path, str]] = MappingProxyType(
    {
        ("os", "type"): "platform",
        ("os", "arch"): "arch",
        ("env", "flowforge"): "version",
        ("platform", "config", "driver"): DRIVER,
        ("platform", "license", "type"): LICENCE,
    }
)
"""Where dimensions stand in the ping."""

RUNTIME: Final[Path] = ("env", "nodejs")
"""Of this the dimension `node` is made; it is kept as well."""

TEXTS: Final = frozenset({*DIMENSIONS, RUNTIME, ("os", "release"), ("platform", "license", "id")})
"""Where text is kept."""

MEASURED: Final = "platform"
"""Below it every number and boolean is kept: later versions count more."""

_INTERNAL: Final = 500
_UNAVAILABLE: Final = 503


class FlowFuse(Dialect):
    """Reads usage pings, and answers as FlowFuse's own collector does."""

    name = "flowfuse"
    paths = ("/", "/ping")
    dimensions = frozenset({NODE, DRIVER, LICENCE})
    keeps_addresses = True

    def read(self, request: Request) -> Reading:
        """Return the one ping; only `instanceId` is required."""
        value = decode(request.body)
        if not isinstance(value, dict):
            raise Refusal("shape", "A ping is a JSON object.")
        instance = value.pop("instanceId", None)
        if not isinstance(instance, str):
            raise Refusal("shape", "instanceId is text, and required.")
        kept, dropped = _sift(value, ())
        return Reading((_ping(request, instance, kept),), dropped)

    def answer(self, _reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return success, or the refusal of the one ping."""
        [verdict] = verdicts
        if isinstance(verdict, Refusal):
            return self.refuse(verdict)
        return Answer(verdict.status, b'{"status":"success"}')

    def refuse(self, refusal: Refusal) -> Answer:
        """Return the refusal's status and sentence; a fault of ours is no reason for the sender to give up."""
        status = _UNAVAILABLE if refusal.outcome.status == _INTERNAL else refusal.outcome.status
        body = msgspec.json.encode({"status": "error", "error": refusal.sentence})
        return Answer(status, body, (JSON_TYPE, *wait(refusal)))


NUMBERS: Final = (int, float)
"""Which truths are, too."""


def _sift(part: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], int]:
    """Return what is kept of an object, and how many values are not. A null says nothing."""
    kept: dict[str, Any] = {}
    dropped = 0
    is_measured = path[:1] == (MEASURED,)
    for key, value in part.items():
        here = (*path, key)
        if isinstance(value, dict):
            inner, lost = _sift(value, here)
            dropped += lost
            if inner:
                kept[key] = inner
        elif isinstance(value, str) if here in TEXTS else is_measured and isinstance(value, NUMBERS):
            kept[key] = value
        elif value is not None:
            dropped += 1
    return kept, dropped


def _ping(request: Request, instance: str, kept: dict[str, Any]) -> Ping:
    runtime = kept.get(RUNTIME[0], {}).get(RUNTIME[1], "")
    found = {name: _taken(kept, path) for path, name in DIMENSIONS.items()} | {NODE: major(runtime)}
    dimensions = {name: value for name, value in found.items() if value}
    received = request.received
    return Ping(request.app, instance, "heartbeat", received, received, None, dimensions, kept)


def _taken(kept: dict[str, Any], path: Path) -> str | None:
    """Take the text at a path out of what is kept; None where there is none, or it cannot be a dimension."""
    *outer, last = path
    part: Any = kept
    for key in outer:
        part = part.get(key)
        # Below `platform` a number may stand where an object is expected.
        if not isinstance(part, dict):
            return None
    found = part.get(last)
    if not isinstance(found, str) or not fits(found):
        return None
    del part[last]
    return found
