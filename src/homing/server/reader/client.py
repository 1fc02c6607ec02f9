"""The receiver's side of the reader: starts it, asks it, and starts it again when it dies."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
import structlog

from homing import errors
from homing.errors import HomingError, StoreUnavailable
from homing.server.counting.sets import Plan
from homing.server.query.overview import Kept
from homing.server.query.question import Query
from homing.server.reader.frames import LENGTH, READY, Question, pack, unpack
from homing.server.stores.base import Entry, Instance, Listing, Options, Receipt
from homing.settings import child_environment

ANSWER_SECONDS: Final = 30.0
START_SECONDS: Final = 10.0
END_SECONDS: Final = 3.0
"""How long the process may take to notice that it should end: no longer than one question or one step of tidying."""

PAUSES: Final = (0.05, 0.2, 1.0, 5.0)
"""Seconds before each new start when the reader keeps dying; the last one repeats."""

log: Final = structlog.get_logger("homing.reader")


class ReaderClient:
    """Asks the reader process. Every question is answered, or fails with `StoreUnavailable`."""

    def __init__(self, url: str, options: Options, logs: tuple[str, str] = ("info", "auto")) -> None:
        self._arguments = (url, msgspec.json.encode(options).decode(), *logs)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._ready = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.restarts = 0
        self.process_id: int | None = None

    def start(self) -> None:
        """Start the process, and keep it started."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper

    @property
    def alive(self) -> bool:
        """Whether the process has opened the store and is there to answer."""
        return self._ready.is_set()

    async def report(self, query: Query, form: Literal["json", "csv"]) -> bytes:
        """Answer a question about numbers, written as JSON or CSV."""
        made: bytes = await self._ask("report", query, form)
        return made

    async def overview(self, query: Query, kept: Kept) -> dict[str, Any]:
        """Answer a question with what the overview page shows beside a report; see `query.overview`."""
        made: dict[str, Any] = await self._ask("overview", query, kept)
        return made

    async def choices(
        self, query: Query, *, dimensions: Sequence[str], search: str, limit: int
    ) -> dict[str, list[str]]:
        """Return the values there are to filter by; see `query.overview.choices`."""
        how = {"dimensions": dimensions, "search": search, "limit": limit}
        found: dict[str, list[str]] = await self._ask("choices", query, **how)
        return found

    async def measure(self, query: Query, name: str) -> dict[str, Any]:
        """Summarise a number over a fleet; see `query.measure`."""
        made: dict[str, Any] = await self._ask("measure", query, name=name)
        return made

    async def numbers(self, query: Query) -> dict[str, Any]:
        """Return the names of what can be measured."""
        made: dict[str, Any] = await self._ask("numbers", query)
        return made

    async def events(self, query: Query) -> dict[str, Any]:
        """Count pings by kind; see `query.events`."""
        made: dict[str, Any] = await self._ask("events", query)
        return made

    async def instances(self, owner: int, app: int, *, asked: Plan | None = None, **how: Any) -> Listing:
        """List instances; see `Store.instances`."""
        plan = None if asked is None else {"plan": asked}
        items, after = await self._ask("instances", owner, app, asked=plan, **how)
        return Listing([Instance(*item) for item in items], after)

    async def instance(self, app: int, instance_id: str) -> Instance | None:
        """Return one instance."""
        found = await self._ask("instance", app, instance_id)
        return None if found is None else Instance(*found)

    async def history(self, app: int, **how: Any) -> Listing:
        """List history entries; see `Store.history`."""
        items, after = await self._ask("history", app, **how)
        return Listing([Entry(*item) for item in items], after)

    async def bindings(self, owner: int, instance_id: str) -> dict[int, str | None]:
        """Return where an instance is known; see `Store.bindings`."""
        found: dict[int, str | None] = await self._ask("bindings", owner, instance_id)
        return found

    async def erase(self, owner: int, instance_id: str) -> Receipt | None:
        """Erase an instance; see `Store.erase`. Asked again after a death, it may tell of nothing more."""
        found = await self._ask("erase", owner, instance_id)
        return None if found is None else Receipt(*found)

    async def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return await self._ask_once(method, *args, **kwargs)
        except ConnectionError:
            # The process died over it, or before: asked twice, a question changes nothing, and an erasure nothing more.
            pass
        try:
            return await self._ask_once(method, *args, **kwargs)
        except ConnectionError as error:
            message = "The reader is not available."
            raise StoreUnavailable(message) from error

    async def _ask_once(self, method: str, *args: Any, **kwargs: Any) -> Any:
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._ready.wait()
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._exchange(method, list(args), kwargs)
        except TimeoutError:
            message = "The reader did not answer in time."
            raise StoreUnavailable(message) from None

    async def _exchange(self, method: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if self._writer is None:
            raise ConnectionResetError
        self._number += 1
        number = self._number
        told = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(pack(Question(number, method, args, kwargs)))
            return await told
        finally:
            del self._waiting[number]

    # Keeping the process.

    async def _keep(self) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._run()
            except OSError as error:
                log.error("reader_not_started", reason=str(error))
            self.restarts += 1
            lasted = asyncio.get_running_loop().time() - began
            failures = 0 if lasted > START_SECONDS else failures + 1
            log.error("reader_died", restarts=self.restarts)
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    async def _run(self) -> None:
        """Start the process and hand out its answers until it dies."""
        process, ours = await self._spawn()
        stream, self._writer = await asyncio.open_connection(sock=ours)
        self.process_id = process.pid
        try:
            await self._listen(stream)
        finally:
            self._ready.clear()
            self._writer.close()
            self._writer = None
            self._fail_waiting()
            await _end(process)

    async def _spawn(self) -> tuple[asyncio.subprocess.Process, socket.socket]:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # In a session of its own Ctrl-C does not reach it: it ends when its channel closes.
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "homing.server.reader.process", str(theirs.fileno()), *self._arguments),
                    pass_fds=[theirs.fileno()],
                    env=child_environment(),
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            raise
        return process, ours

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                head = await stream.readexactly(LENGTH.size)
                number, error, value = unpack(await stream.readexactly(LENGTH.unpack(head)[0]))
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if number == READY.number:
                self._ready.set()
            told = self._waiting.get(number)
            if told is None or told.done():
                continue
            if error is None:
                told.set_result(value)
            else:
                told.set_exception(_error(error, value))

    def _fail_waiting(self) -> None:
        for told in self._waiting.values():
            if not told.done():
                told.set_exception(ConnectionResetError())


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for the process to notice that its channel is closed; end it when it does not."""
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _error(name: str, text: str) -> HomingError:
    made: HomingError = getattr(errors, name)(text)
    return made
