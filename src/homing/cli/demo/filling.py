"""Fills a fresh store with the history of a fleet, through the very lane that requests from outside take.

The history grows in a file of its own and is moved to the store's place once it is whole. Whatever ends the filling,
there is then a whole history or none, and the next start begins anew.
"""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from homing.cli.demo.fleet import APP, Fleet, Sent
from homing.clock import DAY_MS, SystemClock
from homing.errors import StartError
from homing.outcomes import ACCEPTED
from homing.server.accounts.accounts import FirstOwner
from homing.server.accounts.apps import add_app
from homing.server.accounts.keys import make_key
from homing.server.app import Receiver
from homing.server.dialects.base import Answer
from homing.server.dialects.native import Native
from homing.server.ingest.exchange import Exchange, Text
from homing.server.ingest.lane import POST
from homing.server.ingest.routes import Route
from homing.server.stores.registry import SQLITE, Opened, open_store, options_of
from homing.server.writer.thread import WriterThread
from homing.settings import Resolved, Value

SLICE_MS: Final = 1_200_000
"""What is sent within so much time goes in one request."""

RECENT_MS: Final = 2 * 3_600_000
MINUTE_MS: Final = 60_000
"""What is so recent that pages tell the minutes since goes in a request for each minute."""

EASED: Final = {"rate_address": 0, "rate_app": 0, "queue_pings": 1_000_000}
"""Settings that hold for the filling only: two months come at once, and from one address."""

PARTS: Final = ("", "-wal", "-shm")
"""What the names of a database's files end with."""


class SetClock(SystemClock):
    """A clock whose time of day is set; durations and ids are the machine's."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        """Return the time that was set last."""
        return self._now

    def set(self, now: int) -> None:
        """Set the time."""
        self._now = now


# wide: a store to fill, what with and until when, and what to do meanwhile
def fill(
    settings: Resolved, fleet: Fleet, *, now: int, advance: Callable[[], None], is_stopped: Callable[[], bool]
) -> FirstOwner | None:
    """Make the store that settings name, filled up to `now`; return its owner with the one-time password.

    Calls `advance` after each day. Returns None, and leaves no store, when `is_stopped` says so between two days.
    """
    path = store_path(settings)
    draft = path.with_name("filling.db")
    remove(draft)
    try:
        first = asyncio.run(_fill(_eased(settings, draft), fleet, now, advance, is_stopped))
        if first is not None:
            _move(draft, path)
    finally:
        remove(draft)
    return first


def store_path(settings: Resolved) -> Path:
    """Return the file of the store that settings name."""
    return Path(settings["store"].removeprefix(SQLITE))


def remove(path: Path) -> None:
    """Remove a database, or what is left of one."""
    for part in PARTS:
        path.with_name(path.name + part).unlink(missing_ok=True)


def _move(draft: Path, path: Path) -> None:
    # Closed by its last user, a database is one file. Otherwise what it lacks would stay behind.
    if draft.with_name(draft.name + PARTS[1]).exists():
        message = f"The history in {draft} is in use by another program; stop that and start again."
        raise StartError(message)
    # A log whose database somebody removed would be taken for a part of this one.
    remove(path)
    draft.replace(path)


def _eased(settings: Resolved, draft: Path) -> Resolved:
    changed = {**EASED, "store": f"{SQLITE}{draft}"}
    return Resolved({**settings.values, **{name: Value(value, "code") for name, value in changed.items()}}, ())


async def _fill(
    settings: Resolved, fleet: Fleet, now: int, advance: Callable[[], None], is_stopped: Callable[[], bool]
) -> FirstOwner | None:
    clock = SetClock(fleet.first * DAY_MS)
    opened = open_store(settings["store"], clock, options=options_of(settings))
    # The time is this process's alone, so the writing is done in it.
    receiver = Receiver(opened, settings, clock, WriterThread(opened.store, clock))
    receiver.desk.start()
    try:
        first, key = _set_up(receiver, opened, clock, settings["owner"])
        past = _Past(receiver, clock, key, now)
        for day in fleet.days:
            if is_stopped():
                return None
            await past.send([sent for sent in fleet.pings(day) if sent.at <= now])
            advance()
    finally:
        await receiver.stop()
    return first


def _set_up(receiver: Receiver, opened: Opened, clock: SetClock, owner: str) -> tuple[FirstOwner, str]:
    """Add the owner, the app and its key."""
    first = receiver.accounts.first_owner(owner)
    app = add_app(opened.control, clock, owner=first.owner, name=APP)
    _row, key = make_key(opened.control, clock, app=app, scope="send")
    receiver.directory.refresh()
    return first, key


class _Past:
    """Sends what a receiver should have got earlier, each request at its own time."""

    def __init__(self, receiver: Receiver, clock: SetClock, key: str, now: int) -> None:
        self._lane = receiver.lane
        self._route = Route(Native(), key, None)
        self._clock = clock
        self._recent = now - RECENT_MS

    async def send(self, pings: list[Sent]) -> None:
        """Send the pings of one day, in the order of their times: the receiver would store small requests first."""
        for _slice, group in itertools.groupby(pings, key=self._slice):
            await self._post(list(group))

    def _slice(self, sent: Sent) -> tuple[int, int]:
        length = MINUTE_MS if sent.at >= self._recent else SLICE_MS
        return length, sent.at // length

    async def _post(self, group: list[Sent]) -> None:
        self._clock.set(group[-1].at)
        told = msgspec.json.decode((await self._answer(msgspec.json.encode([sent.body for sent in group]))).body)
        for each in told.get("results", [told]):
            if each["outcome"] != ACCEPTED.name:
                raise StartError(f"The history of the demo cannot be stored. {each['error']}")

    async def _answer(self, body: bytes) -> Answer:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        exchange = Exchange(self._route, POST, peer="", query="", headers=Text({}), send=answered.set_result)
        self._lane.begin(exchange)
        exchange.feed(body)
        self._lane.finish(exchange)
        return await answered
