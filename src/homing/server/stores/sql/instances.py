"""Reads the registry: instances one by one, and in lists.

A list is put in order by narrow tables alone; what is said of an instance is read for those that are shown.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from pyroaring import BitMap
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, func, select, tuple_

from homing.server.counting.labels import names as label_names
from homing.server.counting.labels import read_trace
from homing.server.stores.base import Instance, Listing, Sort, State
from homing.server.stores.sql.database import among
from homing.server.stores.sql.liveness import UNKNOWN_MS, state_of, within
from homing.server.stores.sql.schema import client, instance, last_seen
from homing.server.stores.sql.text import cursor_number, json_list
from homing.server.stores.written import read_state

FEW: Final = 20_000
"""So many candidates are looked up one by one; with more of them, the list is walked in its order until it is full."""

WALKED: Final = 1_000
"""How many places of a list are walked at first; each further stretch is four times as long."""


class Order(NamedTuple):
    """What a list is sorted by: a column and then the ordinal, and which rows of their table are the app's."""

    column: ColumnElement[Any]
    ordinal: ColumnElement[int]
    mine: ColumnElement[bool]
    falling: bool


class Wanted(NamedTuple):
    """Whom a list is of: an app's instances with a chosen ordinal where any are given, whose id contains `search`.

    Where a `state` is given, only those that are in it `now`, in milliseconds.
    """

    owner: int
    app: int
    chosen: BitMap | None
    search: str
    state: State | None
    now: int

    @property
    def all(self) -> bool:
        """Whether the list is of everyone."""
        return self.chosen is None and not self.search


def one(connection: Connection, owner: int, *, app: int, instance_id: str, now: int) -> Instance | None:
    """Return one instance of an app."""
    asked = _joined(owner, app).where(client.c.instance_id == instance_id)
    row = connection.execute(asked).first()
    return None if row is None else _read(row, now)


def ordinal_of(connection: Connection, owner: int, *, instance_id: str) -> int | None:
    """Return the ordinal behind an instance id."""
    asked = select(client.c.ordinal).where(client.c.owner == owner, client.c.instance_id == instance_id)
    found = connection.execute(asked).scalar()
    return None if found is None else int(found)


def names(connection: Connection, owner: int, *, ordinals: list[int]) -> dict[int, str]:
    """Return the instance ids behind ordinals."""
    rows = connection.execute(_NAMES, {"of": owner, "wanted": json_list(ordinals)})
    return {row.ordinal: row.instance_id for row in rows}


def listed(connection: Connection, wanted: Wanted, *, sort: Sort, after: str | None, limit: int) -> Listing:
    """List instances in order: times newest first, names from A."""
    order = _order(sort, wanted)
    few = None if wanted.all else _few(connection, wanted)
    if wanted.all or few is not None:
        found = connection.execute(_in_order(order, after, among_these=few).limit(limit + 1)).all()
    else:
        found = _walk(connection, order, after, wanted=wanted, count=limit + 1)
    more = f"{found[limit - 1].ordinal}:{found[limit - 1].key}" if len(found) > limit else None
    return Listing(_details(connection, wanted, [row.ordinal for row in found[:limit]]), more)


def _order(sort: Sort, wanted: Wanted) -> Order:
    in_state = last_seen.c.app == wanted.app
    if wanted.state is not None:
        in_state &= within(wanted.state, wanted.app, now=wanted.now)
    if sort == "last_seen":
        return Order(last_seen.c.at, last_seen.c.ordinal, in_state, falling=True)
    if sort == "first_seen":
        mine = instance.c.app == wanted.app
        if wanted.state is not None:
            mine &= exists().where(in_state, last_seen.c.ordinal == instance.c.ordinal)
        return Order(instance.c.first_seen, instance.c.ordinal, mine, falling=True)
    known = exists().where(in_state, last_seen.c.ordinal == client.c.ordinal)
    return Order(client.c.instance_id, client.c.ordinal, and_(client.c.owner == wanted.owner, known), falling=False)


def _in_order(order: Order, after: str | None, *, among_these: Sequence[int] | None = None) -> Select[Any]:
    """Return the statement that gives keys and ordinals in order, going on after a cursor."""
    place = tuple_(order.column, order.ordinal)
    asked = select(order.column.label("key"), order.ordinal.label("ordinal")).where(order.mine)
    if after is not None:
        last = tuple_(*_place(order, after))
        asked = asked.where(place < last if order.falling else place > last)
    if among_these is not None:
        asked = asked.where(among(order.ordinal, "these")).params(these=json_list(among_these))
    return asked.order_by(*(each.desc() if order.falling else each for each in (order.column, order.ordinal)))


def _place(order: Order, after: str) -> tuple[int | str, int]:
    ordinal, _, key = after.partition(":")
    return cursor_number(key) if order.falling else key, cursor_number(ordinal)


def _few(connection: Connection, wanted: Wanted) -> list[int] | None:
    """Return the ordinals of those wanted; None when they are many."""
    chosen = wanted.chosen
    if chosen is not None and len(chosen) <= FEW:
        return list(_searched(connection, chosen, wanted) if wanted.search else chosen)
    if not wanted.search:
        return None
    found = []
    for ordinal in connection.execute(_named(wanted)).scalars():
        if chosen is None or ordinal in chosen:
            found.append(ordinal)
        if len(found) > FEW:
            return None
    return found


def _searched(connection: Connection, ordinals: BitMap, wanted: Wanted) -> BitMap:
    """Return those whose id contains what is searched for."""
    asked = _named(wanted).where(among(client.c.ordinal, "these")).params(these=json_list(ordinals))
    return BitMap(connection.execute(asked).scalars().all())


def _named(wanted: Wanted) -> Select[Any]:
    matches = client.c.instance_id.contains(wanted.search, autoescape=True)
    return select(client.c.ordinal).where(client.c.owner == wanted.owner, matches)


def _walk(connection: Connection, order: Order, after: str | None, *, wanted: Wanted, count: int) -> list[Any]:
    """Return the next places of a list that are wanted, as many of them as `count`."""
    found: list[Any] = []
    stretch = WALKED
    while len(found) < count:
        rows = connection.execute(_in_order(order, after).limit(stretch)).all()
        found += _fitting(connection, rows, wanted)
        if len(rows) < stretch:
            break
        after = f"{rows[-1].ordinal}:{rows[-1].key}"
        stretch *= 4
    return found[:count]


def _fitting(connection: Connection, rows: Sequence[Any], wanted: Wanted) -> Iterator[Any]:
    ordinals = BitMap([row.ordinal for row in rows])
    if wanted.chosen is not None:
        ordinals &= wanted.chosen
    if wanted.search:
        ordinals = _searched(connection, ordinals, wanted)
    return (row for row in rows if row.ordinal in ordinals)


def _details(connection: Connection, wanted: Wanted, ordinals: Sequence[int]) -> list[Instance]:
    """Return instances in the order of their ordinals."""
    asked = _joined(wanted.owner, wanted.app).where(among(instance.c.ordinal, "these"))
    rows = {row.ordinal: row for row in connection.execute(asked, {"these": json_list(ordinals)})}
    return [_read(rows[ordinal], wanted.now) for ordinal in ordinals if ordinal in rows]


def _joined(owner: int, app: int) -> Select[Any]:
    same = and_(client.c.owner == owner, client.c.ordinal == instance.c.ordinal)
    seen = and_(last_seen.c.app == instance.c.app, last_seen.c.ordinal == instance.c.ordinal)
    tables = instance.join(client, same).outerjoin(last_seen, seen)
    last = func.coalesce(last_seen.c.at, instance.c.first_seen).label("last")
    interval = func.coalesce(last_seen.c.interval, UNKNOWN_MS).label("interval")
    return select(instance, client.c.instance_id, last, interval).select_from(tables).where(instance.c.app == app)


def _read(row: Any, now: int) -> Instance:
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
        labels=label_names(read_trace(row.trace).labels),
        state=state_of(row.kind, age=now - row.last, interval=row.interval),
        interval=row.interval,
    )


_NAMES: Final = select(client.c.ordinal, client.c.instance_id).where(
    client.c.owner == bindparam("of"), among(client.c.ordinal, "wanted")
)
