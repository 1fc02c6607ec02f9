"""What a transport is given, what it answers, and the limit on its time."""

import contextlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from homing.sdk.endpoint import Endpoint

if TYPE_CHECKING:
    import socket

    from homing.clock import Clock

LIMIT_SECONDS: Final = 5.0
"""From the look-up of the name to the last byte that is read."""

TOO_SLOW: Final = f"There was no answer within {LIMIT_SECONDS:g} seconds."
STOPPED: Final = "It was stopped before there was an answer."

GONE: Final = 410
"""The answer of a receiver that wants no more pings."""

TOO_LARGE: Final = 413
"""The answer of a receiver that wants fewer of them at once."""

PATIENT: Final = frozenset({429, 503})
"""Answers that may say in `Retry-After` when to come again."""

SUCCESSES: Final = range(200, 300)
UNSURE: Final = frozenset({408, 425, 429, *range(500, 600)})
"""Answers after which the same ping may be sent again."""


class Request(NamedTuple):
    """One POST. It does not show its headers: they hold what is secret."""

    endpoint: Endpoint
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Request({self.endpoint.url!r}, {len(self.body)} bytes)"


class Reply(NamedTuple):
    """What became of a request: a status, or one sentence that says why there is none.

    `again_seconds` is when the receiver wants to be asked again, if it said so.
    """

    status: int | None
    error: str | None = None
    again_seconds: int | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver took it."""
        return self.status in SUCCESSES

    @property
    def is_unsure(self) -> bool:
        """Whether the receiver may have taken it, or may take it later."""
        return self.status is None or self.status in UNSURE

    @property
    def problem(self) -> str | None:
        """Why it is no success, as a sentence."""
        if self.error is not None or self.status is None or self.is_success:
            return self.error
        return f"The answer was {self.status}."


class Deadline:
    """When a request must be through, and the way to end it sooner from another thread."""

    def __init__(self, clock: "Clock", seconds: float = LIMIT_SECONDS) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cancelled = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be done."""
        return self._is_cancelled or self._clock.monotonic() >= self._end

    @property
    def reason(self) -> str:
        """Why it is over, as a sentence."""
        return STOPPED if self._is_cancelled else TOO_SLOW

    def left(self) -> float:
        """Return the seconds that are left; raise `TimeoutError` when there are none."""
        if self.is_over:
            raise TimeoutError
        return self._end - self._clock.monotonic()

    def hold(self, sock: "socket.socket") -> None:
        """Know the socket that `cancel` must end; raise `TimeoutError` when it was cancelled already."""
        with self._lock:
            if self._is_cancelled:
                raise TimeoutError
            self._socket = sock

    def release(self) -> None:
        """Forget the socket, which is about to be closed."""
        with self._lock:
            self._socket = None

    def cancel(self) -> None:
        """Let nothing more be sent, and end what waits on the socket."""
        with self._lock:
            self._is_cancelled = True
            if self._socket is not None:
                _end(self._socket)


class Transport(Protocol):
    """One method to implement."""

    def send(self, request: Request, deadline: Deadline) -> Reply:
        """Send one request and return what became of it; raise nothing, and take no longer than the deadline."""


def _end(sock: "socket.socket") -> None:
    import socket

    with contextlib.suppress(OSError):
        # The method of the plain socket: an encrypted one would forget its keys while they are in use.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
