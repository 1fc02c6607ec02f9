"""What the overview asks beside a report, against plain counting."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.clock import day_of
from homing.ping import CORE_DIMENSIONS
from homing.server.query.overview import Kept, before, choices, overview
from homing.server.query.question import Query
from homing.server.query.report import report
from homing.server.stores.base import Options
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Sqlite
from tests.contract.site import Site

ROOMY = Options(retention_days=60, history_days=3, cache_mb=1, cached_instances=6, bucket_bits=2)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """Makes fresh stores."""
    return Sqlite(tmp_path_factory.mktemp("overview"))


@pytest.fixture
def store(engine: Sqlite) -> Iterator[Site]:
    """A fresh store with two apps."""
    made = Site(engine, options=ROOMY)
    yield made
    made.close()


def question(site: Site, *, days: int = 2, **more: Any) -> Query:
    """Return a question about the `days` up to today."""
    made = Query(site.owner, (site.app, site.other_app), site.today - days + 1, site.today, (), CORE_DIMENSIONS)
    return made._replace(**more)


def kept(site: Site, *, whole: int = 60) -> Kept:
    """Return that any app keeps 60 days, and all apps `whole`."""
    return Kept(site.today - 59, site.today - whole + 1, site.today)


drafts = st.tuples(st.integers(0, 1), st.sampled_from("abcd"), st.integers(-8, 0), st.sampled_from(["1", "2"]))


@settings(suppress_health_check=STORE_CHECKS, max_examples=40)
@given(st.lists(drafts, max_size=15), st.integers(1, 4), st.integers(1, 10), st.booleans())
def test_all_numbers(engine: Sqlite, drawn: list[Any], days: int, whole: int, filtered: bool) -> None:  # noqa: FBT001 - drawn
    """The period before and the active apps are what a list of pings says, and the report is the very report."""
    site = Site(engine, options=ROOMY)
    try:
        apps = (site.app, site.other_app)
        pings = [site.ping(name, app=apps[place], days=day, version=version) for place, name, day, version in drawn]
        if pings:
            site.record(*pings)
        asked = question(site, days=days, filters=(("version", ("1",)),) if filtered else ())
        made = overview(site.reader, asked, kept=kept(site, whole=whole))
        assert report(site.reader, asked) == made["report"]
        first = min((day_of(ping.at) for ping in pings), default=None)
        assert (first is not None) == made["heard"]
        earlier = range(asked.first - days, asked.first)
        has_all = first is not None and earlier[0] >= max(first, site.today - whole + 1)
        assert (report(site.reader, before(asked))["summary"] if has_all else None) == made["before"]
        # On one app and day everyone bears the last value they gave.
        last = {(ping.app, day_of(ping.at), ping.instance): ping.dimensions["version"] for ping in pings}
        bearing = {(app, day) for (app, day, _name), version in last.items() if not filtered or version == "1"}
        assert [sum((app, day) in bearing for app in apps) for day in asked.days] == made["active"]
    finally:
        site.close()


def test_before_by_hand(store: Site) -> None:
    """Two days are compared with the two days before them."""
    store.record(store.ping("a", days=-3), store.ping("b", days=-2), store.ping("a", days=-2), store.ping("a"))
    made = overview(store.reader, question(store), kept=kept(store))
    assert {"requests": 3, "clients": 2, "latest": 0, "outdated": 0, "active_apps": 1} == made["before"]
    assert (1, [0, 1]) == (made["report"]["summary"]["clients"], made["active"])


def test_missing_days(store: Site) -> None:
    """There is no comparison with days that are not kept any more, or that nobody could be heard on yet."""
    store.record(store.ping("a", days=-3), store.ping("a"))
    assert overview(store.reader, question(store), kept=kept(store, whole=4))["before"] is not None
    assert overview(store.reader, question(store), kept=kept(store, whole=3))["before"] is None
    assert overview(store.reader, question(store, days=3), kept=kept(store))["before"] is None


def test_never_heard(store: Site) -> None:
    """Pings of other owners, and of apps not asked about, are not heard."""
    store.record(store.ping("a", app=store.foreign_app), store.ping("a", app=store.other_app))
    asked = question(store, apps=(store.app,))
    made = overview(store.reader, asked, kept=kept(store))
    assert (False, [0, 0]) == (made["heard"], made["active"])
    assert overview(store.reader, question(store), kept=kept(store))["heard"]


def test_heard_outside_the_days_asked(store: Site) -> None:
    """A ping on other days than those asked about was heard all the same, also on one that is ahead."""
    store.record(store.ping("a", days=1))
    asked = question(store, last=store.today - 5, first=store.today - 6)
    assert overview(store.reader, asked, kept=kept(store))["heard"]


def test_choices(store: Site) -> None:
    """Values are found by a part of them or of their dimension's name, the newest first, up to a limit."""
    store.record(
        store.ping("a", days=-1, version="1.0-RC", edition="pro"),
        store.ping("b", version="1.0"),
        store.ping("c", version="2.0", edition="free"),
    )
    names = ["version", "edition", "channel"]

    def found(search: str, limit: int = 5) -> dict[str, list[str]]:
        return choices(store.reader, question(store), dimensions=names, search=search, limit=limit)

    assert {"version": ["1.0", "2.0", "1.0-RC"], "edition": ["free", "pro"]} == found("")
    assert {"version": ["1.0-RC"], "edition": ["pro"]} == {**found("rc"), **found("PRO")}
    assert {"edition": ["free", "pro"]} == found("edit")
    assert {"version": ["1.0"], "edition": ["free"]} == found("", limit=1)
    assert {} == found("nothing has this")
