"""One connection: uvicorn's protocol for HTTP/1.1, of which the lane's requests take a shorter way.

The parser is httptools. What is for the web framework is served by uvicorn as ASGI; a request to the lane is fed to it
as it is parsed, and its answer is one write: no task, no messages.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from homing.server.dialects.base import Answer
from homing.server.http.shared import Shared
from homing.server.http.turn import BODY_SECONDS, PASS_OVER_SECONDS, Turn
from homing.server.ingest.routes import Route

MOST_HEAD: Final = 64 * 1024
HEAD_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 75.0
STUCK_SECONDS: Final = 30.0
"""So long who does not read its answers is waited for."""

MOST_WAITING: Final = 100
"""So many requests may wait for the answer to the one before them."""

OFFERED: Final = frozenset({b"upgrade", b"http2-settings"})


class Flow(FlowControl):
    """Reads on only where a connection may: uvicorn's cycles ask for it whenever they wait for a body."""

    def __init__(self, transport: asyncio.Transport, may_read: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._may_read = may_read

    def resume_reading(self) -> None:
        """Read on, where that may be."""
        if self._may_read():
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """Serves the requests of one connection, one after the other.

    `cycle` is the newest of them, `pipeline` are those that came before they could be answered: cycles of uvicorn's and
    turns of the lane's.
    """

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared.config, shared.state, {}, asyncio.get_running_loop())
        self.shared = shared
        self._began: float | None = None
        self._idle_since = shared.now()
        self._stuck_since: float | None = None
        self._over_since: float | None = None
        self._last_words = ""
        self._serving: Any = None
        self._head_size = -1
        self._part_size = self._since_body = 0
        self._has_completed = self._is_going_on = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be sent."""
        return self._over_since is not None or self.transport.is_closing()

    # What the transport says.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        self.flow = Flow(transport, self._may_read)

    def _may_read(self) -> bool:
        return not (self.pipeline or self.flow.write_paused or self._last_words)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection ended."""
        left: list[Any] = [self.cycle, *(cycle for cycle, _app in self.pipeline)]
        for cycle in left:
            if isinstance(cycle, Turn):
                cycle.forget()
        if self._serving is not None and not self._serving.response_complete:
            # The base class tells the newest alone.
            self._serving.disconnected = True
            self._serving.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)
        # What holds each other would be left to the collector: many a client sends one request a connection. The base
        # class says that they are always there, and asks for none of them after this.
        self.cycle = self._serving = self.flow = None  # type: ignore[assignment]
        self.shared.one_less()

    def pause_writing(self) -> None:
        """Take nothing more in until what is to be sent has been read."""
        super().pause_writing()
        self._stuck_since = self.shared.now()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._stuck_since = None
        self.answered()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a sender that says that it sends nothing more; return whether the connection stays open for that."""
        turn: Any = self.cycle
        if turn is None or turn.response_complete or self._began is not None or self._over_since is not None:
            return False
        turn.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what came. A head that grows too large ends the connection."""
        self._part_size = len(data)
        self._since_body += len(data)
        self._has_completed = False
        while data and not (self._last_words or self._over_since is not None):
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserError:
                self._refuse("The request is not proper HTTP.")
            except httptools.HttpParserUpgrade as offer:
                data = self._declined(data[offer.args[0] :])
                continue
            break
        if self._head_size >= 0 and not self._has_completed:
            self._head_size += self._part_size
        if self._head_size > MOST_HEAD:
            self._refuse("The head of the request is too large.")
        elif self._began is not None and self._head_size < 0 and self._since_body > MOST_HEAD:
            self._refuse("What follows the body is too large.")

    def _declined(self, rest: bytes) -> bytes:
        """Return a request that offers another protocol as one that does not (RFC 9110, section 7.8), and what follows.

        The parser takes what follows the head for that protocol; so it is given the head again, without the offer.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse("This is no proxy.")
            return b""
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = [each for each in value.split(b",") if each.strip().lower() not in OFFERED]
                lines.append(b"connection: " + b",".join(kept))
            elif name not in OFFERED:
                lines.append(name + b": " + value)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"\r\n".join([*lines, b"", rest])

    # How a connection ends.

    def _refuse(self, sentence: str) -> None:
        """Answer what cannot be understood, after what came before it, and end the connection."""
        if self._last_words or self.is_over:
            return
        self._last_words = sentence
        self.flow.pause_reading()
        if self._began is not None and self._head_size < 0:
            self._give_up_newest()
        self.answered()

    def _give_up_newest(self) -> None:
        """Give up a request whose body cannot be read to its end."""
        cycle: Any = self.cycle
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        cycle.disconnected = cycle.response_complete = True
        cycle.message_event.set()
        if isinstance(cycle, Turn):
            cycle.forget()

    def _say_last_words(self) -> None:
        answer = Answer(400, self._last_words.encode(), (("content-type", "text/plain; charset=utf-8"),))
        self.transport.write(self.shared.heads.written(answer, "", keeps=False))
        self.linger()

    def linger(self) -> None:
        """End the connection, but read on for a moment and keep nothing: who is still sending sees the answer."""
        self._over_since = self.shared.now()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.flow.read_paused:
            self.flow.read_paused = False
            self.transport.resume_reading()

    # What the parser says.

    def on_message_begin(self) -> None:
        """Note when a request begins."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._began = self.shared.now()
        self._head_size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head. One behind the body says nothing that is wanted here."""
        if self._head_size < 0:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin a request whose head is whole."""
        if self.parser.should_upgrade():
            return
        is_large = self._part_size > MOST_HEAD and sum(len(n) + len(value) for n, value in self.headers) > MOST_HEAD
        if is_large or len(self.pipeline) >= MOST_WAITING:
            raise ValueError
        self._began = self.shared.now()
        self._head_size = -1
        self._since_body = 0
        method = self.parser.get_method().decode("ascii")
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        route = self.shared.lane.find(unquote(path) if "%" in path else path, method)
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
            self._start_asgi_task(turn, self.app)
        else:
            # The sender did not wait for the answer to its last request (RFC 9112, section 9.3.2).
            self.flow.pause_reading()
            self.pipeline.appendleft((turn, self.app))  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body."""
        self._since_body = 0
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
        self._has_completed = True
        self._idle_since = self.shared.now()
        turn: Any = self.cycle
        if isinstance(turn, Turn):
            turn.end()
        else:
            super().on_message_complete()

    # What becomes of requests.

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._serving = cycle
        if self.shared.draining:
            cycle.keep_alive = False
        if isinstance(cycle, Turn):
            cycle.begin()
        else:
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on."""
        self._idle_since = self.shared.now()
        self.answered()

    def answered(self) -> None:
        """Go on with what was sent meanwhile: one after the other, until one of them has to wait."""
        if self._is_going_on:
            return
        self._is_going_on = True
        while self.pipeline and not self.flow.write_paused and self._serving.response_complete:
            self._start_asgi_task(*self.pipeline.pop())
        self._is_going_on = False
        if self.is_over:
            return
        if self._last_words:
            if not self.pipeline and (self._serving is None or self._serving.response_complete):
                self._say_last_words()
        else:
            self.flow.resume_reading()

    def sweep(self, now: float) -> None:
        """End what takes too long."""
        if self.transport.is_closing() and self._stuck_since is None:
            self._stuck_since = now
        if self._stuck_since is not None:
            if now - self._stuck_since > STUCK_SECONDS:
                self.transport.abort()
        elif self._over_since is not None:
            if now - self._over_since > PASS_OVER_SECONDS:
                self.transport.close()
        elif self._is_too_slow(now):
            self.transport.close()

    def _is_too_slow(self, now: float) -> bool:
        """Say whether a connection rests for too long, or the head or the body of a request takes too long."""
        turn: Any = self.cycle
        if self._began is not None and self._head_size < 0:
            if isinstance(turn, Turn):
                # It is told why.
                turn.sweep(now - self._began)
                return False
            return now - self._began > BODY_SECONDS
        if turn is not None and not turn.response_complete:
            return False
        return now - self._idle_since > IDLE_SECONDS if self._began is None else now - self._began > HEAD_SECONDS
