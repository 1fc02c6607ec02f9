"""What a dialect is, and how the bodies of all of them are read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from homing.outcomes import Outcome, Refusal, Verdict, outcome_of
from homing.ping import Ping

MOST_DEPTH: Final = 32
WHOLE_LOW: Final = -(2**63)
WHOLE_HIGH: Final = 2**63 - 1
_UNAUTHORIZED: Final = 401
_METHOD: Final = 405
_FAULT: Final = 500
_FAILED: Final = 400
JSON_TYPE: Final = (b"content-type", b"application/json")

_any: Final = msgspec.json.Decoder()


class Request(NamedTuple):
    """One request for a dialect: `headers` by lower-case name, the inflated `body`, the `app` it belongs to.

    `received` is in milliseconds since 1970-01-01 UTC. `dimensions` are the names the app may be split by.
    """

    headers: Mapping[bytes, bytes]
    body: bytes
    app: int
    received: int
    dimensions: frozenset[str]


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = (JSON_TYPE,)


class Reading(NamedTuple):
    """What a dialect made of a request: pings and refusals in the order of the body, and how many keys it dropped."""

    items: Sequence[Ping | Refusal]
    dropped: int = 0


class Dialect(Protocol):
    """A wire protocol."""

    name: str
    paths: Sequence[str]
    """The native paths, served below `/in/<app key>`, and at the host's root where settings bind them to an app."""

    open_paths: Sequence[str]
    """Paths at the host's root that name their app by a key in the request."""

    dimensions: frozenset[str]
    """The dialect's own dimensions beside the core ones."""

    def key(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the app key in a request's headers, for the open paths."""

    def read(self, request: Request) -> Reading:
        """Return the pings in a request; raise `Refusal` when the request as a whole is not taken."""

    def answer(self, verdicts: Sequence[Verdict]) -> Answer:
        """Return what the sender is told about its pings."""

    def refuse(self, refusal: Refusal) -> Answer:
        """Return what the sender of a refused request is told."""


def bearer(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the token of an `Authorization: Bearer` header (RFC 6750)."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" and token.strip() else None


def told(verdict: Verdict) -> dict[str, str]:
    """Return a verdict as it stands in a JSON answer."""
    if isinstance(verdict, Outcome):
        return {"outcome": verdict.name}
    return {"outcome": verdict.outcome.name, "error": verdict.sentence}


def refused(refusal: Refusal) -> Answer:
    """Return the usual answer to a refused request: its status, and its name and sentence as JSON."""
    headers = [JSON_TYPE]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    if refusal.outcome.status == _UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.outcome.status == _METHOD:
        headers.append((b"allow", b"POST"))
    return Answer(refusal.outcome.status, msgspec.json.encode(told(refusal)), headers)


def status_of(verdicts: Sequence[Verdict]) -> int:
    """Return the HTTP status of a request with several pings.

    A sender must try the whole again when any could not be stored for now; else it is done when any was taken.
    """
    statuses = [outcome_of(verdict).status for verdict in verdicts]
    worst = max(statuses, default=200)
    return worst if worst >= _FAULT or all(status >= _FAILED for status in statuses) else 200


def decode(body: bytes | msgspec.Raw) -> Any:
    """Return the JSON value in a body, checked against the limits on depth, text and numbers; raise `Refusal`."""
    try:
        value = _any.decode(body)
    except RecursionError:
        raise Refusal("too_deep") from None
    except msgspec.ValidationError as error:
        raise Refusal("number") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed(bytes(body), error) from error
    check(value)
    return value


def malformed(body: bytes, error: Exception) -> Refusal:
    """Return the refusal of a body that cannot be decoded.

    JSON's grammar has lone surrogates, so a body that is wrong for nothing else is told so.
    """
    if b"\\ud" in body.lower():
        try:
            json.loads(body.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            pass
        else:
            return Refusal("text")
    if isinstance(error, UnicodeDecodeError):
        return Refusal("malformed")
    return Refusal("malformed", f"The body is not valid JSON in UTF-8: {error}.")


def _no_constant(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)


def check(value: Any, depth: int = 0) -> None:
    """Raise `Refusal` for a decoded value that is too deep, holds NUL, or a number beyond 64 bits."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict | list):
        if depth >= MOST_DEPTH:
            raise Refusal("too_deep")
        for part in value if isinstance(value, list) else (*value, *value.values()):
            check(part, depth + 1)
    elif isinstance(value, int) and not WHOLE_LOW <= value <= WHOLE_HIGH:
        raise Refusal("number")


def check_text(text: str) -> None:
    """Raise `Refusal` for text that holds NUL."""
    if "\x00" in text:
        raise Refusal("text")
