"""The report, against counting by hand."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.clock import day_of, iso_day
from homing.ping import CORE_DIMENSIONS, KIND, NOT_REPORTED, Ping
from homing.server.counting.sets import SEEN, Plan
from homing.server.query.question import Query
from homing.server.query.report import report
from homing.server.stores.base import Counts, Store
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Limits, Sqlite
from tests.contract.site import SMALL, Site

VALUES = {
    "version": ["1", "2"],
    "channel": ["stable"],
    "platform": ["linux", "mac"],
    "update_state": ["latest", "outdated", "ahead"],
    "edition": ["pro"],
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """Makes fresh stores."""
    return Sqlite(tmp_path_factory.mktemp("report"))


@pytest.fixture
def store(engine: Sqlite) -> Iterator[Site]:
    """A fresh store with two apps."""
    made = Site(engine)
    yield made
    made.close()


def question(site: Site, *, days: int = 0, apps: Sequence[int] | None = None, **more: Any) -> Query:
    """Return a question about the days up to today."""
    made = Query(
        site.owner, tuple(apps or (site.app, site.other_app)), site.today - days, site.today, (), CORE_DIMENSIONS
    )
    return made._replace(**more)


class Watched:
    """A store that remembers on how many pages it was asked to look for each value."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.looked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def count(self, owner: int, asked: Plan) -> Counts:
        """Count as the store does."""
        for _op, _app, begin, end, *under in (node for node in asked.nodes if node[0] == SEEN):
            self.looked[under[1]] += end - begin + 1
        return self._store.count(owner, asked)


class ByHand:
    """Counts as a person with a list of pings would: on one app and day everyone bears the last value they gave."""

    def __init__(self, query: Query, pings: Sequence[Ping]) -> None:
        self._query = query
        self._pings = [ping for ping in pings if ping.app in query.apps and day_of(ping.at) in query.days]
        self._last: dict[tuple[int, int, str], dict[str, set[str | None]]] = {}
        self._days: dict[tuple[int, str], set[int]] = {}
        for ping in pings:
            self._days.setdefault((ping.app, ping.instance or ""), set()).add(day_of(ping.at))
        self._ci = {(ping.app, ping.instance) for ping in pings if ping.properties}
        for ping in self._pings:
            if ping.instance is not None:
                bears = self._last.setdefault((ping.app, day_of(ping.at), ping.instance), {})
                bears.update({name: {value} for name, value in ping.dimensions.items()})
                bears.setdefault(KIND, set()).add(ping.kind)

    def clients(
        self, *, day: int | None = None, app: int | None = None, bearing: tuple[str, str | None] | None = None
    ) -> int:
        """Count distinct clients."""
        wanted = [*self._query.filters, *([(bearing[0], (bearing[1],))] if bearing else [])]
        return len(
            {
                name
                for (of, on, name), bears in self._last.items()
                if day in {None, on} and app in {None, of}
                if all(bears.get(dimension, {None}) & set(values) for dimension, values in wanted)
                and self._labelled(of, name)
            }
        )

    def _labelled(self, app: int, name: str) -> bool:
        bears = {"ci": (app, name) in self._ci, "settled": len(self._days[(app, name)]) > 1}
        return all(bears[label.removeprefix("-")] is not label.startswith("-") for label in self._query.labels)

    def requests(self, day: int) -> int | None:
        """Count requests, None where a filter is not on a plain property of requests."""
        if self._query.labels or not {name for name, _values in self._query.filters} <= {KIND, *CORE_DIMENSIONS}:
            return None
        return sum(
            day_of(ping.at) == day
            and all({**ping.dimensions, KIND: ping.kind}.get(name) in values for name, values in self._query.filters)
            for ping in self._pings
        )

    def numbers(self, day: int | None = None) -> dict[str, int]:
        """Return the three numbers of a day or of all days."""
        states = {name: self.clients(day=day, bearing=("update_state", name)) for name in ("latest", "outdated")}
        return {"clients": self.clients(day=day), **states}

    def split(self, dimension: str) -> list[dict[str, Any]]:
        """Return the values of a dimension that have clients."""
        values: set[str | None] = {None}
        for bears in self._last.values():
            values |= bears.get(dimension, set())
        rows = [{"value": v or NOT_REPORTED, "clients": self.clients(bearing=(dimension, v))} for v in values]
        return sorted(
            (row for row in rows if row["clients"]), key=lambda row: (-int(str(row["clients"])), row["value"])
        )


drafts = st.fixed_dictionaries(
    {
        "place": st.integers(0, 1),
        "instance": st.sampled_from(["a", "b", "c", "d", None]),
        "kind": st.sampled_from(["check", "begin"]),
        "days": st.integers(-2, 0),
        "properties": st.sampled_from([{}, {}, {"ci": True}]),
        "dimensions": st.fixed_dictionaries({}, optional={name: st.sampled_from(v) for name, v in VALUES.items()}),
    }
)
filters = st.dictionaries(
    st.sampled_from([*VALUES, KIND]),
    st.lists(
        st.sampled_from(["1", "2", "linux", "stable", "latest", "pro", "check", None]),
        min_size=1,
        max_size=2,
        unique=True,
    ),
    max_size=2,
)


labels = st.sampled_from([(), (), ("settled",), ("-ci",), ("settled", "-ci"), ("-settled", "ci")])


@settings(suppress_health_check=STORE_CHECKS, max_examples=50)
@given(st.lists(drafts, max_size=20), filters, st.integers(0, 2), st.booleans(), labels)
def test_all_numbers(
    engine: Sqlite,
    drawn: list[Any],
    wanted: dict[str, Any],
    days: int,
    both: bool,  # noqa: FBT001 - drawn
    labels: tuple[str, ...],
) -> None:
    """Every number of the report is what counting by hand gives, under any filters, days and apps."""
    site = Site(engine)
    try:
        apps = (site.app, site.other_app)
        pings = [site.ping(app=apps[each.pop("place")], **each.pop("dimensions"), **each) for each in map(dict, drawn)]
        if pings:
            site.record(*pings)
        asked = question(
            site,
            days=days,
            apps=apps if both else apps[:1],
            filters=tuple((name, tuple(values)) for name, values in wanted.items()),
            split=(*VALUES, KIND),
            labels=labels,
        )
        check(report(site.reader, asked), asked, ByHand(asked, pings))
    finally:
        site.close()


def check(made: dict[str, Any], asked: Query, by_hand: ByHand) -> None:
    """Compare a report with counting by hand."""
    requests = [by_hand.requests(day) for day in asked.days]
    total = None if None in requests else sum(filter(None, requests))
    active = sum(by_hand.clients(app=app) > 0 for app in asked.apps)
    assert {"requests": total, **by_hand.numbers(), "active_apps": active} == made["summary"]
    days = [
        {"day": iso_day(day), "requests": counted, **by_hand.numbers(day)}
        for day, counted in zip(asked.days, requests, strict=True)
    ]
    assert days == made["daily"]
    assert {name: by_hand.split(name) for name in asked.split} == made["splits"]


def test_nothing_yet(store: Site) -> None:
    """A report about nothing has zeros, every day, and empty splits."""
    made = report(store.reader, question(store, days=7))
    assert {"requests": 0, "clients": 0, "latest": 0, "outdated": 0, "active_apps": 0} == made["summary"]
    assert (8, {name: [] for name in CORE_DIMENSIONS}) == (len(made["daily"]), made["splits"])


def test_one_day_sums_up(store: Site) -> None:
    """On one app and day a split and those who did not report sum to the clients."""
    store.record(store.ping("a", version="1"), store.ping("b"), store.ping("a", version="2"))
    made = report(store.reader, question(store, apps=[store.app]))
    expected = [{"value": NOT_REPORTED, "clients": 1}, {"value": "2", "clients": 1}]
    assert expected == made["splits"]["version"]
    assert (2, []) == (made["summary"]["clients"], made["notes"])


def test_values_of_few_days(store: Site) -> None:
    """A value is looked for on the days on which it was seen, and not on every day of the question."""
    for number in range(20):
        store.record(store.ping("a", version=f"v{number}"))
        store.clock.advance(days=1)
    watched: Any = Watched(store.reader)
    made = report(watched, question(store, days=20, apps=[store.app], split=("version",)))
    assert [(f"v{number}", 1) for number in range(20)] == sorted(
        ((row["value"], row["clients"]) for row in made["splits"]["version"]), key=lambda row: int(row[0][1:])
    )
    assert {f"v{number}": 1 for number in range(20)} == {
        value: pages for value, pages in watched.looked.items() if value and value.startswith("v")
    }


def test_notes(store: Site) -> None:
    """A report says in words what its numbers cannot."""
    several = report(store.reader, question(store, days=1))["notes"]
    assert [True] == ["once under each value" in note for note in several]
    filtered = question(store, apps=[store.app], filters=(("edition", ("pro",)),))
    made = report(store.reader, filtered)
    assert (None, ["Requests cannot be counted under these filters."]) == (made["summary"]["requests"], made["notes"])
    assert {"edition": ["pro"]} == made["filters"]
    labelled = report(store.reader, question(store, apps=[store.app], labels=("settled", "-ci")))
    assert (None, made["notes"]) == (labelled["summary"]["requests"], labelled["notes"])
    assert ["settled", "-ci"] == labelled["labels"]


def test_too_many_values(engine: Sqlite) -> None:
    """Values beyond the limit stand together, and the report warns of it."""
    site = Site(engine, options=SMALL, limits=Limits(values=2))
    try:
        site.record(*(site.ping(f"i-{n}", version=str(n)) for n in range(4)))
        made = report(site.reader, question(site, apps=[site.app]))
    finally:
        site.close()
    assert [{"value": "(other)", "clients": 2}, {"value": "0", "clients": 1}, {"value": "1", "clients": 1}] == made[
        "splits"
    ]["version"]
    assert ["More values than are kept apart were reported for version; the rest is (other)."] == made["notes"]


def test_owners_do_not_mix(store: Site) -> None:
    """A question of one owner counts nothing of another, though both have the same instance ids."""
    store.record(store.ping("a"), store.ping("a", app=store.foreign_app), store.ping("b", app=store.foreign_app))
    assert 1 == report(store.reader, question(store))["summary"]["clients"]
    theirs = question(store, apps=[store.foreign_app])._replace(owner=store.stranger)
    assert 2 == report(store.reader, theirs)["summary"]["clients"]
