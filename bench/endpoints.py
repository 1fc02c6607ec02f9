"""Hosts that do not answer as they should, for tests and benches; all of them on this machine."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

PAUSE_SECONDS: Final = 0.2
"""Between two bytes of the slow answer."""

FILL: Final = 8
FILL_SECONDS: Final = 0.3

HANGING_NAMES: Final = """
import socket, time
socket.getaddrinfo = lambda *given, **named: time.sleep(600)
"""
"""What makes every look-up of a name hang, for the beginning of a process of its own."""


@contextmanager
def refused() -> Iterator[str]:
    """A port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def black_hole() -> Iterator[str]:
    """A port whose queue is full, so that connecting to it never ends."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(FILL):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(FILL_SECONDS)
            try:
                waiting.connect(listening.getsockname())
            except TimeoutError:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
                return
        raise AssertionError("The queue does not fill up.")


@contextmanager
def slow_drip() -> Iterator[str]:
    """A server that answers one byte at a time, and never comes to the end of a line."""
    end = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_drip, args=(listening, end), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            end.set()
            # Wakes what waits in accept.
            socket.create_connection(listening.getsockname()).close()
            thread.join()


def _drip(listening: socket.socket, end: threading.Event) -> None:
    with ExitStack() as stack:
        while not end.is_set():
            caller = stack.enter_context(listening.accept()[0])
            with suppress(OSError):
                while not end.wait(PAUSE_SECONDS):
                    caller.sendall(b"H")


@contextmanager
def hanging_name() -> Iterator[str]:
    """A name; the process that looks it up must begin with `HANGING_NAMES`."""
    yield "http://telemetry.invalid"


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Read what is sent, and say that it was taken."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_given: object) -> None:
        """Say nothing."""


@contextmanager
def taking() -> Iterator[str]:
    """A server that takes whatever is sent."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taking) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


ENDPOINTS: Final[Mapping[str, Callable[[], AbstractContextManager[str]]]] = {
    "refused": refused,
    "black hole": black_hole,
    "slow drip": slow_drip,
    "hanging name": hanging_name,
}
