"""A process of the receiver's own: starts it, talks to it, and starts it again when it dies."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from homing.server.channel.frames import READY, Splitter
from homing.settings import child_environment

END_SECONDS: Final = 3.0
"""How long the process may take to notice that it should end: no longer than one piece of its work."""

LASTING_SECONDS: Final = 10.0
PAUSES: Final = (0.05, 0.2, 1.0, 5.0)
"""Seconds before each new start when the process keeps dying; the last one repeats."""

log: Final = structlog.get_logger("homing.child")


class Work(Protocol):
    """Who gives the process its work. Called on the event loop alone."""

    def began(self) -> None:
        """Go on: the process is there to work."""

    def answered(self, body: bytes) -> None:
        """Take the body of a frame that the process sent."""

    def died(self) -> None:
        """Take note that nothing more comes of what the process was told."""


class Child:
    """A module of ours run as a process, kept running between `start` and `stop`.

    It is given the number of its end of the channel, then `arguments`. `name` begins the names of its log events.
    """

    def __init__(self, name: str, module: str, arguments: Sequence[str], *, work: Work) -> None:
        self._not_started, self._died = f"{name}_not_started", f"{name}_died"
        self._command = (sys.executable, "-m", module)
        self._arguments = arguments
        self._work = work
        self._transport: asyncio.WriteTransport | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self.restarts = 0

    def start(self) -> None:
        """Start the process, and keep it started."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper

    def send(self, frame: bytes) -> None:
        """Send a frame; raise `ConnectionResetError` when there is no process."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(frame)

    def heard(self, body: bytes) -> None:
        """Hand on what the process says."""
        if body == READY:
            self.ready.set()
            self._work.began()
        else:
            self._work.answered(body)

    def lost(self) -> None:
        """Take note that the process is gone, or is to go."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self.ready.clear()
            self._work.died()

    async def _keep(self) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._run()
            except OSError as error:
                log.error(self._not_started, reason=str(error))
            self.restarts += 1
            lasted = asyncio.get_running_loop().time() - began
            failures = 0 if lasted > LASTING_SECONDS else failures + 1
            log.error(self._died, restarts=self.restarts)
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    async def _run(self) -> None:
        """Start the process and listen to it until it dies."""
        process, ours = await self._spawn()
        loop = asyncio.get_running_loop()
        closed = loop.create_future()
        self._transport, _ears = await loop.create_unix_connection(lambda: _Ears(self, closed), sock=ours)
        try:
            await closed
        finally:
            self.lost()
            await _end(process)

    async def _spawn(self) -> tuple[asyncio.subprocess.Process, socket.socket]:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # In a session of its own Ctrl-C does not reach it: it ends when its channel closes.
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    *(str(theirs.fileno()), *self._arguments),
                    pass_fds=[theirs.fileno()],
                    env=child_environment(),
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            raise
        return process, ours


class _Ears(asyncio.Protocol):
    """The receiver's end of the channel."""

    def __init__(self, child: Child, closed: asyncio.Future[None]) -> None:
        self._child = child
        self._splitter = Splitter(child.heard)
        self._closed = closed

    def data_received(self, data: bytes) -> None:
        """Take what the process says."""
        self._splitter.feed(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """Take note that the process is gone."""
        self._child.lost()
        if not self._closed.done():
            self._closed.set_result(None)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for the process to notice that its channel is closed; end it when it does not."""
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
