"""Test doubles that ship with Homing, and a way to see what an application would send."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from homing.clock import DAY_MS
from homing.sdk import notice
from homing.sdk.sender import Sender
from homing.sdk.sources import Sources
from homing.sdk.transports.answers import Answer
from homing.sdk.transports.base import Deadline, Reply, Request
from homing.sdk.transports.http import HttpTransport

CAUGHT: Final = "Nobody was asked: a test catches what would leave."
"""Why there is no answer inside `capture`."""


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
        return f"token-{self._made}".ljust(-(-size * 4 // 3), "x")

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

    @property
    def pings(self) -> list[dict[str, Any]]:
        """The pings so far, events among them, one by one, whatever body they came in."""
        found: list[dict[str, Any]] = []
        for body in map(json.loads, self.bodies):
            found += body if isinstance(body, list) else body.get("batch", [body])
        return found

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the properties of every event of that name so far."""
        return [ping["properties"] for ping in self.pings if name in (ping.get("kind"), ping.get("event"))]


@contextmanager
def capture(*replies: Reply | Exception) -> Iterator[MemoryTransport]:
    """Catch everything that any telemetry of this process would send meanwhile; nothing leaves.

    Requests to erase and update checks do not leave either: they get no answer, and say so.

    Consent counts as ever. What holds for machines that build software, and for people at a terminal, does not: a test
    finds the same wherever it runs.
    """
    caught = MemoryTransport(*replies)
    with (
        mock.patch.object(Sender, "way", return_value=caught),
        mock.patch.object(HttpTransport, "ask", return_value=Answer(None, error=CAUGHT)),
        mock.patch.object(Sources, "is_ci", new=False),
        mock.patch.object(notice, "is_terminal", return_value=False),
    ):
        yield caught
