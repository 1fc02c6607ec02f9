"""Frames: a body of bytes behind its length."""

import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import msgspec

LENGTH: Final = struct.Struct(">I")

READY: Final = b""
"""The body that a process sends first, once it is there to work."""

_encoder: Final = msgspec.msgpack.Encoder(enc_hook=dict)
_decoder: Final = msgspec.msgpack.Decoder()


def pack(value: Any) -> bytes:
    """Return a plain value as one frame; raise `TypeError` or `OverflowError` for what is none."""
    return frame(_encoder.encode(value))


def frame(body: bytes) -> bytes:
    """Return a body as one frame."""
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> Any:
    """Return the value inside a frame."""
    return _decoder.decode(body)


def receive(channel: socket.socket) -> bytes | None:
    """Return the body of the next frame, waiting for it; None when the other side is gone."""
    head = _exactly(channel, LENGTH.size)
    return None if head is None else _exactly(channel, LENGTH.unpack(head)[0])


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    parts = bytearray(size)
    view, have = memoryview(parts), 0
    while have < size:
        got = channel.recv_into(view[have:])
        if not got:
            return None
        have += got
    return bytes(parts)


class Splitter:
    """Takes bytes as they come, and gives the body of every frame that is whole."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Take some bytes."""
        held = self._held
        held += data
        start = 0
        while len(held) - start >= LENGTH.size:
            end = start + LENGTH.size + LENGTH.unpack_from(held, start)[0]
            if end > len(held):
                break
            self._take(bytes(held[start + LENGTH.size : end]))
            start = end
        del held[:start]
