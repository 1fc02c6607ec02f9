"""The receiver's side of the reader: starts it, asks it, and starts it again when it dies."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from homing import errors
from homing.errors import HomingError, StoreUnavailable
from homing.server.channel.child import Child
from homing.server.channel.frames import pack, unpack
from homing.server.counting.sets import Plan
from homing.server.query.overview import Kept
from homing.server.query.question import Query
from homing.server.reader.messages import Question, Reply
from homing.server.stores.base import Entry, Instance, Listing, Options, Receipt

ANSWER_SECONDS: Final = 30.0
START_SECONDS: Final = 10.0


class ReaderClient:
    """Asks the reader process. Every question is answered, or fails with `StoreUnavailable`."""

    def __init__(self, url: str, options: Options, logs: tuple[str, str] = ("info", "auto")) -> None:
        arguments = (url, msgspec.json.encode(options).decode(), *logs)
        self._child = Child("reader", "homing.server.reader.process", arguments, work=self)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0

    def start(self) -> None:
        """Start the process, and keep it started."""
        self._child.start()

    async def stop(self) -> None:
        """End the process."""
        await self._child.stop()

    @property
    def alive(self) -> bool:
        """Whether the process has opened the store and is there to answer."""
        return self._child.ready.is_set()

    @property
    def restarts(self) -> int:
        """How often the process died."""
        return self._child.restarts

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
                await self._child.ready.wait()
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._exchange(method, list(args), kwargs)
        except TimeoutError:
            message = "The reader did not answer in time."
            raise StoreUnavailable(message) from None

    async def _exchange(self, method: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        self._number += 1
        number = self._number
        told = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._child.send(pack(Question(number, method, args, kwargs)))
            return await told
        finally:
            del self._waiting[number]

    # What the process says.

    def began(self) -> None:
        """Go on: who waits for the process is woken by its being ready."""

    def answered(self, body: bytes) -> None:
        """Hand an answer to whoever asked, unless nobody waits for it any more."""
        reply = Reply(*unpack(body))
        told = self._waiting.get(reply.number)
        if told is None or told.done():
            return
        if reply.error is None:
            told.set_result(reply.value)
        else:
            told.set_exception(_error(reply.error, reply.value))

    def died(self) -> None:
        """Tell everyone who waits."""
        for told in self._waiting.values():
            if not told.done():
                told.set_exception(ConnectionResetError())


def _error(name: str, text: str) -> HomingError:
    made: HomingError = getattr(errors, name)(text)
    return made
