"""PostHog's capture, version 0: the key and the events in one body, or one event with the key in it."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from homing.outcomes import ACCEPTED, Refusal, Verdict
from homing.ping import NOTHING
from homing.server.dialects.base import (
    JSON_TYPE,
    Answer,
    Dialect,
    Headers,
    Parsed,
    Reading,
    Request,
    are_accepted,
    bearer,
    parse,
    status_of,
    told,
    wait,
)
from homing.server.dialects.posthog.events import (
    CORS,
    DIMENSIONS,
    KEY_NAMES,
    NAME,
    PREFLIGHT,
    Sent,
    agent,
    events,
    refused_anywhere,
    skew,
)
from homing.server.dialects.posthog.quiet import quiet_answer

PATHS: Final = ("/batch", "/capture", "/e", "/i/v0/e", "/i/v0/ai/batch", "/track")
FORM: Final = b"data="
GZIP: Final = b"\x1f\x8b"
MOST_FIELDS: Final = 20
MOST_LENIENT: Final = 64 * 1024
"""So long a body may be that is read slowly for its key: whoever sends it is not known yet."""
SENT_AT: Final = "_"
"""What the browser's library calls the time of sending in the address, in milliseconds."""

MOST_DIGITS: Final = 15
_REFUSED: Final = 400


class Capture(Dialect):
    """Reads `POST /batch/` and its other names."""

    name = NAME
    paths = tuple(path + slash for path in PATHS for slash in ("", "/"))
    open_paths = paths
    dimensions = DIMENSIONS
    has_key_in_body = True
    preflight = PREFLIGHT

    def quiet(self, path: str) -> Answer | None:
        """Return the answer to what the SDKs ask beside: no flags, and nothing enabled."""
        return quiet_answer(path)

    def key(self, headers: Headers, query: str) -> str | None:
        """Return the key in the address or the bearer token."""
        asked = _asked(query)
        return next((asked[name] for name in KEY_NAMES if name in asked), None) or bearer(headers)

    def look_in(self, body: bytes) -> tuple[str | None, Any]:
        """Return the project's key and what the body holds."""
        parsed = _parsed(body, leniently=len(body) <= MOST_LENIENT)
        return next(_keys(parsed[0]), None), parsed

    def encoding(self, query: str, body: bytes) -> str:
        """Return gzip where the browser's library says so in the address, or nowhere: no JSON begins like that."""
        is_gzip = body.startswith(GZIP) or _asked(query).get("compression") in ("gzip", "gzip-js")
        return "gzip" if is_gzip else ""

    def read(self, request: Request) -> Reading:
        """Return the pings of a batch, of an array of events, or of one event."""
        value, is_sound = _parsed(request.body) if request.value is None else request.value
        envelope: Mapping[str, Any] = value if isinstance(value, dict) else {}
        sent_at = envelope.get("sent_at") or _asked(request.query).get(SENT_AT)
        sent = Sent(request, is_sound, _skew(request, sent_at), agent(request), {})
        return Reading(events(envelope["batch"] if "batch" in envelope else _listed(value), sent))

    def answer(self, _reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return `{"status": 1}`, with the refused events by their places in the body."""
        if are_accepted(verdicts):
            return _ACCEPTED
        status = status_of(verdicts)
        bad = [{"event": place, **told(v)} for place, v in enumerate(verdicts) if isinstance(v, Refusal)]
        body = {"status": int(status < _REFUSED), **({"refused": bad} if bad else {})}
        return Answer(status, msgspec.json.encode(body), (JSON_TYPE, *CORS, *wait(*verdicts)))

    def refuse(self, refusal: Refusal) -> Answer:
        """Return the refusal's status, name and sentence."""
        return refused_anywhere(refusal)


_ACCEPTED: Final = Answer(ACCEPTED.status, b'{"status":1}', (JSON_TYPE, *CORS))


def _asked(query: str) -> Mapping[str, str]:
    """Return the parameters of an address; none where they cannot be read."""
    if not query:
        return NOTHING
    try:
        return {name: given[-1] for name, given in parse_qs(query, max_num_fields=MOST_FIELDS).items()}
    except ValueError:
        return {}


def _parsed(body: bytes, *, leniently: bool = True) -> Parsed:
    return parse(_data(body) if body.startswith(FORM) else body, leniently=leniently)


def _data(body: bytes) -> bytes:
    """Return the JSON in a form: in base64, or as it is."""
    try:
        text = parse_qs(body.decode(), max_num_fields=MOST_FIELDS)["data"][0]
        if text.startswith(("{", "[")):
            return text.encode()
        # A form turns a plus that nobody escaped into a space.
        return base64.b64decode(text.replace(" ", "+"), validate=True)
    except (KeyError, ValueError, binascii.Error):
        raise Refusal("malformed", "data is JSON in base64.") from None


def _keys(value: Any) -> Iterator[str]:
    """Yield the keys in an envelope or an event, else in the first event of it: beside it or in its properties."""
    envelope = _first(value)
    for each in (envelope, _first(envelope.get("batch"))):
        yield from _own_keys(each)
        yield from _own_keys(_first(each.get("properties")))


def _first(value: Any) -> Mapping[str, Any]:
    """Return an object, or the first of a list of them; an empty one in the place of anything else."""
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, dict) else NOTHING


def _own_keys(value: Mapping[str, Any]) -> Iterator[str]:
    found = (value.get(name) for name in KEY_NAMES)
    return (key for key in found if isinstance(key, str) and key)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _skew(request: Request, sent_at: Any) -> int:
    if sent_at is None:
        return 0
    if isinstance(sent_at, str) and sent_at.isdecimal() and len(sent_at) <= MOST_DIGITS:
        return request.received - int(sent_at)
    return skew(request, sent_at)
