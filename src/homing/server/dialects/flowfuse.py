"""FlowFuse's usage ping (document 003): the system, the versions, how much there is of what, and the licence."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

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


class _Place(NamedTuple):
    """An object in the ping: which texts of it are kept, whether numbers are, and what is known of objects in it."""

    texts: frozenset[str]
    is_measured: bool
    inner: Mapping[str, "_Place"]


def _place(path: Path) -> _Place:
    below = {each[: len(path) + 1] for each in TEXTS if each[: len(path)] == path}
    inner = {here[-1]: _place(here) for here in below - TEXTS}
    return _Place(frozenset(here[-1] for here in below & TEXTS), path[:1] == (MEASURED,), inner)


_PING: Final = _place(())
_MEASURED: Final = _Place(frozenset(), is_measured=True, inner={})
_NOWHERE: Final = _Place(frozenset(), is_measured=False, inner={})
_PLACES: Final = tuple((path[:-1], path[-1], name) for path, name in DIMENSIONS.items())

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
        dropped = _sift(value, _PING)
        return Reading((_ping(request, instance, value),), dropped)

    def answer(self, _reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return success, or the refusal of the one ping."""
        [verdict] = verdicts
        return self.refuse(verdict) if isinstance(verdict, Refusal) else _SUCCESS

    def refuse(self, refusal: Refusal) -> Answer:
        """Return the refusal's status and sentence; a fault of ours is no reason for the sender to give up."""
        status = _UNAVAILABLE if refusal.outcome.status == _INTERNAL else refusal.outcome.status
        body = msgspec.json.encode({"status": "error", "error": refusal.sentence})
        return Answer(status, body, (JSON_TYPE, *wait(refusal)))


_SUCCESS: Final = Answer(200, b'{"status":"success"}')

NUMBERS: Final = (int, float)
"""Which truths are, too."""

_KINDS: Final = frozenset({*NUMBERS, bool})


def _sift(part: dict[str, Any], place: _Place) -> int:
    """Take out of an object what is not kept, and return how many values that were. A null says nothing."""
    texts, is_measured, inner = place
    elsewhere = _MEASURED if is_measured else _NOWHERE
    unkept = []
    dropped = 0
    for key, value in part.items():
        if isinstance(value, dict):
            below = inner.get(key, elsewhere)
            # Most objects below `platform` hold nothing but numbers, of which none is left out.
            if below is _MEASURED and value and _KINDS.issuperset(map(type, value.values())):
                continue
            dropped += _sift(value, below)
            if not value:
                unkept.append(key)
        elif not (isinstance(value, str) if key in texts else is_measured and isinstance(value, NUMBERS)):
            unkept.append(key)
            dropped += value is not None
    for key in unkept:
        del part[key]
    return dropped


def _ping(request: Request, instance: str, kept: dict[str, Any]) -> Ping:
    node = major(kept.get(RUNTIME[0], {}).get(RUNTIME[1], ""))
    dimensions = {name: text for outer, last, name in _PLACES if (text := _taken(kept, outer, last))}
    if node:
        dimensions[NODE] = node
    received = request.received
    return Ping(request.app, instance, "heartbeat", received, received, None, dimensions, kept)


def _taken(part: Any, outer: Path, last: str) -> str | None:
    """Take the text at a path out of what is kept; None where there is none, or it cannot be a dimension."""
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
