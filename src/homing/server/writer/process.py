"""The writer: one thread that records a batch at a time, and in idle moments what was put off."""

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


def serve(scribe: Scribe, channel: socket.socket) -> None:
    """Record the batches from a channel, in order, until it is closed; then write what was put off."""
    channel.sendall(frame(READY))
    while True:
        ready, _, _ = select.select([channel], [], [], IDLE_SECONDS)
        if not ready:
            scribe.settle()
            continue
        body = receive(channel)
        if body is None:
            break
        channel.sendall(pack_recorded(scribe.record(unpack_batch(body))))
    scribe.settle()


def main() -> None:
    """Run the writer."""
    run("writer", _serve)


def _serve(store: Store, clock: Clock, channel: socket.socket) -> None:
    calm_collector()
    serve(Scribe(store, clock), channel)


if __name__ == "__main__":
    main()
