"""Reads a request's body within limits: 1 MiB after decompression, which is watched while it inflates."""

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from homing.outcomes import Refusal

MOST_BYTES: Final = 1024 * 1024

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


class ClientGone(Exception):  # noqa: N818 - a state of the connection
    """The client closed the connection before its request was complete."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Return the inflated body; raise `Refusal` when it is too large, damaged or compressed in an unknown way."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise Refusal("too_large")
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _collect(body, receive)
    elif message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > MOST_BYTES:
        raise Refusal("too_large")
    encoding = headers.get(b"content-encoding")
    return inflate(body, encoding) if encoding else body


async def _collect(begun: bytes, receive: Receive) -> bytes:
    body = bytearray(begun)
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise Refusal("too_large")
        more = message.get("more_body", False)
    return bytes(body)


def inflate(body: bytes, encoding: bytes) -> bytes:
    """Undo a Content-Encoding (RFC 9110): gzip, or deflate with or without its zlib frame."""
    name = encoding.strip().lower()
    if name == b"identity":
        return body
    if name == b"gzip":
        return _inflate(body, _GZIP)
    if name == b"deflate":
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
