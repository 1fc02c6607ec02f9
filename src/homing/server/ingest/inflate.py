"""Undoes Content-Encodings (RFC 9110), with a limit that is watched while the body inflates."""

import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from homing.outcomes import Refusal

MOST_BYTES: Final = 1024 * 1024
"""How large a body may be, as sent and inflated."""

MOST_WINDOW: Final = 8 * MOST_BYTES
"""How far back zstd may point: what RFC 8878 asks every receiver to have, and memory that a stranger chooses."""

_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


def inflate(body: bytes, encoding: str) -> bytes:
    """Undo a Content-Encoding; raise `Refusal` when it is unknown, and when the body is damaged or too large."""
    name = encoding.strip().lower()
    if name not in ENCODINGS:
        raise Refusal("encoding")
    plain = ENCODINGS[name](body)
    if len(plain) > MOST_BYTES:
        raise Refusal("too_large")
    return plain


def _gzip(body: bytes) -> bytes:
    return _zlib(body, _GZIP)


def _deflate(body: bytes) -> bytes:
    # Some senders leave out the frame that the standard asks for.
    framed = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0
    return _zlib(body, _ZLIB if framed else _RAW)


def _zlib(body: bytes, wbits: int) -> bytes:
    stream = zlib.decompressobj(wbits)
    try:
        plain = stream.decompress(body, MOST_BYTES + 1)
    except zlib.error:
        raise Refusal("compression") from None
    return _whole(plain, is_whole=stream.eof and not stream.unused_data)


def _brotli(body: bytes) -> bytes:
    brotli = _package("brotli")
    stream = brotli.Decompressor()
    plain = bytearray()
    try:
        plain += stream.process(body, output_buffer_limit=MOST_BYTES + 1)
        while not stream.is_finished() and not stream.can_accept_more_data() and len(plain) <= MOST_BYTES:
            plain += stream.process(b"", output_buffer_limit=MOST_BYTES + 1)
    except brotli.error:
        raise Refusal("compression") from None
    return _whole(bytes(plain), is_whole=stream.is_finished())


def _zstd(body: bytes) -> bytes:
    zstandard = _package("zstandard")
    engine = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
    try:
        # The reader keeps the limit and takes a torn end for an end; the other one sees it, and has no limit.
        plain = engine.stream_reader(body).read(MOST_BYTES + 1)
        if len(plain) > MOST_BYTES:
            return bytes(plain)
        stream = engine.decompressobj()
        plain = stream.decompress(body)
    except zstandard.ZstdError:
        raise Refusal("compression") from None
    return _whole(plain, is_whole=stream.eof and not stream.unused_data)


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise Refusal("encoding", f"To read this Content-Encoding the receiver needs the package {name}.") from None


def _whole(plain: bytes, *, is_whole: bool) -> bytes:
    """Return what came out; raise `Refusal` when it fits and the stream has no end, or goes on behind it."""
    if len(plain) <= MOST_BYTES and not is_whole:
        raise Refusal("compression")
    return plain


ENCODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {"identity": bytes, "gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd}
)
"""What can be undone, by name."""
