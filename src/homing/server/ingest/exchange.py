"""One request to ingest and its answer, whichever way the request came."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Self

from homing.outcomes import Refusal
from homing.ping import Ping
from homing.server.dialects.base import Answer, Reading
from homing.server.ingest.inflate import MOST_BYTES
from homing.server.ingest.routes import Route, Target

MOST_PASSED_OVER: Final = 8 * MOST_BYTES
"""Many senders see the answer only once they have sent everything: so much of it is read and thrown away."""

NOTHING_READ: Final = Reading(())

Send = Callable[[Answer], None]
"""Sends an answer."""


class Text:
    """Headers as text, by lower-case name. What was given several times is joined by commas (RFC 9110, section 5.3)."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._values = values

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]]) -> Self:
        """Return the headers that were given in this order."""
        given = list(headers)
        values = dict(given)
        if len(values) < len(given):
            values = {name: b", ".join(value for each, value in given if each == name) for name in values}
        return cls(values)

    def get(self, name: str, default: str, /) -> str:
        """Return a header's value, or the default."""
        found = self._values.get(name.encode())
        return default if found is None else found.decode("latin-1")


class Exchange:
    """A request whose body arrives part by part, which is answered once, and what is known of it on its way.

    `peer` is the address at the other end of the connection, `query` what follows the `?`. `app` is the number of the
    app it is for, and `target` that app, once that is known; `refusal` why it is not taken, once that is known. `size`
    is that of the inflated body in bytes, `received` when that was there, in milliseconds since 1970-01-01 UTC.
    """

    __slots__ = (
        *("method", "peer", "query", "headers", "route", "send"),
        *("app", "target", "refusal", "reading", "judged", "size", "received"),
        *("_body", "_fed"),
    )

    def __init__(self, route: Route, method: str, *, peer: str, query: str, headers: Text, send: Send) -> None:
        self.route = route
        self.method = method
        self.peer = peer
        self.query = query
        self.headers = headers
        self.send = send
        self.app: int | None = None
        self.target: Target | None = None
        self.refusal: Refusal | None = None
        self.reading = NOTHING_READ
        self.judged: Sequence[Ping | Refusal] = ()
        self.size = self.received = 0
        self._body: bytes | bytearray = b""
        self._fed = 0

    @property
    def fed(self) -> int:
        """How many bytes of the body came, as sent."""
        return self._fed

    def feed(self, part: bytes) -> bool:
        """Take a part of the body; return whether any more of it is read."""
        self._fed += len(part)
        if self._fed > MOST_BYTES or self.refusal is not None:
            self._body = b""
        elif not self._body:
            # Nearly every body is one part.
            self._body = part
        else:
            self._body = self._body if isinstance(self._body, bytearray) else bytearray(self._body)
            self._body += part
        return self._fed <= MOST_PASSED_OVER

    def body(self) -> bytes:
        """Return the whole body as sent; raise `Refusal` when it is too large."""
        if self._fed > MOST_BYTES:
            raise Refusal("too_large")
        return bytes(self._body)
