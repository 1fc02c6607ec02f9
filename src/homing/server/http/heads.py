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


def written(answer: Answer, *, method: str, date: bytes, keeps: bool) -> bytes:
    """Return an answer as it goes out. `keeps` says that the connection stays open."""
    status, body, headers = answer
    end = b"\r\n" if keeps else b"connection: close\r\n\r\n"
    if status in _BODILESS:
        return b"%s%s%s" % (_head(status, tuple(headers)), date, end)
    told = b"" if method == HEAD else body
    return b"%s%scontent-length: %d\r\n%s%s" % (_head(status, tuple(headers)), date, len(body), end, told)


@lru_cache(REMEMBERED)
def _head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}".encode("latin-1")


def date_line(seconds: float) -> bytes:
    """Return the line that tells the time of an answer, in seconds since 1970-01-01 UTC (RFC 9110, section 6.6.1)."""
    return f"date: {formatdate(seconds, usegmt=True)}\r\n".encode()
