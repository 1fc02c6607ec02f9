"""One connection: uvicorn's protocol for HTTP/1.1, of which the lane's requests take a shorter way.

The parser is httptools. What is for the web framework is served by uvicorn as ASGI; a request to the lane is fed to it
as it is parsed, and its answer is one write: no task, no messages.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from homing.server.dialects.base import Answer
from homing.server.http.heads import Heads
from homing.server.ingest.exchange import Exchange, Text
from homing.server.ingest.lane import Lane
from homing.server.ingest.routes import Route

MOST_HEAD: Final = 64 * 1024
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 10.0
PASS_OVER_SECONDS: Final = 1.0
"""So long the body of a refused request is read and thrown away, so that its sender sees the answer."""

IDLE_SECONDS: Final = 75.0
OFFERED: Final = frozenset({b"upgrade", b"http2-settings"})
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Shared:
    """What all connections of a listener share."""

    def __init__(self, lane: Lane, config: Config, now: Callable[[], float]) -> None:
        self.lane = lane
        self.config = config
        self.now = now
        self.state = ServerState()
        self.heads = Heads()
        self.draining = False
        self._gone = asyncio.Event()

    async def gone(self) -> None:
        """Wait until no connection is left."""
        while self.state.connections:
            self._gone.clear()
            await self._gone.wait()

    def one_less(self) -> None:
        """Take note that a connection ended."""
        self._gone.set()


class Connection(HttpToolsProtocol):
    """Serves the requests of one connection, one after the other."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared.config, shared.state, {}, asyncio.get_running_loop())
        self._shared = shared
        self._began: float | None = None
        self._idle_since = shared.now()
        self._head_size = -1
        self._part_size = 0
        self._over_since: float | None = None

    # What the transport says.

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection ended."""
        super().connection_lost(exc)
        self._shared.one_less()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a sender that says that it sends nothing more; return whether the connection stays open for that."""
        turn: Any = self.cycle
        if turn is None or turn.response_complete or self._began is not None or self._over_since is not None:
            return False
        turn.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what came. A head that grows too large ends the connection."""
        if self._over_since is not None:
            return
        self._part_size = len(data)
        if self._head_size >= 0:
            self._head_size += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse("The request is not HTTP/1.1 as it should be.")
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        if self._head_size > MOST_HEAD:
            self._refuse("The head of the request is too large.")

    def _refuse(self, sentence: str) -> None:
        """Answer what cannot be understood, and end the connection."""
        if self._over_since is None and not self.transport.is_closing():
            answer = Answer(400, sentence.encode(), (("content-type", "text/plain; charset=utf-8"),))
            self.transport.write(self._shared.heads.written(answer, "", keeps=False))
            self.linger()

    def _decline(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 where the sender offers another protocol (RFC 9110, section 7.8).

        The parser takes what follows the head for that protocol; so it is given the head again, without the offer.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse("This is no proxy.")
            return
        lines = [b"%s %s HTTP/1.1" % (method, self.url)]
        for name, value in self.headers:
            if name == b"connection":
                kept = [each for each in value.split(b",") if each.strip().lower() not in OFFERED]
                lines.append(b"connection: " + b",".join(kept))
            elif name not in OFFERED:
                lines.append(name + b": " + value)
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def linger(self) -> None:
        """End the connection, but read on for a moment: who is still sending sees the answer."""
        self._over_since = self._shared.now()
        if self.cycle is not None:
            # Nothing more can be sent, also of what was asked before.
            self.cycle.disconnected = True
        if self.transport.can_write_eof():
            self.transport.write_eof()

    # What the parser says.

    def on_message_begin(self) -> None:
        """Note when a request begins."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._began = self._shared.now()
        self._head_size = self._part_size

    def on_headers_complete(self) -> None:
        """Begin a request whose head is whole."""
        if self.parser.should_upgrade():
            return
        if self._part_size > MOST_HEAD and sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD:
            raise ValueError
        self._began = self._shared.now()
        self._head_size = -1
        method = self.parser.get_method().decode("ascii")
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        route = self._shared.lane.find(unquote(path) if "%" in path else path, method)
        if route is None:
            self._begin_cycle()
        else:
            self._begin_turn(method, (url.query or b"").decode("latin-1"), route)

    def _begin_cycle(self) -> None:
        """Hand a request to the web framework: only that needs the scope which the base class makes for each."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def _begin_turn(self, method: str, query: str, route: Route) -> None:
        before: Any = self.cycle
        turn = Turn(self, method, query, route)
        # The base class asks of its cycles what a turn can tell as well.
        self.cycle = turn  # type: ignore[assignment]
        if before is None or before.response_complete:
            turn.begin()
        else:
            # The sender did not wait for the answer to its last request (RFC 9112, section 9.3.2).
            self.flow.pause_reading()
            self.pipeline.appendleft((turn, self.app))  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body."""
        turn: Any = self.cycle
        if isinstance(turn, Turn):
            turn.feed(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Finish a request that is whole."""
        if self.parser.should_upgrade():
            return
        self._began = None
        self._idle_since = self._shared.now()
        turn: Any = self.cycle
        if isinstance(turn, Turn):
            turn.end()
        else:
            super().on_message_complete()

    # What becomes of requests.

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if self._shared.draining:
            cycle.keep_alive = False
        if isinstance(cycle, Turn):
            cycle.begin()
        else:
            super()._start_asgi_task(cycle, app)

    def answered(self) -> None:
        """Go on with what was sent meanwhile."""
        if self.flow.read_paused and not self.transport.is_closing():
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def sweep(self, now: float) -> None:
        """End what takes too long."""
        turn: Any = self.cycle
        if self._over_since is not None:
            if now - self._over_since > PASS_OVER_SECONDS:
                self.transport.close()
        elif self._began is None:
            if now - self._idle_since > IDLE_SECONDS and (turn is None or turn.response_complete):
                self.transport.close()
        elif self._head_size >= 0:
            if now - self._began > HEAD_SECONDS:
                self.transport.close()
        elif isinstance(turn, Turn):
            turn.sweep(now - self._began)
        elif now - self._began > BODY_SECONDS:
            self.transport.close()


class Turn:
    """A request of a connection that the lane serves. Its public attributes are those of uvicorn's cycles."""

    def __init__(self, connection: Connection, method: str, query: str, route: Route) -> None:
        self.message_event = _NOBODY_WAITS
        self.disconnected = False
        self.response_complete = False
        parser = connection.parser
        self.keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        self._connection = connection
        self._lane = connection._shared.lane  # noqa: SLF001 - a part of its connection
        self._is_whole = False
        self._has_begun = False
        self._is_finished = False
        self._expects = connection.expect_100_continue
        peer = connection.client[0] if connection.client else ""
        headers = Text(dict(connection.headers))
        self._exchange = Exchange(route, method, peer=peer, query=query, headers=headers, send=self.send)
        self._lane.begin(self._exchange)

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
        if not (self._is_finished or self._exchange.feed(part)):
            self._give_up("too_large")

    def end(self) -> None:
        """Take note that the request is whole."""
        self._is_whole = True
        self._finish()

    def sweep(self, seconds: float) -> None:
        """End the reading of a body that takes so long."""
        if seconds > (BODY_SECONDS if self._exchange.refusal is None else PASS_OVER_SECONDS):
            self._give_up("too_slow")

    def _finish(self) -> None:
        """Have a request answered that is whole, and whose turn it is, once."""
        if self._is_whole and self._has_begun and not self._is_finished:
            self._is_finished = True
            self._lane.finish(self._exchange)

    def _give_up(self, outcome: str) -> None:
        """Have a request answered whose body is not read any further, once it is its turn."""
        if self._has_begun and not self._is_finished:
            self._is_finished = True
            self.keep_alive = False
            self._lane.give_up(self._exchange, outcome)

    def send(self, answer: Answer) -> None:
        """Send the answer, and close the connection where it does not stay open."""
        connection = self._connection
        shared, transport = connection._shared, connection.transport  # noqa: SLF001 - a part of its connection
        self.response_complete = True
        # What was answered forgets whom it was answered by: a cycle for each request would be left to the collector.
        self._exchange.send = _sent
        if self.disconnected or transport.is_closing():
            return
        keeps = self.keep_alive and not shared.draining
        transport.write(shared.heads.written(answer, self._exchange.method, keeps=keeps))
        if keeps:
            connection.answered()
        elif self._is_whole:
            transport.close()
        else:
            connection.linger()


def _sent(_answer: Answer) -> None:
    """Do nothing: the request is answered."""


class _NobodyWaits:
    """Stands for the event that uvicorn sets for those who wait for a cycle: nobody waits for a turn."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY_WAITS: Final = _NobodyWaits()
