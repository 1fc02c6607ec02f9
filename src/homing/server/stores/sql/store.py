"""The relational store: every part of the protocol, each in a module of its own."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any, Final

from pyroaring import BitMap
from sqlalchemy import Connection, and_, bindparam, func, select, update

from homing.clock import Clock, day_of
from homing.errors import NotFound, QueryError, StoreUnsupported
from homing.outcomes import Verdict
from homing.ping import CORE_DIMENSIONS, KIND
from homing.server.counting.evaluate import days_asked, evaluate, requests_by
from homing.server.counting.labels import LABELS
from homing.server.counting.memo import Memo
from homing.server.counting.numbers import summary
from homing.server.counting.page import Page
from homing.server.counting.sets import Plan
from homing.server.stores.base import (
    Aside,
    Batch,
    Counts,
    Entry,
    Features,
    Instance,
    Listing,
    Measured,
    Options,
    Pruned,
    Receipt,
    Sort,
    State,
    at_once,
)
from homing.server.stores.sql import compaction, history, instances, marks, measures
from homing.server.stores.sql.database import Database, among
from homing.server.stores.sql.erase import erase
from homing.server.stores.sql.heads import VOID
from homing.server.stores.sql.pages import Pages
from homing.server.stores.sql.prune import Keep, prune
from homing.server.stores.sql.record import Recorder
from homing.server.stores.sql.schema import app, client, day_value, instance
from homing.server.stores.sql.text import cursor_number, json_list
from homing.server.stores.sql.values import ValueLimits
from homing.server.stores.written import read_state

DAY: Final = "day"
COUNTED_BY: Final = (KIND, *CORE_DIMENSIONS)
"""What requests can be counted by, in the order of a combination."""

WARM_DAYS: Final = 31
"""The days of the longest named range."""

MEMO_SHARE: Final = 6
"""This part of the cache holds unions of pages, the rest pages."""


class SqlStore:
    """A relational database as a store. `record` and `settle` belong to one thread, the rest to another."""

    features = Features(history=True)

    def __init__(
        self, database: Database, clock: Clock, options: Options | None = None, limits: ValueLimits | None = None
    ) -> None:
        self._options = options or Options()
        self._database = database
        self._clock = clock
        self._recorder = Recorder(
            database,
            clock,
            bucket_bits=self._options.bucket_bits,
            cached=self._options.cached_instances,
            limits=limits or ValueLimits(),
        )
        self._snapshot: Connection | None = None
        cache = self._options.cache_mb * 1024 * 1024
        self._memo = Memo(cache // MEMO_SHARE)
        self._pages = Pages(cache - cache // MEMO_SHARE)

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch in one transaction, durable on return, and say what became of each ping in order."""
        return self._recorder.record(batch)

    def record_together(self, batches: Sequence[Batch]) -> list[list[Verdict]]:
        """Store batches in one transaction, durable on return, and say what became of each ping of each.

        Raises `StoreRejected` when one of them was recorded before, or holds what cannot be stored: nothing is stored.
        """
        return self._recorder.record_together(batches)

    def settle(self) -> None:
        """Write what `record` put off: when each instance was last heard from."""
        self._recorder.settle()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let every question inside the block see the same state of the store; a block within is part of it."""
        outer = self._snapshot
        with self._reading() as connection:
            self._snapshot = connection
            try:
                yield
            finally:
                self._snapshot = outer

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._snapshot is not None:
            yield self._snapshot
            return
        with self._database.read() as connection:
            yield connection

    def count(self, owner: int, asked: Plan) -> Counts:
        """Count the clients of each planned set in one snapshot."""
        totals = [0] * len(asked.roots)
        with self._reading() as connection:
            as_of, ordinals = self._pages.refresh(connection, owner)
            for bucket in self._buckets(ordinals):
                for place, found in enumerate(self._evaluate(connection, owner, asked, bucket)):
                    totals[place] += len(found)
        return Counts(as_of, totals)

    def _buckets(self, ordinals: int) -> range:
        return range((ordinals >> self._options.bucket_bits) + 1)

    def _evaluate(self, connection: Connection, owner: int, asked: Plan, bucket: int) -> list[BitMap]:
        self._pages.prepare(connection, owner, days=days_asked(asked), bucket=bucket)
        return evaluate(asked, self._finder(connection, bucket), memo=self._memo)

    def _finder(self, connection: Connection, bucket: int) -> Callable[[int, int], Page]:
        return lambda number, day: self._pages.page(connection, number, day=day, bucket=bucket)

    def requests(
        self,
        owner: int,
        apps: Sequence[int],
        *,
        days: Sequence[int],
        filters: Mapping[str, Sequence[str | None]],
        by: str,
    ) -> dict[Any, int]:
        """Count requests by day, kind or a core dimension; raise `StoreUnsupported` for any other."""
        for name in (*filters, *(() if by == DAY else (by,))):
            if name not in COUNTED_BY:
                message = f"Requests are not counted by {name!r}; they are by {', '.join((DAY, *COUNTED_BY))}."
                raise StoreUnsupported(message)
        places = {COUNTED_BY.index(name): frozenset(wanted) for name, wanted in filters.items()}
        with self._reading() as connection:
            _as_of, ordinals = self._pages.refresh(connection, owner)
            pages = self._pages_of(connection, owner, apps, days, self._buckets(ordinals))
            return requests_by(pages, places, by=None if by == DAY else COUNTED_BY.index(by))

    def _pages_of(
        self, connection: Connection, owner: int, apps: Sequence[int], days: Sequence[int], buckets: range
    ) -> Iterator[tuple[int, Page]]:
        places = [(number, day) for number in apps for day in days]
        for bucket in buckets:
            self._pages.prepare(connection, owner, days=places, bucket=bucket)
            for number, day in places:
                yield day, self._pages.page(connection, number, day=day, bucket=bucket)

    def values(self, apps: Sequence[int], days: Sequence[int], *, dimension: str) -> dict[str, tuple[int, int]]:
        """Return the values of a dimension with the first and last day each was seen."""
        asked = {"apps": json_list(apps), "days": json_list(days), "named": dimension}
        with self._reading() as connection:
            return {row.value: (row.first, row.last) for row in connection.execute(_VALUES, asked)}

    def members(self, owner: int, asked: Plan, *, after: str | None, limit: int) -> Listing:
        """List the instance ids of one planned set, in the order in which the owner first heard from them."""
        last = cursor_number(after) if after else 0
        with self._reading() as connection:
            _as_of, ordinals = self._pages.refresh(connection, owner)
            found: list[int] = []
            for bucket in self._buckets(ordinals):
                [members] = self._evaluate(connection, owner, asked, bucket)
                found += _some(members, last, limit + 1 - len(found))
            names = instances.names(connection, owner, ordinals=found[:limit])
        items = [names[ordinal] for ordinal in found[:limit] if ordinal in names]
        return Listing(items, str(found[limit - 1]) if len(found) > limit else None)

    # wide: a list is narrowed, sorted and paged, each independently
    def instances(
        self,
        owner: int,
        app: int,
        *,
        asked: Plan | None = None,
        search: str = "",
        state: State | None = None,
        sort: Sort = "last_seen",
        after: str | None = None,
        limit: int = 50,
    ) -> Listing:
        """List instances of an app, of one planned set where it is given, in a state, whose id contains `search`."""
        with self._reading() as connection:
            chosen = None if asked is None else self._chosen(connection, owner, asked)
            wanted = instances.Wanted(owner, app, chosen, search, state, self._clock.now())
            return instances.listed(connection, wanted, sort=sort, after=after, limit=limit)

    def _chosen(self, connection: Connection, owner: int, asked: Plan) -> BitMap:
        _as_of, ordinals = self._pages.refresh(connection, owner)
        found = BitMap()
        for bucket in self._buckets(ordinals):
            found |= self._evaluate(connection, owner, asked, bucket)[0]
        return found

    def measure(self, owner: int, app: int, *, asked: Plan, name: str) -> Measured:
        """Summarise the number under a name in the last state of an app's instances of one planned set."""
        with self._reading() as connection:
            as_of, _ordinals = self._pages.refresh(connection, owner)
            chosen = self._chosen(connection, owner, asked)
            return Measured(as_of, *summary(measures.numbers_of(connection, app, chosen=chosen, name=name)))

    def numbers(self, owner: int, app: int) -> list[str]:
        """Return the names of numbers in the states of the instances heard from last, at most 200."""
        with self._reading() as connection:
            return measures.names_of(connection, app) if _owner_of(connection, app) == owner else []

    def instance(self, app: int, instance_id: str) -> Instance | None:
        """Return one instance."""
        with self._reading() as connection:
            owner = _owner_of(connection, app)
            return instances.one(connection, owner, app=app, instance_id=instance_id, now=self._clock.now())

    def history(
        self,
        app: int,
        *,
        instance_id: str | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Listing:
        """List entries, newest first, of an instance or of a kind."""
        cursor = history.cursor_from(after) if after else None
        with self._reading() as connection:
            owner = _owner_of(connection, app)
            ordinal = None if instance_id is None else instances.ordinal_of(connection, owner, instance_id=instance_id)
            if instance_id is not None and ordinal is None:
                return Listing([], None)
            rows = history.read(connection, history.Wanted(app, ordinal, kind), after=cursor, limit=limit + 1)
            names = instances.names(connection, owner, ordinals=sorted({row.ordinal for row in rows}))
        kept = rows[:limit]
        more = history.next_cursor(kept, cursor) if len(rows) > limit else None
        return Listing([_entry(row, names) for row in kept], more and str(more))

    def mark(self, app: int, label: str, *, ids: Collection[str], on: bool) -> int:
        """Give instances a label, or take it from them, whatever they send; return how many of them are known."""
        if label not in LABELS:
            message = f"There is no label {label!r}; there are {', '.join(LABELS)}."
            raise QueryError(message)
        with self._database.write() as connection:
            owner = _owner_of(connection, app)
            said = marks.Mark(owner, app, label, on)
            return marks.write(connection, said, ids=ids, bucket_bits=self._options.bucket_bits)

    def release(self, app: int, instance_id: str) -> bool:
        """Forget the token an instance is bound to; False when there is no such binding."""
        with self._database.write() as connection:
            owner = _owner_of(connection, app)
            ordinal = instances.ordinal_of(connection, owner, instance_id=instance_id)
            found = connection.execute(_RELEASE, {"of": app, "which": ordinal}).rowcount
            if found:
                connection.execute(VOID, {"of": owner})
        return bool(found)

    def erase(self, owner: int, instance_id: str) -> Receipt | None:
        """Remove all data of an instance in all apps of the owner; None when the id was never known."""
        return erase(
            self._database, owner, instance_id=instance_id, now=self._clock.now(), bucket_bits=self._options.bucket_bits
        )

    def prune(self, *, dry_run: bool = False) -> Pruned:
        """Remove what is past its keep; with `dry_run` only count it."""
        keep = Keep(self._options.retention_days, self._options.history_days)
        return prune(self._database, keep, now=self._clock.now(), dry_run=dry_run)

    def compact(self, aside: Aside = at_once) -> bool:
        """Merge what is most fragmented, all but the writing of it `aside`; False when there is nothing worth it."""
        try:
            merged = compaction.compact(self._database, day_of(self._clock.now()), aside=aside)
        finally:
            # Also where a page cannot be read.
            packed = history.compact(self._database, aside)
        return merged or packed

    def warm(self, seconds: float) -> None:
        """Read into memory what is asked for most, the last days of every app, for at most so many seconds."""
        deadline = self._clock.monotonic() + seconds
        today = day_of(self._clock.now())
        with self._reading() as connection:
            apps = connection.execute(select(app.c.id, app.c.owner)).all()
            ordinals = {owner: self._pages.refresh(connection, owner)[1] for owner in {row.owner for row in apps}}
            for day, row in product(range(today, today - WARM_DAYS, -1), apps):
                for bucket in self._buckets(ordinals[row.owner]):
                    if self._pages.is_full or self._clock.monotonic() > deadline:
                        return
                    self._pages.prepare(connection, row.owner, days=[(row.id, day)], bucket=bucket)

    def checkpoint(self) -> None:
        """Move committed data to where it is read fastest; whoever writes waits some milliseconds at most."""
        self._database.checkpoint()

    def bindings(self, owner: int, instance_id: str) -> dict[int, str | None]:
        """Return the apps of an owner that know an instance, each with the hash of the token it is bound to there."""
        with self._reading() as connection:
            found = connection.execute(_BINDINGS, {"of": owner, "named": instance_id})
            return {row.app: row.credential for row in found}

    def close(self) -> None:
        """Let go of every connection."""
        self._database.close()


def _some(members: BitMap, after: int, most: int) -> list[int]:
    found: list[int] = []
    for ordinal in members.iter_equal_or_larger(after + 1):
        if len(found) >= most:
            break
        found.append(ordinal)
    return found


def _entry(row: Any, names: Mapping[int, str]) -> Entry:
    dimensions, properties = read_state(row.state)
    return Entry(names.get(row.ordinal), row.kind, row.at, row.received, dimensions, properties)


def _owner_of(connection: Connection, number: int) -> int:
    found = connection.execute(select(app.c.owner).where(app.c.id == number)).scalar()
    if found is None:
        message = f"There is no app numbered {number}."
        raise NotFound(message)
    return int(found)


_VALUES: Final = (
    select(day_value.c.value, func.min(day_value.c.day).label("first"), func.max(day_value.c.day).label("last"))
    .where(among(day_value.c.app, "apps"), among(day_value.c.day, "days"), day_value.c.dimension == bindparam("named"))
    .group_by(day_value.c.value)
)
_RELEASE: Final = (
    update(instance)
    .where(
        instance.c.app == bindparam("of"), instance.c.ordinal == bindparam("which"), instance.c.credential.is_not(None)
    )
    .values(credential=None)
)
_BINDINGS: Final = (
    select(instance.c.app, instance.c.credential)
    .join(app, app.c.id == instance.c.app)
    .join(client, and_(client.c.owner == app.c.owner, client.c.ordinal == instance.c.ordinal))
    .where(client.c.owner == bindparam("of"), client.c.instance_id == bindparam("named"))
)
