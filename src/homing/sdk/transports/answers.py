"""Reads an answer whole, where somebody asked for one: of a ping's answer nothing but the status counts."""

import io
import socket
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Final, NamedTuple, Protocol

from homing.sdk.endpoint import Endpoint
from homing.sdk.transports.base import SUCCESSES, Deadline, Request

MOST_BODY: Final = 65_536
"""How many bytes of a body are read; a longer one is none."""


class Question(NamedTuple):
    """One GET. It does not show its headers."""

    endpoint: Endpoint
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"Question({self.endpoint.url!r})"


class Answer(NamedTuple):
    """What was answered: a status with a body, or one sentence that says why there is none."""

    status: int | None
    body: bytes = b""
    error: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the question was answered."""
        return self.status in SUCCESSES


class Asker(Protocol):
    """What can ask."""

    def ask(self, question: Question | Request, deadline: Deadline) -> Answer:
        """Ask once and return the answer; raise nothing, and take no longer than the deadline."""


def read_answer(sock: socket.socket, deadline: Deadline) -> Answer:
    """Return the answer that comes; raise `OSError` or `ValueError` where none does."""
    # Only its method is asked for.
    response = HTTPResponse(_Wire(sock, deadline), method="GET")  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read(MOST_BODY + 1)
    except ConnectionError:
        raise
    except IncompleteRead:
        raise ConnectionResetError from None
    except HTTPException:
        raise ValueError("it is not HTTP") from None
    if len(body) > MOST_BODY:
        raise ValueError("its body is too long")
    if response.length:
        raise ConnectionResetError
    return Answer(response.status, body)


class _Wire(io.RawIOBase):
    """A socket's bytes; each wait is for what is left of the deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)
