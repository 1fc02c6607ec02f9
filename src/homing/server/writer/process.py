"""The writer: one thread that makes a commit at a time, and in idle moments writes what was put off."""

import select
import socket
from typing import Final

from homing.clock import Clock
from homing.server.channel.frames import READY, frame, receive
from homing.server.collector import calm_collector
from homing.server.process import run
from homing.server.stores.base import Store
from homing.server.writer.messages import pack_recorded, unpack_batch
from homing.server.writer.scribe import Scribe

IDLE_SECONDS: Final = 5.0

ALONG: Final = 16 * 1024
"""So many bytes of other batches are recorded together with one: few enough to keep nobody waiting."""


def together(waiting: list[bytes]) -> list[bytes]:
    """Take out of what waits, as bodies of frames, what is to be in the next commit, and return it.

    That is the eldest, and whatever is small: it need not wait for what is large, nor costs it a commit.
    """
    eldest, *others = waiting
    taken, left, room = [eldest], [], ALONG
    for body in others:
        if len(body) <= room:
            taken.append(body)
            room -= len(body)
        else:
            left.append(body)
    waiting[:] = left
    return taken


def serve(scribe: Scribe, channel: socket.socket) -> None:
    """Record the batches from a channel until it is closed; then write what was put off."""
    channel.sendall(frame(READY))
    try:
        _record_all(scribe, channel)
    finally:
        # Also where nobody is there any more to be told.
        scribe.settle()


def _record_all(scribe: Scribe, channel: socket.socket) -> None:
    waiting: list[bytes] = []
    is_open = True
    while is_open or waiting:
        if is_open and _is_readable(channel, 0.0 if waiting else IDLE_SECONDS):
            body = receive(channel)
            if body is None:
                is_open = False
            else:
                waiting.append(body)
        elif waiting:
            batches = list(map(unpack_batch, together(waiting)))
            told = zip(batches, scribe.record_together(batches), strict=True)
            channel.sendall(b"".join(pack_recorded(batch.id, recorded) for batch, recorded in told))
        else:
            scribe.settle()


def _is_readable(channel: socket.socket, seconds: float) -> bool:
    return bool(select.select([channel], [], [], seconds)[0])


def main() -> None:
    """Run the writer."""
    run("writer", _serve)


def _serve(store: Store, clock: Clock, channel: socket.socket) -> None:
    calm_collector()
    serve(Scribe(store, clock), channel)


if __name__ == "__main__":
    main()
