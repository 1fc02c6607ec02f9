"""The heads of the lane's answers, as bytes (RFC 9112)."""

from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from homing.server.dialects.base import Answer

REMEMBERED: Final = 256
HEAD: Final = "HEAD"
_BODILESS: Final = frozenset({204, 304})


class Heads:
    """Writes answers. `date` is the line that tells the time; `tick` brings it up to date."""

    def __init__(self) -> None:
        self.date = b""
        # Nearly all answers have one of few heads.
        self._head = lru_cache(REMEMBERED)(_head)

    def tick(self, seconds: float) -> None:
        """Set the time, in seconds since 1970-01-01 UTC (RFC 9110, section 6.6.1)."""
        self.date = f"date: {formatdate(seconds, usegmt=True)}\r\n".encode()

    def written(self, answer: Answer, method: str, *, keeps: bool) -> bytes:
        """Return an answer as it goes out. `keeps` says that the connection stays open."""
        status, body, headers = answer
        head = self._head(status, tuple(headers))
        end = b"\r\n" if keeps else b"connection: close\r\n\r\n"
        if status in _BODILESS:
            return b"%s%s%s" % (head, self.date, end)
        told = b"" if method == HEAD else body
        return b"%s%scontent-length: %d\r\n%s%s" % (head, self.date, len(body), end, told)


def _head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}".encode("latin-1")
