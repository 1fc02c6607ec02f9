"""Merges segments into pages."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from pyroaring import BitMap
from sqlalchemy import bindparam, delete, func, insert, select

from homing.server.counting.page import run_to_merge
from homing.server.counting.segment import decode, encode, merge
from homing.server.counting.sets import EVERY_DAY
from homing.server.stores.base import Aside, at_once
from homing.server.stores.sql.database import Database, among, put_off
from homing.server.stores.sql.schema import segment
from homing.server.stores.sql.segments import Place
from homing.server.stores.sql.text import json_list


def compact(database: Database, today: int, *, aside: Aside = at_once) -> bool:
    """Merge one run, of the most fragmented place first; False when no run is worth it.

    A place that cannot be read holds up no other: its fault is raised when there is nothing else to merge.
    """
    places = aside(partial(_fragmented, database))
    faults: list[Exception] = []
    for place in places:
        with put_off(faults):
            if compact_place(database, place, over=EVERY_DAY < place.day < today, aside=aside):
                return True
    if faults:
        raise faults[0]
    return False


def _fragmented(database: Database) -> list[Place]:
    with database.read() as connection:
        return [Place(*row) for row in connection.execute(_FRAGMENTED)]


def compact_place(database: Database, place: Place, *, over: bool, aside: Aside = at_once) -> bool:
    """Merge what is worth merging of one place; False when nothing was."""
    found = aside(partial(_merged, database, place, over=over))
    return found is not None and _replace(database, *found)


def _merged(database: Database, place: Place, *, over: bool) -> tuple[list[int], dict[str, Any]] | None:
    """Return what is worth merging of one place, and the page to put there instead; None when nothing is."""
    with database.read() as connection:
        asked = {"of": place.app, "on": place.day, "at": place.bucket}
        rows = connection.execute(_SIZES, asked).all()
        run = run_to_merge([row.size for row in rows], over=over)
        if run is None:
            return None
        chosen = [row.id for row in rows[slice(*run)]]
        parts = connection.execute(_PARTS, {"wanted": json_list(chosen)}).all()
    return chosen, _page(place, parts, whole=run[0] == 0)


def compact_until(database: Database, place: Place, *, seq: int) -> None:
    """Merge a place until its oldest page has all that was committed to it up to that number, whoever else merges."""
    asked = {"of": place.app, "on": place.day, "at": place.bucket}
    while True:
        with database.read() as connection:
            ends = connection.execute(_ENDS, asked).scalars().all()
        if not ends[1:] or ends[0] >= seq:
            return
        compact_place(database, place, over=True)


def _page(place: Place, parts: Sequence[Any], *, whole: bool) -> dict[str, Any]:
    page = merge(decode(part.blob) for part in parts)
    if whole:
        # Nothing stands before it that the erased could be taken out of.
        page.gone = BitMap()
    blob = encode(page)
    ends = {"owner": parts[0].owner, "first": parts[0].first, "last": parts[-1].last}
    return {**place._asdict(), **ends, "size": len(blob), "blob": blob}


def _replace(database: Database, chosen: Sequence[int], merged: dict[str, Any]) -> bool:
    """Put a page in the place of segments, unless somebody changed those meanwhile."""
    with database.write() as connection:
        removed = connection.execute(_REMOVE, {"wanted": json_list(chosen)}).rowcount
        if removed != len(chosen):
            connection.rollback()
            return False
        connection.execute(insert(segment), merged)
    return True


_FRAGMENTED: Final = (
    select(segment.c.app, segment.c.day, segment.c.bucket)
    .group_by(segment.c.app, segment.c.day, segment.c.bucket)
    .having(func.count() > 1)
    .order_by(func.count().desc())
)
_OF: Final = (
    *(segment.c.app == bindparam("of"), segment.c.day == bindparam("on")),
    segment.c.bucket == bindparam("at"),
)
_SIZES: Final = select(segment.c.id, segment.c.size).where(*_OF).order_by(segment.c.last)
_ENDS: Final = select(segment.c.last).where(*_OF).order_by(segment.c.last)
_PARTS: Final = (
    select(segment.c.owner, segment.c.first, segment.c.last, segment.c.blob)
    .where(among(segment.c.id, "wanted"))
    .order_by(segment.c.last)
)
_REMOVE: Final = delete(segment).where(among(segment.c.id, "wanted"))
