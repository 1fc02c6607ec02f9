"""Reads the registry: instances one by one, and in lists."""

from typing import Any, Final

from pyroaring import BitMap
from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select

from homing.server.stores.base import Instance, Listing, Sort
from homing.server.stores.sql.database import among
from homing.server.stores.sql.schema import client, instance, last_seen
from homing.server.stores.sql.text import json_list, read_state

_LAST: Final = func.coalesce(last_seen.c.at, instance.c.first_seen)

_ORDERS: Final[dict[str, Any]] = {
    "last_seen": _LAST,
    "first_seen": instance.c.first_seen,
    "instance_id": client.c.instance_id,
}


def one(connection: Connection, owner: int, *, app: int, instance_id: str) -> Instance | None:
    """Return one instance of an app."""
    asked = _joined(owner, app).where(client.c.instance_id == instance_id)
    row = connection.execute(asked).first()
    return None if row is None else _read(row)


def ordinal_of(connection: Connection, owner: int, *, instance_id: str) -> int | None:
    """Return the ordinal behind an instance id."""
    asked = select(client.c.ordinal).where(client.c.owner == owner, client.c.instance_id == instance_id)
    found = connection.execute(asked).scalar()
    return None if found is None else int(found)


def names(connection: Connection, owner: int, *, ordinals: list[int]) -> dict[int, str]:
    """Return the instance ids behind ordinals."""
    rows = connection.execute(_NAMES, {"of": owner, "wanted": json_list(ordinals)})
    return {row.ordinal: row.instance_id for row in rows}


def listed(  # wide: the question has this many independent parts
    connection: Connection,
    owner: int,
    app: int,
    *,
    chosen: BitMap | None,
    search: str,
    sort: Sort,
    after: str | None,
    limit: int,
) -> Listing:
    """List instances of an app in order, only those with a chosen ordinal where any are given."""
    asked = _ordered(_joined(owner, app), sort, after)
    if search:
        asked = asked.where(client.c.instance_id.contains(search, autoescape=True))
    found: list[Any] = []
    for row in connection.execute(asked):
        if chosen is None or row.ordinal in chosen:
            found.append(row)
        if len(found) > limit:
            break
    more = len(found) > limit
    del found[limit:]
    return Listing([_read(row) for row in found], _cursor(found[-1], sort) if more else None)


def _joined(owner: int, app: int) -> Select[Any]:
    same = and_(client.c.owner == owner, client.c.ordinal == instance.c.ordinal)
    seen = and_(last_seen.c.app == instance.c.app, last_seen.c.ordinal == instance.c.ordinal)
    tables = instance.join(client, same).outerjoin(last_seen, seen)
    columns = (instance, client.c.instance_id, _LAST.label("last"))
    return select(*columns).select_from(tables).where(instance.c.app == app)


def _ordered(asked: Select[Any], sort: Sort, after: str | None) -> Select[Any]:
    """Order by a column and then the ordinal, and go on after a cursor: times newest first, names from A."""
    column = _ORDERS[sort]
    falling = sort != "instance_id"
    asked = asked.order_by(column.desc() if falling else column, instance.c.ordinal)
    if after is None:
        return asked
    ordinal, _, value = after.partition(":")
    limit: Any = int(value) if falling else value
    beyond = column < limit if falling else column > limit
    return asked.where(or_(beyond, and_(column == limit, instance.c.ordinal > int(ordinal))))


def _cursor(row: Any, sort: Sort) -> str:
    value = {"last_seen": row.last, "first_seen": row.first_seen, "instance_id": row.instance_id}[sort]
    return f"{row.ordinal}:{value}"


def _read(row: Any) -> Instance:
    dimensions, properties = read_state(row.state)
    return Instance(
        app=row.app,
        instance_id=row.instance_id,
        first_seen=row.first_seen,
        last_seen=row.last,
        kind=row.kind,
        dimensions=dimensions,
        properties=properties,
        bound=row.credential is not None,
    )


_NAMES: Final = select(client.c.ordinal, client.c.instance_id).where(
    client.c.owner == bindparam("of"), among(client.c.ordinal, "wanted")
)
