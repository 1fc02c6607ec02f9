"""Reads a request's body within limits: 1 MiB after decompression, which is watched while it inflates."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from homing.outcomes import Refusal
from homing.server.ingest.exchange import Exchange
from homing.server.ingest.inflate import MOST_BYTES, inflate

PASS_OVER_SECONDS: Final = 1.0
MOST_PASSED_OVER: Final = 8 * MOST_BYTES
"""Many senders see the answer only once they have sent everything: so much of it is read and thrown away."""


def unpacked(_query: str, _body: bytes) -> str:
    """Return that a body is not compressed."""
    return ""


async def read_body(exchange: Exchange, otherwise: Callable[[str, bytes], str] = unpacked) -> bytes:
    """Return the inflated body; raise `Refusal` when it is too large, damaged or compressed in an unknown way.

    `otherwise` gives the encoding of a body whose headers name none, from the address's query and the body.
    """
    length = exchange.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= MOST_BYTES:
        body = await exchange.whole()
    elif length:
        await pass_over(exchange)
        raise Refusal("too_large")
    else:
        body = await _collect(exchange)
    encoding = exchange.headers.get("content-encoding", "") or otherwise(exchange.query, body)
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
