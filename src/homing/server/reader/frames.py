"""How the two processes talk: frames of msgpack behind their length, plain values only."""

import socket
import struct
from typing import Any, Final, NamedTuple

import msgspec

LENGTH: Final = struct.Struct(">I")

encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder()


class Question(NamedTuple):
    """A method of the store, or `report`, with its arguments."""

    number: int
    method: str
    args: list[Any]
    kwargs: dict[str, Any]


class Reply(NamedTuple):
    """The answer to the question of that number; `error` names an error of `homing.errors`, `value` its text then."""

    number: int
    error: str | None
    value: Any


READY: Final = Reply(0, None, None)
"""What the reader says first, once it has opened the store. Questions are numbered from 1."""


def pack(message: Question | Reply) -> bytes:
    """Return a message as one frame."""
    body = encoder.encode(message)
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> Any:
    """Return the value inside a frame."""
    return _decoder.decode(body)


def receive(channel: socket.socket) -> bytes | None:
    """Return the body of the next frame, waiting for it; None when the other side is gone."""
    head = _exactly(channel, LENGTH.size)
    return None if head is None else _exactly(channel, LENGTH.unpack(head)[0])


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)
