"""More values than a day may have become one, whichever writer sees them."""

from collections.abc import Iterator

import pytest

from homing.ping import OTHER
from homing.server.counting.sets import seen
from tests.contract.engines import Engine, Limits
from tests.contract.site import Site


@pytest.fixture
def site(engine: Engine) -> Iterator[Site]:
    """A store that keeps three values a day, and four combinations."""
    made = Site(engine, limits=Limits(values=3, combinations=4))
    yield made
    made.close()


def test_the_values_of_a_day_are_limited(site: Site) -> None:
    """The first three values keep their names, all others share one; each dimension, app and day for itself."""
    site.record(*(site.ping(f"{n}", version=f"{n}", platform="linux") for n in range(5)))
    today = site.today
    assert [1, 1, 1, 0, 2] == site.count(
        *(seen(site.app, today, "version", value) for value in ("0", "1", "2", "3", OTHER))
    )
    assert {"0", "1", "2", OTHER} == set(site.reader.values([site.app], [today], dimension="version"))
    site.record(site.ping("4", version="4", days=1), site.ping("4", version="4", app=site.other_app))
    assert [1, 1] == site.count(seen(site.app, today + 1, "version", "4"), seen(site.other_app, today, "version", "4"))


def test_kinds_are_limited(site: Site) -> None:
    """Kinds are values too."""
    site.record(*(site.ping(kind=f"{n}") for n in range(5)))
    assert [1, 0, 1] == site.count(*(seen(site.app, site.today, "kind", value) for value in ("2", "3", OTHER)))
    assert {"0": 1, "1": 1, "2": 1, OTHER: 2} == site.requests("kind")


def test_the_instance_keeps_what_it_sent(site: Site) -> None:
    """Only counting groups values; the instance shows its own."""
    site.record(*(site.ping(f"{n}", version=f"{n}") for n in range(5)))
    found = site.reader.instance(site.app, "4")
    assert found is not None
    assert {"version": "4"} == found.dimensions


def test_combinations_are_limited(site: Site) -> None:
    """Requests beyond the fourth combination of a day add to one."""
    pairs = [(version, platform) for version in ("1", "2", "3") for platform in ("l", "m")]
    site.record(*(site.ping(version=version, platform=platform) for version, platform in pairs))
    assert {"1": 2, "2": 2, OTHER: 2} == site.requests("version")
    assert {"heartbeat": 4, OTHER: 2} == site.requests("kind")
    assert {site.today: 6} == site.requests("day")


def test_both_writers_see_one_limit(site: Site) -> None:
    """Writers that take turns agree on which values have names."""
    first, second = site.writers
    for n in range(6):
        assert ["accepted"] == site.record(site.ping(f"{n}", version=f"{n}"), by=(first, second)[n % 2])
    assert {"0", "1", "2", OTHER} == set(site.reader.values([site.app], [site.today], dimension="version"))
    for writer in site.writers:
        site.record(*(site.ping(f"{n}", version=f"{n}") for n in range(6)), by=writer)
    counts = [seen(site.app, site.today, "version", value) for value in ("0", "1", "2", OTHER)]
    assert [1, 1, 1, 3] == site.count(*counts)


def test_a_combination_of_another_writer_is_known(site: Site) -> None:
    """A combination of known values that another writer brought meanwhile is stored once."""
    first, second = site.writers
    site.record(site.ping(version="1", platform="l"), site.ping(version="2", platform="m"), by=first)
    site.record(site.ping(version="1", platform="m"), by=second)
    assert ["accepted"] == site.record(site.ping(version="1", platform="m"), by=first)


def test_a_failed_commit_uses_no_value_up(site: Site) -> None:
    """Values of a commit that failed leave room for others."""
    site.record(site.ping(days=-1))
    site.fail(*(site.ping(version=f"{n}") for n in range(3)))
    site.record(*(site.ping(f"{n}", version=f"{n}") for n in range(3, 7)))
    assert {"3", "4", "5", OTHER} == set(site.reader.values([site.app], [site.today], dimension="version"))


def test_values_span_days(site: Site) -> None:
    """A value comes with the first and the last of the days asked for on which it was seen."""
    site.record(site.ping(version="1", days=-2), site.ping(version="1", days=1), site.ping(version="2"))
    site.record(site.ping(version="2", days=2, app=site.other_app))
    today = site.today
    days = list(site.days())
    assert {"1": (today - 2, today + 1), "2": (today, today)} == site.reader.values(
        [site.app], days, dimension="version"
    )
    assert {"1": (today + 1, today + 1), "2": (today, today + 2)} == site.reader.values(
        [site.app, site.other_app], range(today, today + 3), dimension="version"
    )
    assert {} == site.reader.values([site.app], days, dimension="arch")
