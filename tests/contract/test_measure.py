"""Numbers in the last states of instances, summarised."""

from typing import Any

import pytest

from homing.errors import NotFound
from homing.server.counting.numbers import summary
from homing.server.counting.sets import Set, anyone, plan, seen
from homing.server.stores.base import Measured
from homing.server.stores.sql import measures
from tests.contract.site import Site

USERS = "platform.counts.users"


def users(number: Any) -> dict[str, Any]:
    """Return properties that hold a number of users."""
    return {"platform": {"counts": {"users": number}}}


def measured(site: Site, name: str = USERS, asked: Set | None = None) -> Measured:
    """Measure a number of everyone heard from today, or of a set."""
    return site.reader.measure(site.owner, site.app, asked=plan([asked or anyone(site.app, site.today)]), name=name)


@pytest.mark.parametrize("few", [0, 20_000])
def test_last_states_are_measured(site: Site, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Each instance counts with what it said last; those that say no number, or are of another app, do not."""
    monkeypatch.setattr(measures, "FEW", few)
    said = [(f"{n}", users(n)) for n in range(20)]
    site.record(*(site.ping(name, properties=properties) for name, properties in said))
    site.record(site.ping("3", properties=users(100.5)), site.ping("4"), site.ping("5", properties=users("7")))
    site.record(site.ping("6", app=site.other_app, properties=users(10_000)), site.ping("7", properties=users(True)))
    expected = summary([*(float(n) for n in range(20) if n not in {3, 4, 5, 7}), 100.5])
    found = measured(site)
    assert (17, *expected[1:]) == found[1:]
    assert found.as_of == site.reader.count(site.owner, plan([anyone(site.app, site.today)])).as_of


def test_only_of_a_set(site: Site) -> None:
    """Whoever is not in the set is not measured."""
    site.record(*(site.ping(f"{n}", version=f"{n % 2}", properties=users(n)) for n in range(10)))
    found = measured(site, asked=seen(site.app, site.today, "version", "1"))
    assert (5, 25, 5, 9) == found[1:5]
    assert (0, None, None, None, []) == measured(site, asked=seen(site.app, site.today, "version", "2"))[1:]
    assert 0 == measured(site, name="platform.counts.teams").n


def test_erased_instances_are_not_measured(site: Site) -> None:
    """What was erased is in no number."""
    site.record(site.ping("a", properties=users(1)), site.ping("b", properties=users(2)))
    assert 3 == measured(site).total
    site.store.erase(site.owner, "a")
    assert 2 == measured(site).total


def test_names_of_numbers(site: Site) -> None:
    """The numbers that there are can be listed, a bounded number of them, by the owner alone."""
    site.record(site.ping("a", properties={**users(1), "uptime": 2.5, "text": "3", "on": True}))
    assert [USERS, "uptime"] == site.reader.numbers(site.owner, site.app)
    assert [] == site.reader.numbers(site.stranger, site.app)
    site.record(site.ping("a", properties={f"n{n}": n for n in range(300)}))
    assert 200 == len(site.reader.numbers(site.owner, site.app))
    with pytest.raises(NotFound):
        site.reader.numbers(site.owner, 99)
