"""Removes what is past its keep: days, history, ping ids, instances that no kept day and no kept entry knows."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pyroaring import BitMap
from sqlalchemy import Connection, Delete, Select, bindparam, delete, func, insert, select

from homing.clock import DAY_MS
from homing.server.counting.segment import Segment, anyone_in
from homing.server.counting.sets import EVERY_DAY
from homing.server.stores.base import Pruned
from homing.server.stores.sql.database import Database, among, put_off
from homing.server.stores.sql.heads import VOID
from homing.server.stores.sql.history import blob, block, replace, unpack
from homing.server.stores.sql.record import PING_ID_MS
from homing.server.stores.sql.schema import (
    app,
    batch,
    client,
    day_value,
    head,
    history,
    instance,
    last_seen,
    ping_id,
    segment,
    session,
)
from homing.server.stores.sql.segments import Place, row_of
from homing.server.stores.sql.text import json_list

BATCH_MS: Final = 3_600_000
"""How long a batch is remembered: a retry after a lost connection comes within seconds."""


class Keep(NamedTuple):
    """How many days are kept where an app says nothing of its own."""

    retention_days: int
    history_days: int


class _App(NamedTuple):
    """An app, the first day it keeps, and the first moment of history it keeps, in milliseconds."""

    id: int
    owner: int
    first_day: int
    history_from: int


def prune(database: Database, keep: Keep, *, now: int, dry_run: bool) -> Pruned:
    """Remove what is past its keep, app by app; with `dry_run` only count it.

    An app that cannot be read holds up no other: its fault is raised when the others are done.
    """
    with database.read() as connection:
        apps = [_kept(row, keep, now // DAY_MS) for row in connection.execute(select(app))]
    totals = Pruned(0, 0, 0, 0, 0)
    faults: list[Exception] = []
    for one in apps:
        with put_off(faults):
            found = _prune_app(database, one, dry_run=dry_run)
            totals = Pruned(*(a + b for a, b in zip(totals, found, strict=True)))
    ping_ids, batches = _prune_shared(database, now, dry_run=dry_run)
    if faults:
        raise faults[0]
    return totals._replace(ping_ids=ping_ids, batches=batches)


def _kept(row: Any, keep: Keep, today: int) -> _App:
    first_day = today + 1 - (row.retention_days or keep.retention_days)
    history_from = (today + 1 - (row.history_days or keep.history_days)) * DAY_MS
    return _App(row.id, row.owner, first_day, history_from)


def _prune_app(database: Database, one: _App, *, dry_run: bool) -> Pruned:
    with database.read() as connection:
        found, mark, lost = _look(connection, one)
    if dry_run:
        return found
    if not any(found):
        _trim_history(database, one)
        return found
    with database.write() as connection:
        back = _heard(connection.execute(_SINCE, {"of": one.id, "mark": mark}).scalars())
        _remove(connection, one, lost - back)
    _trim_history(database, one)
    return found._replace(instances=len(lost - back))


def _trim_history(database: Database, one: _App) -> None:
    """Rewrite blocks that hold entries of both before and after the first moment that is kept."""
    straddling = select(history.c.id).where(
        history.c.app == one.id, history.c.oldest < one.history_from, history.c.newest >= one.history_from
    )
    with database.read() as connection:
        numbers = list(connection.execute(straddling).scalars())
    for number in numbers:
        with database.read() as connection:
            row = connection.execute(select(history).where(history.c.id == number)).first()
        if row is not None:
            kept = [entry for entry in unpack(row.blob) if entry.received >= one.history_from]
            replace(database, [number], merged=[block(one.id, kept, level=row.level)])


def _look(connection: Connection, one: _App) -> tuple[Pruned, int, BitMap]:
    """Return what would go, the owner's commit as of which this holds, and the ordinals that nothing kept knows."""
    days = connection.execute(_count(_old_days(one), func.distinct(segment.c.day))).scalar_one()
    entries = connection.execute(_count(_old_history(one), history.c.id)).scalar_one()
    mark = connection.execute(select(head.c.seq).where(head.c.owner == one.owner)).scalar() or 0
    lost = BitMap()
    if days or connection.execute(_OLDER, {"of": one.id, "from": one.history_from}).first():
        known = BitMap(connection.execute(select(instance.c.ordinal).where(instance.c.app == one.id)).scalars().all())
        kept = select(segment.c.blob).where(segment.c.app == one.id, segment.c.day >= one.first_day)
        lost = known - _heard(connection.execute(kept).scalars()) - _remembered(connection, one)
    return Pruned(days, entries, len(lost), 0, 0), mark, lost


def _remembered(connection: Connection, one: _App) -> BitMap:
    """Return who has entries that are kept: whom nobody knew any more could not have them erased."""
    found = BitMap()
    for row in connection.execute(_KEPT, {"of": one.id, "from": one.history_from}):
        if row.oldest >= one.history_from:
            found |= BitMap.deserialize(row.ordinals)
        else:
            entries = unpack(blob(connection, row.id))
            found |= BitMap([entry.ordinal for entry in entries if entry.received >= one.history_from])
    return found


def _heard(blobs: Iterable[bytes]) -> BitMap:
    found = BitMap()
    for each in blobs:
        found |= anyone_in(each)
    return found


def _remove(connection: Connection, one: _App, lost: BitMap) -> None:
    connection.execute(_old_days(one))
    connection.execute(_old_history(one))
    connection.execute(delete(day_value).where(day_value.c.app == one.id, day_value.c.day < one.first_day))
    for table in (instance, last_seen):
        gone = delete(table).where(table.c.app == one.id, among(table.c.ordinal, "lost"))
        connection.execute(gone, {"lost": json_list(lost)})
    connection.execute(_FORGOTTEN, {"of": one.owner, "lost": json_list(lost)})
    seq = connection.execute(VOID, {"of": one.owner}).scalar_one()
    for bucket in connection.execute(_LABELLED, {"of": one.id}).scalars().all() if lost else ():
        place = Place(one.id, EVERY_DAY, bucket)
        connection.execute(insert(segment), row_of(place, Segment(gone=lost), owner=one.owner, seq=seq))


def _prune_shared(database: Database, now: int, *, dry_run: bool) -> tuple[int, int]:
    """Remove ping ids, batches and sessions past their keep; return how many of the first two."""
    ids = delete(ping_id).where(ping_id.c.received < now - PING_ID_MS)
    batches = delete(batch).where(batch.c.at < now - BATCH_MS)
    if dry_run:
        with database.read() as connection:
            counts = [_count(ids, ping_id.c.digest), _count(batches, batch.c.id)]
            found = [connection.execute(each).scalar_one() for each in counts]
            return found[0], found[1]
    with database.write() as connection:
        connection.execute(delete(session).where(session.c.expires < now))
        return connection.execute(ids).rowcount, connection.execute(batches).rowcount


def _old_days(one: _App) -> Delete:
    return delete(segment).where(segment.c.app == one.id, segment.c.day.between(EVERY_DAY + 1, one.first_day - 1))


def _old_history(one: _App) -> Delete:
    return delete(history).where(history.c.app == one.id, history.c.newest < one.history_from)


def _count(removal: Delete, column: Any) -> Select[int]:
    """Return the query for how much a removal would remove."""
    return select(func.count(column)).select_from(removal.table).where(*removal._where_criteria)  # noqa: SLF001 - a removal tells its conditions in no other way


_SINCE: Final = select(segment.c.blob).where(segment.c.app == bindparam("of"), segment.c.last > bindparam("mark"))
_OLDER: Final = (
    select(history.c.id).where(history.c.app == bindparam("of"), history.c.oldest < bindparam("from")).limit(1)
)
_KEPT: Final = select(history.c.id, history.c.oldest, history.c.ordinals).where(
    history.c.app == bindparam("of"), history.c.newest >= bindparam("from")
)
_LABELLED: Final = (
    select(segment.c.bucket).where(segment.c.app == bindparam("of"), segment.c.day == EVERY_DAY).distinct()
)
_FORGOTTEN: Final = delete(client).where(
    client.c.owner == bindparam("of"),
    among(client.c.ordinal, "lost"),
    client.c.ordinal.not_in(
        select(instance.c.ordinal).where(instance.c.app.in_(select(app.c.id).where(app.c.owner == bindparam("of"))))
    ),
)
