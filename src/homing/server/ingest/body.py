"""Reads a request's body within limits: 1 MiB after decompression, which is watched while it inflates."""

import asyncio
import contextlib
import zlib
from typing import Final

from homing.outcomes import Refusal
from homing.server.ingest.exchange import Exchange

MOST_BYTES: Final = 1024 * 1024
PASS_OVER_SECONDS: Final = 1.0
MOST_PASSED_OVER: Final = 8 * MOST_BYTES
"""Many senders see the answer only once they have sent everything: so much of it is read and thrown away."""

_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


async def read_body(exchange: Exchange) -> bytes:
    """Return the inflated body; raise `Refusal` when it is too large, damaged or compressed in an unknown way."""
    length = exchange.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= MOST_BYTES:
        body = await exchange.whole()
    elif length:
        await pass_over(exchange)
        raise Refusal("too_large")
    else:
        body = await _collect(exchange)
    encoding = exchange.headers.get("content-encoding", "")
    return inflate(body, encoding) if encoding else body


async def _collect(exchange: Exchange) -> bytes:
    body = bytearray()
    size = 0
    async for part in exchange.parts():
        size += len(part)
        if size <= MOST_BYTES:
            body += part
        elif size > MOST_PASSED_OVER:
            break
    if size > MOST_BYTES:
        raise Refusal("too_large")
    return bytes(body)


async def pass_over(exchange: Exchange) -> None:
    """Read for a moment and keep nothing, so that a sender who sends all of it first sees the answer."""
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PASS_OVER_SECONDS):
            async for part in exchange.parts():
                size += len(part)
                if size > MOST_PASSED_OVER:
                    return


def inflate(body: bytes, encoding: str) -> bytes:
    """Undo a Content-Encoding (RFC 9110): gzip, or deflate with or without its zlib frame."""
    name = encoding.strip().lower()
    if name == "identity":
        return body
    if name == "gzip":
        return _inflate(body, _GZIP)
    if name == "deflate":
        # Some senders leave out the frame that the standard asks for.
        framed = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0
        return _inflate(body, _ZLIB if framed else _RAW)
    raise Refusal("encoding")


def _inflate(body: bytes, wbits: int) -> bytes:
    stream = zlib.decompressobj(wbits)
    try:
        plain = stream.decompress(body, MOST_BYTES + 1)
    except zlib.error:
        raise Refusal("compression") from None
    if len(plain) > MOST_BYTES:
        raise Refusal("too_large")
    if not stream.eof or stream.unused_data:
        raise Refusal("compression")
    return plain
