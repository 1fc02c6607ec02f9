"""Whether an instance is alive: how its last receipt lies to the interval at which it reports.

The interval is learned where last receipts are written, from each two of them that follow one another: a heartbeat that
repeats costs nothing more for it.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, func, literal_column, select

from homing.clock import DAY_MS
from homing.ping import ENDINGS
from homing.server.stores.base import State
from homing.server.stores.sql.schema import instance, last_seen

UNKNOWN_MS: Final = DAY_MS
"""The interval of which nothing is known yet."""

LEAST_MS: Final = 300_000
MOST_MS: Final = 31 * DAY_MS

LATE: Final = 1.5
SILENT: Final = 3
"""So many intervals after the last receipt an instance is late, and silent."""


def state_of(kind: str, *, age: int, interval: int) -> State:
    """Return the state of an instance whose last ping, of a kind, was received so many milliseconds ago."""
    if kind in ENDINGS:
        return "ended"
    if age <= LATE * interval:
        return "alive"
    return "late" if age <= SILENT * interval else "silent"


def learned(interval: ColumnElement[int], gap: ColumnElement[Any]) -> ColumnElement[int]:
    """Return what an interval becomes by the gap between two receipts: no more than doubled, or a quarter less.

    So one long absence or a few quick restarts move it little, and what is usual soon has its way. It grows faster than
    it falls: who is called silent without being so is worse than the other way round.
    """
    # With several values these are SQLite's greatest and least.
    risen = func.max(interval * 3 // 4, func.min(2 * interval, gap))
    return func.max(LEAST_MS, func.min(MOST_MS, risen))


def within(state: State, app: int, *, now: int) -> ColumnElement[bool]:
    """Return the condition that a row of `last_seen` is of an instance in a state."""
    ended = last_seen.c.ordinal.in_(select(instance.c.ordinal).where(instance.c.app == app, HAS_ENDED))
    if state == "ended":
        return ended
    age = now - last_seen.c.at
    late, silent = age * 2 > last_seen.c.interval * int(2 * LATE), age > last_seen.c.interval * SILENT
    by_age = {"alive": ~late, "late": late & ~silent, "silent": silent}
    return by_age[state] & ~ended


HAS_ENDED: Final = instance.c.kind.in_([literal_column(f"'{kind}'") for kind in sorted(ENDINGS)])
"""Written out, so that the index of those that ended is used."""
