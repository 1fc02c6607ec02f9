"""Gives labels to instances, and takes them away, as their owner says: what they send changes nothing of it then."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from homing.server.counting.labels import labelled, pin, read_trace, write_trace
from homing.server.counting.sets import EVERY_DAY
from homing.server.stores.sql.database import among
from homing.server.stores.sql.heads import NEXT
from homing.server.stores.sql.schema import client, instance, segment
from homing.server.stores.sql.segments import Place, row_of
from homing.server.stores.sql.text import json_list


class Mark(NamedTuple):
    """A label that an owner gives instances of an app, or takes from them."""

    owner: int
    app: int
    label: str
    on: bool


def write(connection: Connection, mark: Mark, *, ids: Iterable[str], bucket_bits: int) -> int:
    """Mark these instances; return how many of them are known."""
    seq = connection.execute(NEXT, {"of": mark.owner}).scalar_one()
    rows = connection.execute(_TRACES, {"of": mark.owner, "app": mark.app, "wanted": json_list(ids)}).all()
    changed: dict[int, list[tuple[int, int, int]]] = {}
    for row in rows:
        before = read_trace(row.trace)
        after = pin(before, mark.label, on=mark.on)
        connection.execute(_NOTE, {"in": mark.app, "which": row.ordinal, "said": write_trace(after)})
        if after.labels != before.labels:
            changed.setdefault(row.ordinal >> bucket_bits, []).append((row.ordinal, before.labels, after.labels))
    for bucket, changes in changed.items():
        place = Place(mark.app, EVERY_DAY, bucket)
        connection.execute(insert(segment), row_of(place, labelled(changes), owner=mark.owner, seq=seq))
    return len(rows)


_TRACES: Final = (
    select(instance.c.ordinal, instance.c.trace)
    .select_from(instance.join(client, client.c.ordinal == instance.c.ordinal))
    .where(
        client.c.owner == bindparam("of"),
        instance.c.app == bindparam("app"),
        among(client.c.instance_id, "wanted"),
    )
)
_NOTE: Final = (
    update(instance)
    .where(instance.c.app == bindparam("in"), instance.c.ordinal == bindparam("which"))
    .values(trace=bindparam("said"))
)
