"""The limits of values keep to what is stored, however little is remembered."""

import pytest

from homing.ping import OTHER
from homing.server.counting.sets import Set, seen, union
from homing.server.stores.base import Batch
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.store import SqlStore
from homing.server.stores.sql.values import COMBINATIONS, ValueLimits
from tests.contract.site import SMALL, Site


def test_more_days_than_are_remembered(site: Site, database: Database) -> None:
    """One batch may speak of more days than are remembered at once, in any order and repeatedly."""
    store = SqlStore(database, site.clock, SMALL, ValueLimits(2, 100))
    pings = [site.ping(f"{n}", days=-n, version=version) for version in ("1", "2", "3", "1") for n in range(70)]
    store.record(Batch("b", pings))
    store.record(Batch("c", list(reversed(pings))))
    assert [70] == site.count(_any_of(site, 70, OTHER) | _any_of(site, 70, "1"))
    days = [site.today - n for n in range(70)]
    assert {"1", "2", OTHER} == set(site.reader.values([site.app], days, dimension="version"))
    assert dict.fromkeys(days, 8) == site.reader.requests(site.owner, [site.app], days=days, filters={}, by="day")
    assert {"1": 280, "2": 140, OTHER: 140} == site.reader.requests(
        site.owner, [site.app], days=days, filters={}, by="version"
    )


def test_no_more_profiles_than_are_remembered(site: Site, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their number is bounded over all days together; what is forgotten is counted as before."""
    monkeypatch.setattr("homing.server.stores.sql.values._PROFILES", 5)
    limits = ValueLimits(100, 100)
    store = SqlStore(database, site.clock, SMALL, limits)
    store.record(Batch("b", [site.ping(f"{n}", days=-(n % 3), version=f"{n}") for n in range(20)]))
    held = limits._days.values()  # noqa: SLF001 - shows nowhere else
    assert 5 >= sum(len(each.profiles) for each in held)
    days = [site.today - n for n in range(3)]
    assert 20 == sum(site.reader.requests(site.owner, [site.app], days=days, filters={}, by="day").values())


def _any_of(site: Site, days: int, value: str) -> Set:
    return union([seen(site.app, site.today - n, "version", value) for n in range(days)])


def test_the_names_of_combinations_are_no_dimension(site: Site, database: Database) -> None:
    """Combinations stand beside values under a name that no dimension can have, in the order of the pings' profile."""
    site.record(site.ping(version="1", arch="x64"))
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT dimension, value FROM day_value ORDER BY dimension").all()
    assert [
        (COMBINATIONS, '["heartbeat","1",null,null,"x64"]'),
        ("arch", "x64"),
        ("kind", "heartbeat"),
        ("version", "1"),
    ] == [tuple(row) for row in rows]
