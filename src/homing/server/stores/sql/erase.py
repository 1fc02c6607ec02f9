"""Erases one instance: everything stored under its id goes, and the id is refused from then on."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from pyroaring import BitMap
from sqlalchemy import Connection, bindparam, delete, insert, select

from homing.server.counting.segment import Segment, anyone_in
from homing.server.counting.sets import EVERY_DAY
from homing.server.stores.base import Receipt
from homing.server.stores.sql import history
from homing.server.stores.sql.compaction import compact_place
from homing.server.stores.sql.database import Database, among, bulk_insert
from homing.server.stores.sql.heads import VOID
from homing.server.stores.sql.schema import app, client, instance, last_seen, ping_id, segment, tombstone
from homing.server.stores.sql.schema import history as blocks
from homing.server.stores.sql.segments import Place, row_of
from homing.server.stores.sql.text import digest, json_list


class _Found(NamedTuple):
    """The instance to erase."""

    owner: int
    ordinal: int
    apps: tuple[int, ...]


def erase(database: Database, owner: int, *, instance_id: str, now: int, bucket_bits: int) -> Receipt | None:
    """Remove all data of an instance in all apps of the owner; None when the id was never known.

    The receipt is given once the touched pages are merged and the write-ahead log is emptied: nothing of the instance
    is left on the disk then. Where that last part failed, asking again does it and gives a receipt of nothing more.
    """
    places: Sequence[Place] = ()
    with database.write() as connection:
        found = _find(connection, owner, instance_id)
        if found is None:
            at = connection.execute(_ERASED, {"of": owner, "wanted": digest(instance_id)}).scalar()
            receipt = None if at is None else Receipt(instance_id, at, 0, 0, 0)
        else:
            seq = connection.execute(VOID, {"of": owner}).scalar_one()
            places = _write_gone(connection, found, seq, found.ordinal >> bucket_bits)
            reported = _remove_rows(connection, found)
            entries = _remove_history(connection, found)
            bury = bulk_insert(tombstone, "owner", "digest", "at", changing=("at",))
            bury(connection, [(owner, digest(instance_id), now)])
            days = sum(place.day != EVERY_DAY for place in places)
            receipt = Receipt(instance_id, now, reported, days, entries)
    for place in places:
        compact_place(database, place, over=True)
    if receipt is not None:
        database.truncate_log()
    return receipt


def _find(connection: Connection, owner: int, instance_id: str) -> _Found | None:
    asked = select(client.c.ordinal).where(client.c.owner == owner, client.c.instance_id == instance_id)
    ordinal = connection.execute(asked).scalar()
    if ordinal is None:
        return None
    apps = connection.execute(select(app.c.id).where(app.c.owner == owner)).scalars()
    return _Found(owner, int(ordinal), tuple(apps))


def _write_gone(connection: Connection, found: _Found, seq: int, bucket: int) -> Sequence[Place]:
    asked = select(segment.c.app, segment.c.day, segment.c.blob).where(
        segment.c.owner == found.owner, segment.c.bucket == bucket
    )
    holding = {(row.app, row.day) for row in connection.execute(asked) if found.ordinal in anyone_in(row.blob)}
    places = [Place(*each, bucket) for each in sorted(holding)]
    gone = Segment(gone=BitMap([found.ordinal]))
    if places:
        connection.execute(insert(segment), [row_of(place, gone, owner=found.owner, seq=seq) for place in places])
    return places


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
    asked = select(blocks.c.id, blocks.c.app, blocks.c.level, blocks.c.ordinals, blocks.c.blob).where(
        blocks.c.app.in_(found.apps), blocks.c.low <= found.ordinal, blocks.c.high >= found.ordinal
    )
    removed = 0
    for row in connection.execute(asked).all():
        if found.ordinal not in BitMap.deserialize(row.ordinals):
            continue
        rows = history.unpack(row.blob)
        kept = [each for each in rows if each.ordinal != found.ordinal]
        removed += len(rows) - len(kept)
        connection.execute(_REMOVE_BLOCK, {"wanted": json_list([row.id])})
        if kept:
            history.add(connection, row.app, rows=kept, level=row.level)
    return removed


_REMOVE_BLOCK: Final = delete(blocks).where(among(blocks.c.id, "wanted"))
_ERASED: Final = select(tombstone.c.at).where(
    tombstone.c.owner == bindparam("of"), tombstone.c.digest == bindparam("wanted")
)
