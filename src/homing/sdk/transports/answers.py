"""Reads an answer whole, where somebody asked for one: of a ping's answer nothing but the status counts."""

import io
import socket
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, Final, NamedTuple

from homing.sdk.endpoint import Endpoint
from homing.sdk.transports.base import SUCCESSES, Deadline

MOST_BODY: Final = 65_536
"""How many bytes of a body are read; a longer one is none."""

MOST_ERROR: Final = 180
"""How many characters of a refusal are shown."""


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


def parsed(body: bytes) -> Mapping[str, Any]:
    """Return the object that a body holds; raise `ValueError` where it holds none."""
    import json

    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(found, Mapping):
        raise ValueError("it is no object")  # noqa: TRY004 - what a server said
    return found


def refusal(answer: Answer) -> str:
    """Say what the server said against it."""
    try:
        reason = str(parsed(answer.body).get("error", ""))
    except ValueError:
        reason = ""
    shown = "".join(each for each in reason if each.isprintable())[:MOST_ERROR].rstrip(".")
    return f"The answer was {answer.status}: {shown}." if shown else f"The answer was {answer.status}."


def read_answer(sock: socket.socket, deadline: Deadline) -> Answer:
    """Return the answer that comes; raise `OSError` or `ValueError` where none does."""
    # Of a socket nothing but the file is asked for.
    wire: Any = _Wire(sock, deadline)
    response = HTTPResponse(wire, method="GET")
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

    def readinto(self, buffer: Any, /) -> int:
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)
