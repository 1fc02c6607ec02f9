"""Homing's own wire protocol: one ping or many as JSON, each answered on its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from homing.clock import parse_time
from homing.outcomes import ACCEPTED, Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import (
    JSON_TYPE,
    Answer,
    Dialect,
    Headers,
    Reading,
    Request,
    are_accepted,
    bearer,
    check,
    parse,
    status_of,
    text_in,
    told,
    wait,
)

MOST_PINGS: Final = 1000
DEFAULT_KIND: Final = "heartbeat"

KEYS: Final = frozenset({"instance_id", "kind", "at", "id", "dimensions", "properties"})
"""The keys of a ping; any other key is kept as a property."""


class Native(Dialect):
    """Reads `POST /v1/pings`."""

    name = "native"
    paths = ("/v1/pings",)
    open_paths = ("/v1/pings",)

    def key(self, headers: Headers, _query: str) -> str | None:
        """Return the bearer token."""
        return bearer(headers)

    def read(self, request: Request) -> Reading:
        """Return the pings of a body that is one object or an array of objects; a bad one is refused alone."""
        body, is_sound = parse(request.body)
        items = body if isinstance(body, list) else [body]
        if len(items) > MOST_PINGS:
            raise Refusal("too_many", f"Send at most {MOST_PINGS} pings in one request.")
        return Reading([_try(request, item, is_sound=is_sound) for item in items])

    def answer(self, _reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return what became of each ping, in the order of the body."""
        if len(verdicts) == 1 and are_accepted(verdicts):
            return _ACCEPTED
        body = msgspec.json.encode({"results": [told(verdict) for verdict in verdicts]})
        return Answer(status_of(verdicts), body, (JSON_TYPE, *wait(*verdicts)))


_ACCEPTED: Final = Answer(ACCEPTED.status, msgspec.json.encode({"results": [told(ACCEPTED)]}))


def _try(request: Request, value: Any, *, is_sound: bool) -> Ping | Refusal:
    try:
        if not is_sound:
            check(value)
        return _ping(request, value)
    except Refusal as refusal:
        return refusal


def _ping(request: Request, value: Any) -> Ping:
    if not isinstance(value, dict):
        raise Refusal("shape", "A ping is a JSON object.")
    dimensions = _object(value, "dimensions")
    if None in dimensions.values():
        dimensions = {name: given for name, given in dimensions.items() if given is not None}
    properties = _object(value, "properties")
    if not value.keys() <= KEYS:
        properties = {**properties, **{key: given for key, given in value.items() if key not in KEYS}}
    instance = text_in(value, "instance_id")
    kind = text_in(value, "kind") or DEFAULT_KIND
    at = _time(value, request.received)
    return Ping(request.app, instance, kind, at, request.received, text_in(value, "id"), dimensions, properties)


def _object(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refusal("shape", f"{name} is an object.")
    return found


def _time(value: Mapping[str, Any], received: int) -> int:
    text = text_in(value, "at")
    if text is None:
        return received
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise Refusal("shape", "at is a time of the form 2026-11-22T10:44:55Z.") from None
