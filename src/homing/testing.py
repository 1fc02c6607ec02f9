"""Test doubles that ship with Homing."""

from homing.clock import DAY_MS
from homing.sdk.transports.base import Deadline, Reply, Request


class FixedClock:
    """A clock that stands still until it is moved, with ids that count up.

    >>> clock = FixedClock(1_000)
    >>> clock.now()
    1000
    >>> clock.advance(seconds=2)
    >>> clock.now()
    3000
    """

    def __init__(self, now: int = 20_000 * DAY_MS, *, chance: int = 0) -> None:
        self._now = now
        self._chance = chance
        self._made = 0

    def now(self) -> int:
        """Return the time in milliseconds since 1970-01-01 UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the same time in seconds."""
        return self._now / 1000

    def advance(self, *, seconds: float = 0, days: int = 0) -> None:
        """Move the clock, forward or back."""
        self._now += int(seconds * 1000) + days * DAY_MS

    def token(self, size: int = 32) -> str:
        """Return a text as long as a random token, the same sequence each time."""
        self._made += 1
        return f"token-{self._made}".ljust(size, "x")

    def id(self) -> str:
        """Return UUID4-shaped ids in sequence."""
        self._made += 1
        return f"00000000-0000-4000-8000-{self._made:012d}"

    def chance(self, below: int) -> int:
        """Return the number that was chosen for chance, as far as it is below the limit."""
        return min(self._chance, below - 1)


class MemoryTransport:
    """Keeps requests instead of sending them, and answers each with the next of its replies, the last one ever after.

    >>> transport = MemoryTransport(Reply(503), Reply(200))
    >>> transport.requests
    []
    """

    def __init__(self, *replies: Reply | Exception) -> None:
        self.requests: list[Request] = []
        self._replies = list(replies) or [Reply(200)]

    def send(self, request: Request, _deadline: Deadline) -> Reply:
        """Keep one request; raise the reply that is an exception."""
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def bodies(self) -> list[bytes]:
        """The bodies so far."""
        return [request.body for request in self.requests]
