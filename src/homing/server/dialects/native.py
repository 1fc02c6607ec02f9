"""Homing's own wire protocol: one ping or many as JSON, each answered on its own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from homing.clock import parse_time
from homing.outcomes import Refusal, Verdict
from homing.ping import NOTHING, Ping
from homing.server.dialects.base import Answer, Reading, Request, bearer, decode, malformed, refused, status_of, told

MOST_PINGS: Final = 1000
DEFAULT_KIND: Final = "heartbeat"

MOST_CUT: Final = 64 * 1024
"""How large a body is still cut into its items by hand: that takes a hundred times longer than decoding it."""

_many: Final = msgspec.json.Decoder(list[msgspec.Raw])
_token: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]+|[\]}]+|[,"]', re.DOTALL)

KEYS: Final = frozenset({"instance_id", "kind", "at", "id", "dimensions", "properties"})
"""The keys of a ping; any other key is kept as a property."""


class Native:
    """Reads `POST /v1/pings`."""

    name = "native"
    paths = ("/v1/pings",)
    open_paths = ("/v1/pings",)
    dimensions: frozenset[str] = frozenset()

    def key(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the bearer token."""
        return bearer(headers)

    def read(self, request: Request) -> Reading:
        """Return the pings of a body that is one object or an array of objects; a bad one is refused alone."""
        body = request.body.lstrip()
        if not body.startswith(b"["):
            return Reading((_try(request, body),))
        items = _split(body)
        if len(items) > MOST_PINGS:
            raise Refusal("too_many", f"Send at most {MOST_PINGS} pings in one request.")
        return Reading([_try(request, item) for item in items])

    def answer(self, verdicts: Sequence[Verdict]) -> Answer:
        """Return what became of each ping, in the order of the body."""
        body = msgspec.json.encode({"results": [told(verdict) for verdict in verdicts]})
        answer = Answer(status_of(verdicts), body)
        waits = [v.retry_after for v in verdicts if isinstance(v, Refusal) and v.retry_after is not None]
        if waits:
            answer = answer._replace(headers=(*answer.headers, (b"retry-after", str(max(waits)).encode())))
        return answer

    def refuse(self, refusal: Refusal) -> Answer:
        """Return the refusal's status, name and sentence."""
        return refused(refusal)


def _split(body: bytes) -> Sequence[msgspec.Raw | bytes]:
    """Return the items of an array, each still to be decoded."""
    try:
        return _many.decode(body)
    except RecursionError:
        refusal = Refusal("too_deep")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        refusal = malformed(body, error)
    # One bad item must not cost the others their place, as long as it is clear where it ends.
    items = list(_cut(body)) if len(body) <= MOST_CUT else []
    if not items or b"" in items:
        raise refusal
    return items


def _cut(body: bytes) -> Iterator[bytes]:
    """Cut an array at its commas, looking at nothing but brackets and strings; an empty item says that it cannot be."""
    depth, start, end = 0, 1, 0
    for token in _token.finditer(body):
        text, end = token[0], token.end()
        depth += len(text) if text[0] in b"[{" else -len(text) if text[0] in b"]}" else 0
        if text == b'"' or depth < 1:
            break
        if text == b"," and depth == 1:
            yield body[start : token.start()].strip()
            start = end
    whole = depth == 0 and body[end - 1 :].strip() == b"]"
    yield body[start : end - 1].strip() if whole else b""


def _try(request: Request, item: msgspec.Raw | bytes) -> Ping | Refusal:
    try:
        return _ping(request, decode(item))
    except Refusal as refusal:
        return refusal


def _ping(request: Request, value: Any) -> Ping:
    if not isinstance(value, dict):
        raise Refusal("shape", "A ping is a JSON object.")
    dimensions = _object(value, "dimensions")
    properties = {**_object(value, "properties"), **{key: value[key] for key in value.keys() - KEYS}}
    return Ping(
        app=request.app,
        instance=_text(value, "instance_id"),
        kind=_text(value, "kind") or DEFAULT_KIND,
        at=_time(value, request.received),
        received=request.received,
        id=_text(value, "id"),
        dimensions={name: given for name, given in dimensions.items() if given is not None},
        properties=properties,
    )


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise Refusal("shape", f"{name} is text.")
    return found


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    if found is not None and not isinstance(found, dict):
        raise Refusal("shape", f"{name} is an object.")
    return found or NOTHING


def _time(value: Mapping[str, Any], received: int) -> int:
    text = _text(value, "at")
    if text is None:
        return received
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        raise Refusal("shape", "at is a time of the form 2026-11-22T10:44:55Z.") from None
