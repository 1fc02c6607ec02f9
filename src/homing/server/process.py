"""What reader and writer have in common as processes: from their arguments to an open store and a channel."""

import contextlib
import socket
import sys
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from homing.clock import Clock, SystemClock
from homing.errors import HomingError
from homing.server.logs import configure
from homing.server.stores.base import Options, Store
from homing.server.stores.registry import open_store

FAILED: Final = 2


def run(name: str, serve: Callable[[Store, Clock, socket.socket], None]) -> None:
    """Serve on the inherited socket whose number, store, options and logs stand in the process's arguments.

    `name` begins the name of the log event of a store that cannot be opened; the process then ends with 2.
    """
    descriptor, url, options, level, form = sys.argv[1:]
    configure(level, form)
    clock = SystemClock()
    try:
        # The receiver brought the tables up to date before it started this process.
        opened = open_store(url, clock, options=msgspec.json.decode(options, type=Options), migrating=False)
    except HomingError as error:
        structlog.get_logger(f"homing.{name}").error(f"{name}_not_started", reason=str(error))
        sys.exit(FAILED)
    # Where the receiver was killed, nobody takes the answer.
    with socket.socket(fileno=int(descriptor)) as channel, contextlib.suppress(ConnectionError):
        serve(opened.store, clock, channel)
    opened.store.close()
