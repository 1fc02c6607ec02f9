"""The history: what was received, in compressed blocks.

A commit adds one block per app. Merging regroups blocks by instance, so that one instance is found in few of them.
"""

import heapq
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
import zstandard
from pyroaring import BitMap
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from homing.errors import QueryError
from homing.server.stores.base import Aside, at_once
from homing.server.stores.sql.database import Database, among
from homing.server.stores.sql.draft import HistoryRow, Row
from homing.server.stores.sql.schema import history
from homing.server.stores.sql.text import cursor_number, json_list

LEVEL: Final = 1
"""Zstandard's usual levels make blocks no smaller, and a block is made on the way to an answer."""

BLOCK_ROWS: Final = 4096
FEWEST: Final = 32
TOP: Final = 2
MOST_SKIPPED: Final = 100_000
"""More rows of one time of receipt no listing goes through: they are all sorted for each page."""

MERGE_BYTES: Final = 32 * 1024 * 1024

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[HistoryRow])
_merger: Final = msgspec.msgpack.Decoder(list[tuple[int, int, int, str, str]])
"""Gives the values of a `HistoryRow` each; it takes three fifths of the time."""

_BY_INSTANCE: Final = itemgetter(HistoryRow._fields.index("ordinal"))
"""What rows are sorted by. Within an instance they stay as they were, nearly always in the order of receipt."""

COLUMNS: Final = (
    *("app", "level", "low", "high", "oldest", "newest"),
    *("entries", "size", "kinds", "ordinals", "blob"),
)
"""What `block` gives a value to."""


class Cursor(NamedTuple):
    """Where a listing goes on: at this time of receipt, after `skip` rows of that same time."""

    received: int
    skip: int

    def __str__(self) -> str:
        return f"{self.received}.{self.skip}"


def cursor_from(text: str) -> Cursor:
    """Return the cursor that was written as this text; raise `QueryError` when none was."""
    received, _, skip = text.partition(".")
    cursor = Cursor(cursor_number(received), cursor_number(skip))
    if not 0 <= cursor.skip <= MOST_SKIPPED:
        raise QueryError("There is no such place in the list.")
    return cursor


class Wanted(NamedTuple):
    """What a listing is of: entries of an app, of one instance or one kind where these are given."""

    app: int
    ordinal: int | None
    kind: str | None


def add(connection: Connection, app: int, *, rows: Sequence[HistoryRow], level: int = 0) -> None:
    """Add rows of an app as one block."""
    connection.execute(insert(history), block(app, rows, level=level))


def block(app: int, rows: Sequence[Row], *, level: int) -> dict[str, Any]:
    """Return the database row that holds these history rows, each with the values of a `HistoryRow`."""
    packed = _encoder.encode(rows)
    ordinals, _at, times, kinds, _states = zip(*rows, strict=True)
    return {
        "app": app,
        "level": level,
        "low": min(ordinals),
        "high": max(ordinals),
        "oldest": min(times),
        "newest": max(times),
        "entries": len(rows),
        "size": len(packed),
        "kinds": json_list(sorted(set(kinds))),
        "ordinals": BitMap(ordinals).serialize(),
        "blob": _compressed(packed),
    }


def _compressed(packed: bytes) -> bytes:
    # With a checksum, so that a block which was damaged is never merged, or rewritten, as if it were sound.
    return zstandard.ZstdCompressor(LEVEL, write_checksum=True).compress(packed)


def unpack(blob: bytes) -> list[HistoryRow]:
    """Return the history rows in a block."""
    return _decoder.decode(_decompressed(blob))


def _decompressed(blob: bytes) -> bytes:
    # Blocks were compressed with zlib once, and are kept for weeks.
    return zstandard.decompress(blob) if blob.startswith(zstandard.FRAME_HEADER) else zlib.decompress(blob)


def read(connection: Connection, wanted: Wanted, *, after: Cursor | None, limit: int) -> list[HistoryRow]:
    """Return up to `limit` rows, newest first, going on at a cursor."""
    newest: list[HistoryRow] = []
    needed = limit + (after.skip if after else 0)
    for row in connection.execute(_blocks(wanted, after)):
        if len(newest) >= needed and row.newest < newest[needed - 1].received:
            break
        if wanted.ordinal is not None and wanted.ordinal not in BitMap.deserialize(row.ordinals):
            continue
        if wanted.kind is not None and wanted.kind not in msgspec.json.decode(row.kinds):
            continue
        found = _matching(unpack(blob(connection, row.id)), wanted, after)
        newest = heapq.nsmallest(needed, [*newest, *found], key=_newest_first)
    return newest[after.skip if after else 0 :][:limit]


def next_cursor(rows: Sequence[HistoryRow], after: Cursor | None) -> Cursor:
    """Return where to go on after these rows, which followed the cursor `after`."""
    last = rows[-1].received
    same = sum(row.received == last for row in rows)
    return Cursor(last, same + (after.skip if after and after.received == last else 0))


def _newest_first(row: HistoryRow) -> tuple[Any, ...]:
    # Every field, so that merging blocks between two pages of a listing never changes the order.
    return (-row.received, row.ordinal, -row.at, row.kind, row.state)


def _blocks(wanted: Wanted, after: Cursor | None) -> Any:
    columns = (history.c.id, history.c.newest, history.c.ordinals, history.c.kinds)
    asked = select(*columns).where(history.c.app == wanted.app).order_by(history.c.newest.desc(), history.c.id.desc())
    if wanted.ordinal is not None:
        asked = asked.where(history.c.low <= wanted.ordinal, history.c.high >= wanted.ordinal)
    return asked if after is None else asked.where(history.c.oldest <= after.received)


def blob(connection: Connection, number: int) -> bytes:
    """Return the bytes that `unpack` takes, of the block of that number."""
    return bytes(connection.execute(select(history.c.blob).where(history.c.id == number)).scalar_one())


def _matching(rows: Iterable[HistoryRow], wanted: Wanted, after: Cursor | None) -> Iterator[HistoryRow]:
    _app, ordinal, kind = wanted
    for row in rows:
        fits = (ordinal is None or row.ordinal == ordinal) and (kind is None or row.kind == kind)
        if fits and (after is None or row.received <= after.received):
            yield row


def compact(database: Database, aside: Aside = at_once) -> bool:
    """Merge the many small blocks of one app into few that are sorted by instance; False when none are many."""
    found = aside(partial(_merged, database))
    return found is not None and replace(database, found[0], merged=found[1])


def _merged(database: Database) -> tuple[list[int], list[dict[str, Any]]] | None:
    """Return blocks that are worth merging, and what to put in their place; None when none are."""
    with database.read() as connection:
        found = connection.execute(_MANY, {"fewest": FEWEST, "top": TOP}).first()
        if found is None:
            return None
        sizes = connection.execute(_SIZES, {"of": found.app, "at": found.level}).all()
        ids = list(_up_to(MERGE_BYTES, sizes))
        blobs = connection.execute(_BLOBS, {"wanted": json_list(ids)}).scalars().all()
    # Outside of the snapshot: the log cannot begin anew while that is held.
    rows = sorted((row for blob in blobs for row in _merger.decode(_decompressed(blob))), key=_BY_INSTANCE)
    chunks = [rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS)]
    return ids, [block(found.app, chunk, level=found.level + 1) for chunk in chunks]


def _up_to(most: int, sizes: Iterable[Any]) -> Iterator[int]:
    total = 0
    for row in sizes:
        if total and total + row.size > most:
            return
        total += row.size
        yield row.id


def replace(database: Database, ids: Sequence[int], *, merged: Sequence[dict[str, Any]]) -> bool:
    """Put blocks in the place of others, unless somebody changed those meanwhile."""
    with database.write() as connection:
        removed = connection.execute(_REMOVE, {"wanted": json_list(ids)}).rowcount
        if removed != len(ids):
            connection.rollback()
            return False
        if merged:
            connection.execute(insert(history), list(merged))
    return True


_MANY: Final = (
    select(history.c.app, history.c.level)
    .where(history.c.level < bindparam("top"))
    .group_by(history.c.app, history.c.level)
    .having(func.count() >= bindparam("fewest"))
    .limit(1)
)
_SIZES: Final = (
    select(history.c.id, history.c.size)
    .where(history.c.app == bindparam("of"), history.c.level == bindparam("at"))
    .order_by(history.c.id)
)
_BLOBS: Final = select(history.c.blob).where(among(history.c.id, "wanted")).order_by(history.c.id)
_REMOVE: Final = delete(history).where(among(history.c.id, "wanted"))
