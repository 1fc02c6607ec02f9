"""Looks up numbers in the last states of instances."""

from array import array
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from pyroaring import BitMap
from sqlalchemy import Connection, bindparam, select

from homing.server.counting.numbers import names_of_numbers, number_in
from homing.server.stores.sql.database import among
from homing.server.stores.sql.instances import FEW
from homing.server.stores.sql.schema import instance, last_seen
from homing.server.stores.sql.text import json_list
from homing.server.stores.written import read_state

LOOKED_AT: Final = 1_000
"""Among so many instances, those heard from last, the names of numbers are looked for."""

MOST_NAMES: Final = 200


def numbers_of(connection: Connection, app: int, *, chosen: BitMap, name: str) -> "array[float]":
    """Return the number under a name of each chosen instance that has one: eight bytes each, states are not kept."""
    # Decoding a state takes longest; one without the name in it need not be.
    innermost = msgspec.json.encode(name.rpartition(".")[2]).decode()
    found = array("d")
    for ordinal, state in _states(connection, app, chosen):
        if ordinal in chosen and innermost[1:-1] in state:
            number = number_in(read_state(state)[1], name)
            if number is not None:
                found.append(number)
    return found


def _states(connection: Connection, app: int, chosen: BitMap) -> Iterator[tuple[int, str]]:
    asked = select(instance.c.ordinal, instance.c.state).where(instance.c.app == app)
    if len(chosen) <= FEW:
        asked = asked.where(among(instance.c.ordinal, "these")).params(these=json_list(chosen))
    rows: Any = connection.execution_options(yield_per=1000).execute(asked)
    return iter(rows)


def names_of(connection: Connection, app: int) -> list[str]:
    """Return names of numbers in the states of those heard from last."""
    found: set[str] = set()
    for state in connection.execute(_LATEST, {"of": app}).scalars():
        found.update(names_of_numbers(read_state(state)[1]))
        if len(found) >= MOST_NAMES:
            break
    return sorted(found)[:MOST_NAMES]


_NEWEST: Final = (
    select(last_seen.c.ordinal)
    .where(last_seen.c.app == bindparam("of"))
    .order_by(last_seen.c.at.desc())
    .limit(LOOKED_AT)
)
_LATEST: Final = select(instance.c.state).where(instance.c.app == bindparam("of"), instance.c.ordinal.in_(_NEWEST))
