"""A server that keeps what it is sent, and answers as it is told to."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
PATIENCE_SECONDS: Final = 10.0


class Received(NamedTuple):
    """One request."""

    line: str
    headers: dict[str, str]
    body: bytes


class Listener:
    """Listens on a port of its own; after its answer it leaves the connection to the sender."""

    def __init__(self, answer: bytes, context: ssl.SSLContext | None) -> None:
        self.received: list[Received] = []
        self._answer = answer
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._is_ending = False
        self.url = f"http{'s' if context else ''}://localhost:{self._socket.getsockname()[1]}"

    def begin(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def end(self) -> None:
        """End, and wait for the thread."""
        self._is_ending = True
        socket.create_connection(self._socket.getsockname()).close()
        self._thread.join(PATIENCE_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        while not self._is_ending:
            caller, _ = self._socket.accept()
            caller.settimeout(PATIENCE_SECONDS)
            with suppress(OSError):
                if self._context is not None:
                    caller = self._context.wrap_socket(caller, server_side=True)
                with caller:
                    self._serve(caller)

    def _serve(self, caller: socket.socket) -> None:
        with caller.makefile("rb") as file:
            line = file.readline().decode().strip()
            if not line:
                return
            headers = {}
            while text := file.readline().decode().strip():
                name, _, value = text.partition(": ")
                headers[name] = value
            body = file.read(int(headers.get("Content-Length", "0")))
            self.received.append(Received(line, headers, body))
            caller.sendall(self.answer())
            # Whatever else is sent, the answer was all there is; the sender closes.
            if self._answer:
                file.read()

    def answer(self) -> bytes:
        """Return what everybody is answered."""
        return self._answer


@contextmanager
def listener(
    answer: bytes = OK, context: ssl.SSLContext | None = None, *, kind: type[Listener] = Listener
) -> Iterator[Listener]:
    """Run a listener."""
    running = kind(answer, context)
    running.begin()
    try:
        yield running
    finally:
        running.end()


class Tunnel:
    """A proxy that leads one caller to a listener, wherever it asks to be led."""

    def __init__(self, to: str) -> None:
        self.head = ""
        self._to = ("127.0.0.1", int(to.rpartition(":")[2]))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def end(self) -> None:
        """Wait for the caller to be gone."""
        self._thread.join(PATIENCE_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        caller, _ = self._socket.accept()
        with caller, socket.create_connection(self._to) as there:
            while "\r\n\r\n" not in self.head:
                self.head += caller.recv(4096).decode()
            caller.sendall(b"HTTP/1.1 200 Connection established\r\nVia: tunnel\r\n\r\n")
            back = threading.Thread(target=_pour, args=(there, caller), daemon=True)
            back.start()
            _pour(caller, there)
            back.join(PATIENCE_SECONDS)


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def tunnel(to: str) -> Iterator[Tunnel]:
    """Run a tunnel."""
    running = Tunnel(to)
    running.begin()
    try:
        yield running
    finally:
        running.end()
