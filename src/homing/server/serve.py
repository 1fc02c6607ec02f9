"""Runs the receiver: takes the lock and the port, owns the signals, and stops without losing anything."""

import asyncio
import fcntl
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
import uvloop

from homing.clock import SystemClock
from homing.errors import StartError
from homing.server.app import Receiver
from homing.server.collector import calm_collector
from homing.server.http.listener import Listener
from homing.server.stores.registry import Opened, open_store, options_of
from homing.settings import Resolved

OPEN_FILES: Final = 65_536

log: Final = structlog.get_logger("homing.serve")

Announce = Callable[[Receiver, Opened], None]


def serve(
    settings: Resolved,
    announce: Announce,
    *,
    prepare: Callable[[], None] | None = None,
    ending: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called once the receiver listens.

    `prepare` is called before the store is opened, when the lock is held and the port is free; `ending`
    in a thread of its own when it was told to stop, while it still serves. Raises `StartError` when
    the file, the lock or the port cannot be had.
    """
    raise_file_limit()
    path = Path(settings["store"].removeprefix("sqlite:///"))
    with locked(path):
        probe(settings["host"], settings["port"])
        if prepare is not None:
            prepare()
        clock = SystemClock()
        opened = open_store(settings["store"], clock, options=options_of(settings))
        receiver = Receiver(opened, settings, clock)
        uvloop.run(_run(receiver, settings, lambda: announce(receiver, opened), ending=ending))


async def _run(
    receiver: Receiver, settings: Resolved, ready: Callable[[], None], *, ending: Callable[[], None] | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await receiver.start()
    calm_collector()
    listener = Listener(receiver.lane, receiver.framework, receiver.clock)
    try:
        await _listen(listener, settings)
        ready()
        await stop.wait()
    finally:
        log.info("stopping")
        if ending is not None:
            await asyncio.to_thread(ending)
        await listener.stop()
        await receiver.stop()
        log.info("stopped")


async def _listen(listener: Listener, settings: Resolved) -> None:
    host, port = settings["host"], settings["port"]
    try:
        await listener.start(host, port)
    except OSError as error:
        raise StartError(f"The receiver cannot listen on {host}:{port}: {error.strerror or error}.") from error


def raise_file_limit() -> None:
    """Allow as many open connections as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside a database; raise `StartError` when another receiver has it."""
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"The directory {path.parent} cannot be written: {error.strerror}."
        raise StartError(message) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        message = f"Another receiver is using {path}; stop it first, or choose another store."
        raise StartError(message) from error
    try:
        yield
    finally:
        os.close(descriptor)


def probe(host: str, port: int) -> None:
    """Raise `StartError` when the port cannot be listened on.

    The server itself shares the port with any other that listens on it; without SO_REUSEPORT that shows.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            message = f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
            raise StartError(message) from error
