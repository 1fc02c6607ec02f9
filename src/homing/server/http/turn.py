"""A request of a connection that the lane serves, from its head to its answer."""

import asyncio
from typing import Any, Final, Protocol

from homing.server.dialects.base import Answer
from homing.server.http.shared import Shared
from homing.server.ingest.exchange import Exchange, Text
from homing.server.ingest.routes import Route

BODY_SECONDS: Final = 10.0
PASS_OVER_SECONDS: Final = 1.0
"""So long the body of a refused request is read and thrown away, so that its sender sees the answer."""

MOST_HELD: Final = 64 * 1024 * 1024
"""So many bytes of bodies that are not whole yet are held for all connections together."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Carrier(Protocol):
    """The connection as a turn knows it: what the parser found, and where answers go."""

    shared: Shared
    parser: Any
    client: tuple[str, int] | None
    headers: list[tuple[bytes, bytes]]
    expect_100_continue: bool
    transport: asyncio.Transport

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be sent."""

    def answered(self) -> None:
        """Go on with what was sent meanwhile."""

    def linger(self) -> None:
        """End the connection, but read on for a moment."""


class Turn:
    """A request of a connection that the lane serves. Its public attributes are those of uvicorn's cycles."""

    def __init__(self, connection: Carrier, method: str, query: str, route: Route) -> None:
        self.message_event = _NOBODY_WAITS
        self.disconnected = False
        self.response_complete = False
        parser = connection.parser
        self.keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        self._connection = connection
        self._shared = connection.shared
        self._is_whole = False
        self._has_begun = False
        self._is_finished = False
        self._held = 0
        self._expects = connection.expect_100_continue
        peer = connection.client[0] if connection.client else ""
        headers = Text.of(connection.headers)
        self._exchange = Exchange(route, method, peer=peer, query=query, headers=headers, send=self.send)
        self._shared.lane.begin(self._exchange)

    def begin(self) -> None:
        """Go on: what came before is answered."""
        self._has_begun = True
        if self._expects and not self._is_whole:
            if self._exchange.refusal is not None:
                # Who waits to be asked for the body need not send it.
                self._give_up("")
                return
            self._connection.transport.write(CONTINUE)
        self._finish()

    def feed(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._is_finished:
            return
        self._held += len(part)
        self._shared.held += len(part)
        if not self._exchange.feed(part):
            self._give_up("too_large")
        elif self._shared.held > MOST_HELD:
            self._give_up("overloaded")

    def end(self) -> None:
        """Take note that the request is whole."""
        self._is_whole = True
        self.let_go()
        self._finish()

    def let_go(self) -> None:
        """Take note that no more of the body is waited for."""
        self._shared.held -= self._held
        self._held = 0

    def forget(self) -> None:
        """Let go of the exchange: nobody is there to be answered."""
        self.let_go()
        self._exchange.send = _sent

    def sweep(self, seconds: float) -> None:
        """End the reading of a body that takes so long."""
        if seconds > (BODY_SECONDS if self._exchange.refusal is None else PASS_OVER_SECONDS):
            self._give_up("too_slow")

    def _finish(self) -> None:
        """Have a request answered that is whole, and whose turn it is, once."""
        if self._is_whole and self._has_begun and not self._is_finished:
            self._is_finished = True
            self._shared.lane.finish(self._exchange)

    def _give_up(self, outcome: str) -> None:
        """Have a request answered whose body is not read any further, once it is its turn."""
        if self._has_begun and not self._is_finished:
            self._is_finished = True
            self.keep_alive = False
            self.let_go()
            self._shared.lane.give_up(self._exchange, outcome)

    def send(self, answer: Answer) -> None:
        """Send the answer, and close the connection where it does not stay open."""
        connection, shared = self._connection, self._shared
        self.response_complete = True
        # What was answered forgets whom it was answered by: a cycle for each request would be left to the collector.
        self._exchange.send = _sent
        if self.disconnected or connection.is_over:
            return
        keeps = self.keep_alive and not shared.draining
        connection.transport.write(shared.heads.written(answer, self._exchange.method, keeps=keeps))
        if keeps:
            connection.answered()
        elif self._is_whole:
            connection.transport.close()
        else:
            connection.linger()


def _sent(_answer: Answer) -> None:
    """Do nothing: the request is answered, or nobody waits for an answer."""


class _NobodyWaits:
    """Stands for the event that uvicorn sets for those who wait for a cycle: nobody waits for a turn."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY_WAITS: Final = _NobodyWaits()
