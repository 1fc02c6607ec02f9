"""Runs the receiver: takes the lock and the port, owns the signals, and stops without losing anything."""

import asyncio
import fcntl
import gc
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
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from homing.clock import SystemClock
from homing.errors import StartError
from homing.server.app import Receiver
from homing.server.stores.registry import Opened, open_store, options_of
from homing.settings import Resolved

BACKLOG: Final = 16_384
HEADER_MS: Final = 10_000
OPEN_FILES: Final = 65_536
DRAIN_SECONDS: Final = 5.0
"""How long senders may take to complete their requests after a signal. Container managers kill after 10 s."""
COLLECT_AFTER: Final = (50_000, 50, 100)
"""How many new objects start a collection, and how many of those one of the older generations."""

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
    server = _server(receiver, settings)
    serving = asyncio.create_task(server.serve())
    try:
        await _serve_until(stop, serving, ready)
    finally:
        log.info("stopping")
        if ending is not None:
            await asyncio.to_thread(ending)
        await _drain(server, serving)
        await receiver.stop()
        log.info("stopped")


async def _serve_until(stop: asyncio.Event, serving: asyncio.Task[None], ready: Callable[[], None]) -> None:
    """Return once told to stop; raise `StartError` when the server ends by itself."""
    # In its first step the server takes the port, or fails to.
    await asyncio.sleep(0)
    if not serving.done():
        ready()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        stopping.cancel()
        reason = serving.exception() or "it ended by itself"
        raise StartError(f"The HTTP server does not run: {reason}.")


async def _drain(server: Server, serving: asyncio.Task[None]) -> None:
    """Take no new connections, answer what is under way, and cut off who is still sending when time is up."""
    stop: Callable[[], None] = server.stop
    stop()
    await asyncio.wait([serving], timeout=DRAIN_SECONDS)
    if not serving.done():
        log.warning("cut_off", reason="requests were not complete in time", seconds=DRAIN_SECONDS)
        # What is left of the server complains when the loop ends under it.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)


def _server(receiver: Receiver, settings: Resolved) -> Server:
    return Server(
        receiver.lane,
        address=settings["host"],
        port=settings["port"],
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS),
        log_enabled=False,
    )


def calm_collector() -> None:
    """Keep the cycle collector from walking through everything loaded at start, again and again.

    Pings leave no cycles behind, so nearly every collection finds nothing; with its usual thresholds it took a third of
    the time of ingest.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


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
