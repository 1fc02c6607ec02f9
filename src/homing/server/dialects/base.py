"""What a dialect is, and how the bodies of all of them are read."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import Annotated, Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from homing.outcomes import ACCEPTED, Outcome, Refusal, Verdict, outcome_of
from homing.ping import MOST_VALUE, NOT_REPORTED, OTHER, Ping

MOST_DEPTH: Final = 32
WHOLE_LOW: Final = -(2**63)
WHOLE_HIGH: Final = 2**63 - 1
_UNAUTHORIZED: Final = 401
_METHOD: Final = 405
_FAULT: Final = 500
_FAILED: Final = 400
JSON_TYPE: Final = ("content-type", "application/json")

MOST_COMMAS: Final = 50_000
"""Bounds how many values a body can hold: each is looked at once, and nothing else is served meanwhile."""

MOST_DIGITS: Final = 20

_surrogate: Final = re.compile("[\ud800-\udfff]")
_major: Final = re.compile(r"v?(\d{1,4})(?!\d)", re.ASCII)
_any: Final = msgspec.json.Decoder()

SOUND_DEPTH: Final = 7
"""So deep nearly every body is at most; the decoder's size doubles with each level."""

BACKSLASH: Final = b"\\"
NUL: Final = b"\\u0000"
"""How NUL stands in JSON: the decoder has none that is not escaped."""


def _sound(depth: int) -> Any:
    """Return the type of values in which `check` finds nothing, of so many levels, NUL in texts aside."""
    plain: Any = str | Annotated[int, msgspec.Meta(ge=WHOLE_LOW, le=WHOLE_HIGH)] | float | bool | None
    value = plain
    for _ in range(depth):
        value = plain | GenericAlias(list, (value,)) | GenericAlias(dict, (str, value))
    return value


_sound_only: Final = msgspec.json.Decoder(_sound(SOUND_DEPTH))


Shape = TypeVar("Shape")


class Headers(Protocol):
    """Header values by lower-case name."""

    def get(self, name: str, default: str, /) -> str:
        """Return a header's value, or the default."""


class Hook(NamedTuple):
    """A webhook as its dialect knows it: the event's name, whether it is kept, and what was sent with it."""

    active: bool
    event: str
    persistent: bool
    includes_input: bool


class Request(NamedTuple):
    """One request for a dialect: `headers` by lower-case name, the inflated `body`, the `app` it belongs to.

    `received` is in milliseconds since 1970-01-01 UTC. `dimensions` are the names the app may be split by. `query` is
    what follows the `?` of the address, as sent. `value` is what the body holds, where it was read for its key.
    `hook` is the webhook it was sent to.
    """

    headers: Headers
    body: bytes
    app: int
    received: int
    dimensions: frozenset[str]
    query: str = ""
    value: Any = None
    hook: Hook | None = None


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = (JSON_TYPE,)


class Reading(NamedTuple):
    """What a dialect made of a request: pings and refusals in the order of the body, and how many keys it dropped.

    `names` are what the sender calls each of the items, where the answer speaks of them by name.
    """

    items: Sequence[Ping | Refusal]
    dropped: int = 0
    names: Sequence[str] = ()


class Dialect(Protocol):
    """A wire protocol. What stands here with a value is what most of them do."""

    name: str
    paths: tuple[str, ...]
    """The native paths, served below `/in/<app key>`, and at the host's root where settings bind them to an app."""

    open_paths: tuple[str, ...] = ()
    """Paths at the host's root that name their app by a key in the request."""

    dimensions: frozenset[str] = frozenset()
    """The dialect's own dimensions beside the core ones."""

    has_key_in_body: bool = False
    """Whether the body is looked at for the app key of an open path, where nothing before it has one."""

    keeps_addresses: bool = False
    """Whether the keyed hash of the sender's address is kept, where the app does not say."""

    preflight: Answer | None = None
    """What a browser is told that asks whether a page of another origin may send (OPTIONS); None: no page may."""

    def quiet(self, _path: str, /) -> Answer | None:
        """Return the answer to what senders ask beside their pings; None where the path is no such question.

        It is the same for every app and every body: neither is looked at.
        """
        return None

    def key(self, _headers: Headers, _query: str, /) -> str | None:
        """Return the app key in what precedes a request's body, for the open paths."""
        return None

    def look_in(self, _body: bytes, /) -> tuple[str | None, Any]:
        """Return the app key in a body, and what it holds for `read`; raise `Refusal` where it cannot be read."""
        return None, None

    def encoding(self, _query: str, _body: bytes, /) -> str:
        """Return how a body is compressed whose headers say nothing of it."""
        return ""

    def read(self, request: Request) -> Reading:
        """Return the pings in a request; raise `Refusal` when the request as a whole is not taken."""

    def answer(self, reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return what the sender is told about its pings."""

    def refuse(self, refusal: Refusal) -> Answer:
        """Return what the sender of a refused request is told."""
        return refused(refusal)


def bearer(headers: Headers) -> str | None:
    """Return the token of an `Authorization: Bearer` header (RFC 6750)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def fits(text: str) -> bool:
    """Say whether text can be the value of a dimension. What cannot is left where it stands, or out."""
    return 0 < len(text) <= MOST_VALUE and text.isprintable() and text not in (OTHER, NOT_REPORTED)


def major(version: str) -> str | None:
    """Return the first number of a version: `20` of `v20.20.2`."""
    found = _major.match(version)
    return found[1] if found else None


def text_in(value: Mapping[str, Any], name: str) -> str | None:
    """Return the text of that name, None where there is none; raise `Refusal` where it is no text."""
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise Refusal("shape", f"{name} is text.")
    return found


def told(verdict: Verdict) -> dict[str, str]:
    """Return a verdict as it stands in a JSON answer."""
    if isinstance(verdict, Outcome):
        return {"outcome": verdict.name}
    return {"outcome": verdict.outcome.name, "error": verdict.sentence}


def refused(refusal: Refusal) -> Answer:
    """Return the usual answer to a refused request: its status, and its name and sentence as JSON."""
    headers = [JSON_TYPE, *wait(refusal)]
    if refusal.outcome.status == _UNAUTHORIZED:
        headers.append(("www-authenticate", "Bearer"))
    if refusal.outcome.status == _METHOD:
        headers.append(("allow", "POST"))
    return Answer(refusal.outcome.status, msgspec.json.encode(told(refusal)), headers)


def wait(*verdicts: Verdict) -> list[tuple[str, str]]:
    """Return the header that tells a sender when to try again: after the longest wait that a verdict asks for."""
    waits = [each.retry_after for each in verdicts if isinstance(each, Refusal) and each.retry_after is not None]
    return [("retry-after", str(max(waits)))] if waits else []


def are_accepted(verdicts: Sequence[Verdict]) -> bool:
    """Say whether all pings were accepted, as nearly always: that is told without a look at each in Python."""
    return verdicts.count(ACCEPTED) == len(verdicts)


def status_of(verdicts: Sequence[Verdict]) -> int:
    """Return the HTTP status of a request with several pings.

    A sender must try the whole again when any could not be stored for now; else it is done when any was taken.
    """
    statuses = [outcome_of(verdict).status for verdict in verdicts]
    worst = max(statuses, default=200)
    return worst if worst >= _FAULT or all(status >= _FAILED for status in statuses) else 200


Parsed = tuple[Any, bool]
"""What a body holds, and whether it is sound: `check` would find nothing in it, and need not look."""


def decode(body: bytes) -> Any:
    """Return the JSON value in a body, checked; raise `Refusal`."""
    value, is_sound = parse(body)
    if not is_sound:
        check(value)
    return value


def parse(body: bytes, *, leniently: bool = True) -> Parsed:
    """Return the JSON value in a body, still to be checked; raise `Refusal` for what is no JSON, or too much of it.

    `leniently` a body is read once more, and slowly, in which single values cannot be read fast.
    """
    # A body without so many bytes is not counted through.
    if len(body) > MOST_COMMAS and body.count(b",") > MOST_COMMAS:
        raise Refusal("too_many", "The body holds too many values.")
    try:
        return _parse_fast(body)
    except RecursionError:
        raise Refusal("too_deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        if leniently:
            return _parse_leniently(body), False
        raise Refusal("malformed") from None


def _parse_fast(body: bytes) -> Parsed:
    """Return what the fast decoders read: at once as sound, where nothing in it is for `check` to look at."""
    if not _may_hold_nul(body):
        try:
            return _sound_only.decode(body), True
        except msgspec.ValidationError:
            # It is JSON so far. What is none fails here, and is not read a second time.
            pass
    return _any.decode(body), False


def _may_hold_nul(body: bytes) -> bool:
    # One byte is found many times faster than six, and few bodies have any that is escaped.
    return BACKSLASH in body and NUL in body


def read_as(decoder: msgspec.json.Decoder[Shape], body: bytes) -> Shape | None:
    """Return what a decoder of one shape makes of a body that has just that shape; None where it must be looked at.

    `check` would find nothing in it, as far as the shape has only texts and numbers of 64 bits.
    """
    if _may_hold_nul(body):
        return None
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _parse_leniently(body: bytes) -> Any:
    """Return what the fast decoder will not read but JSON's grammar has: lone surrogates, numbers of any size.

    `check` then refuses just the item that holds one.
    """
    try:
        return json.loads(body.decode(), parse_constant=_no_constant, parse_int=_whole)
    except RecursionError:
        raise Refusal("too_deep") from None
    except ValueError:
        raise Refusal("malformed") from None


def _no_constant(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= MOST_DIGITS else math.inf


def check(value: Any, depth: int = 0) -> None:
    """Raise `Refusal` for a value that is too deep, or holds NUL, a lone surrogate or a number beyond 64 bits."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict | list):
        if depth >= MOST_DEPTH:
            raise Refusal("too_deep")
        for part in value if isinstance(value, list) else (*value, *value.values()):
            # Nearly every part is such a text or number, and a call for each would take most of the time.
            kind = part.__class__
            if not (
                (kind is str and part.isascii() and "\x00" not in part)
                or (kind is int and WHOLE_LOW <= part <= WHOLE_HIGH)
                or kind is bool
                or part is None
            ):
                check(part, depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Refusal("number")
    elif isinstance(value, int) and not WHOLE_LOW <= value <= WHOLE_HIGH:
        raise Refusal("number")


def check_text(text: str) -> None:
    """Raise `Refusal` for text that holds NUL or a lone surrogate."""
    if "\x00" in text or has_surrogate(text):
        raise Refusal("text")


def has_surrogate(text: str) -> bool:
    """Say whether text holds a lone surrogate, which cannot be encoded."""
    return not text.isascii() and _surrogate.search(text) is not None
