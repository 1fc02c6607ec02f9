"""The writer: one thread that records a batch at a time, and in idle moments what was put off."""

import contextlib
import select
import socket
import sys
from typing import Final

import msgspec
import structlog

from homing.clock import SystemClock
from homing.errors import HomingError
from homing.server.channel.frames import READY, frame, receive
from homing.server.collector import calm_collector
from homing.server.logs import configure
from homing.server.stores.base import Options
from homing.server.stores.registry import open_store
from homing.server.writer.messages import pack_recorded, unpack_batch
from homing.server.writer.scribe import Scribe

IDLE_SECONDS: Final = 5.0
FAILED: Final = 2

log: Final = structlog.get_logger("homing.writer")


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
    """Run the writer on the inherited socket whose number, store, options and logs stand in the arguments."""
    descriptor, url, options, level, form = sys.argv[1:]
    configure(level, form)
    clock = SystemClock()
    try:
        # The receiver brought the tables up to date before it started this process.
        opened = open_store(url, clock, options=msgspec.json.decode(options, type=Options), migrating=False)
    except HomingError as error:
        log.error("writer_not_started", reason=str(error))
        sys.exit(FAILED)
    calm_collector()
    # Where the receiver was killed, nobody takes the answer.
    with socket.socket(fileno=int(descriptor)) as channel, contextlib.suppress(ConnectionError):
        serve(Scribe(opened.store, clock), channel)
    opened.store.close()


if __name__ == "__main__":
    main()
