"""Erases one instance: everything stored under its id goes, and the id is refused from then on."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from pyroaring import BitMap
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select

from homing.server.counting.segment import Segment, anyone_in, gone_in
from homing.server.counting.sets import EVERY_DAY
from homing.server.stores.base import Receipt
from homing.server.stores.sql import history
from homing.server.stores.sql.compaction import compact_until
from homing.server.stores.sql.database import Database, among, bulk_insert
from homing.server.stores.sql.heads import VOID
from homing.server.stores.sql.schema import app, client, head, instance, last_seen, ping_id, segment, tombstone
from homing.server.stores.sql.schema import history as blocks
from homing.server.stores.sql.segments import Place, row_of
from homing.server.stores.sql.text import json_list
from homing.server.stores.written import digest


class _Asked(NamedTuple):
    """Who is to be erased, and when."""

    owner: int
    instance_id: str
    now: int
    bucket_bits: int


class _Found(NamedTuple):
    """The instance to erase."""

    owner: int
    ordinal: int
    bucket: int
    apps: tuple[int, ...]


class _Look(NamedTuple):
    """The places that hold the instance, and the owner's commit and erasures as of which they do."""

    places: set[Place]
    seq: int
    erasures: int


class _Done(NamedTuple):
    """An erasure's receipt, and what is to be merged before it is given: places, with all up to a commit."""

    receipt: Receipt
    places: Iterable[Place]
    seq: int


def erase(database: Database, owner: int, *, instance_id: str, now: int, bucket_bits: int) -> Receipt | None:
    """Remove all data of an instance in all apps of the owner; None when the id was never known.

    The receipt is given once the touched pages are merged and the write-ahead log is emptied: nothing of the instance
    is left on the disk then. Where one of these failed, asking again does it and gives a receipt of nothing more.
    """
    asked = _Asked(owner, instance_id, now, bucket_bits)
    done = _erased_now(database, asked) or _erased_before(database, asked)
    if done is None:
        return None
    for place in done.places:
        compact_until(database, place, seq=done.seq)
    database.truncate_log()
    return done.receipt


def _erased_now(database: Database, asked: _Asked) -> _Done | None:
    with database.read() as connection:
        found = _find(connection, asked)
        if found is None:
            return None
        # All pages are looked through before the lock is taken: nobody can write as long as that is held.
        look = _Look(_holding(connection, found, after=-1), *connection.execute(_HEAD, {"of": asked.owner}).one())
    with database.write() as connection:
        found = _find(connection, asked)
        return None if found is None else _remove(connection, asked, found, look)


def _find(connection: Connection, asked: _Asked) -> _Found | None:
    known = select(client.c.ordinal).where(client.c.owner == asked.owner, client.c.instance_id == asked.instance_id)
    ordinal = connection.execute(known).scalar()
    if ordinal is None:
        return None
    apps = connection.execute(select(app.c.id).where(app.c.owner == asked.owner)).scalars()
    return _Found(asked.owner, int(ordinal), int(ordinal) >> asked.bucket_bits, tuple(apps))


def _holding(connection: Connection, found: _Found, *, after: int) -> set[Place]:
    """Return the places that hold the instance in what the owner committed after a commit."""
    rows = connection.execute(_SINCE, {"of": found.owner, "at": found.bucket, "mark": after})
    return {Place(row.app, row.day, found.bucket) for row in rows if found.ordinal in anyone_in(row.blob)}


def _remove(connection: Connection, asked: _Asked, found: _Found, look: _Look) -> _Done:
    _seq, erasures = connection.execute(_HEAD, {"of": asked.owner}).one()
    seq = connection.execute(VOID, {"of": asked.owner}).scalar_one()
    if erasures == look.erasures:
        places = look.places | _holding(connection, found, after=look.seq)
    else:
        # Somebody erased or pruned meanwhile: days may be gone, and the id may have come again as another client.
        places = _holding(connection, found, after=-1)
    if places:
        gone = Segment(gone=BitMap([found.ordinal]))
        connection.execute(insert(segment), [row_of(place, gone, owner=asked.owner, seq=seq) for place in places])
    reported = _remove_rows(connection, found)
    entries = _remove_history(connection, found)
    bury = bulk_insert(tombstone, "owner", "digest", "at", changing=("at",))
    bury(connection, [(asked.owner, digest(asked.instance_id), asked.now)])
    days = sum(place.day != EVERY_DAY for place in places)
    return _Done(Receipt(asked.instance_id, asked.now, reported, days, entries), sorted(places), seq)


def _erased_before(database: Database, asked: _Asked) -> _Done | None:
    """Return what is left to do of earlier erasures; None when this id was never erased."""
    with database.read() as connection:
        wanted = {"of": asked.owner, "wanted": digest(asked.instance_id)}
        at = connection.execute(_ERASED, wanted).scalar()
        if at is None:
            return None
        # Which places held it nobody knows any more.
        places = {Place(*row[:3]) for row in connection.execute(_UNMERGED, {"of": asked.owner}) if gone_in(row.blob)}
        seq, _erasures = connection.execute(_HEAD, {"of": asked.owner}).one()
        return _Done(Receipt(asked.instance_id, at, 0, 0, 0), sorted(places), seq)


def _remove_rows(connection: Connection, found: _Found) -> int:
    """Remove the registry's rows and the ping ids; return in how many apps the instance was known."""
    reported = 0
    for table in (last_seen, ping_id, instance):
        where = (table.c.app.in_(found.apps), table.c.ordinal == found.ordinal)
        reported = connection.execute(delete(table).where(*where)).rowcount
    connection.execute(delete(client).where(client.c.owner == found.owner, client.c.ordinal == found.ordinal))
    return reported


def _remove_history(connection: Connection, found: _Found) -> int:
    """Rewrite the blocks that hold the instance; return how many entries went."""
    asked = select(blocks.c.id, blocks.c.app, blocks.c.level, blocks.c.ordinals).where(
        blocks.c.app.in_(found.apps), blocks.c.low <= found.ordinal, blocks.c.high >= found.ordinal
    )
    removed = 0
    for row in connection.execute(asked).all():
        if found.ordinal not in BitMap.deserialize(row.ordinals):
            continue
        rows = history.unpack(history.blob(connection, row.id))
        kept = [each for each in rows if each.ordinal != found.ordinal]
        removed += len(rows) - len(kept)
        connection.execute(_REMOVE_BLOCK, {"wanted": json_list([row.id])})
        if kept:
            history.add(connection, row.app, rows=kept, level=row.level)
    return removed


_HEAD: Final = select(head.c.seq, head.c.erasures).where(head.c.owner == bindparam("of"))
_SINCE: Final = select(segment.c.app, segment.c.day, segment.c.blob).where(
    segment.c.owner == bindparam("of"), segment.c.last > bindparam("mark"), segment.c.bucket == bindparam("at")
)
_SEVERAL: Final = (
    select(segment.c.app, segment.c.day, segment.c.bucket)
    .where(segment.c.owner == bindparam("of"))
    .group_by(segment.c.app, segment.c.day, segment.c.bucket)
    .having(func.count() > 1)
    .subquery()
)
_UNMERGED: Final = select(*_SEVERAL.c, segment.c.blob).join(
    segment, and_(*(segment.c[name] == _SEVERAL.c[name] for name in Place._fields))
)
_REMOVE_BLOCK: Final = delete(blocks).where(among(blocks.c.id, "wanted"))
_ERASED: Final = select(tombstone.c.at).where(
    tombstone.c.owner == bindparam("of"), tombstone.c.digest == bindparam("wanted")
)
