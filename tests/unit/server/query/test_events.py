"""Events by kind, and numbers over a fleet, as they are asked for."""

from collections.abc import Iterator
from typing import Any

import pytest

from homing.errors import QueryError
from homing.ping import CORE_DIMENSIONS
from homing.server.query.events import MOST_EVENTS, events
from homing.server.query.history import parse_listing
from homing.server.query.measure import measure, numbers
from homing.server.query.question import Query
from tests.contract.engines import Sqlite
from tests.contract.site import Site
from tests.unit.server.query.test_report import Watched


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A fresh store."""
    made = Site(Sqlite(tmp_path_factory.mktemp("events")))
    yield made
    made.close()


def question(site: Site, *, days: int = 0, **more: Any) -> Query:
    """Return a question about one app and the days up to today."""
    made = Query(site.owner, (site.app,), site.today - days, site.today, (), CORE_DIMENSIONS)
    return made._replace(**more)


def test_each_kind_by_day(store: Site) -> None:
    """Every kind is counted by requests and by distinct instances, in total and by day."""
    store.record(store.ping("a", kind="clicked"), store.ping("a", kind="clicked"), store.ping("b", kind="opened"))
    store.clock.advance(days=1)
    store.record(store.ping("a", kind="clicked"), store.ping("c", kind="clicked"), store.ping(None, kind="opened"))
    made = events(store.reader, question(store, days=1))
    numbers = {each["kind"]: (each["requests"], each["clients"]) for each in made["events"]}
    assert {"clicked": (4, 2), "opened": (2, 1)} == numbers
    daily = {each["kind"]: [(day["requests"], day["clients"]) for day in each["daily"]] for each in made["events"]}
    assert {"clicked": [(2, 1), (2, 2)], "opened": [(1, 1), (1, 0)]} == daily
    assert 0 == made["more"]


def test_events_under_filters(store: Site) -> None:
    """Filters narrow the instances; requests are unknown where they cannot be filtered."""
    store.record(store.ping("a", kind="clicked", version="1"), store.ping("b", kind="clicked", edition="pro"))
    [by_version] = events(store.reader, question(store, filters=(("version", ("1",)),)))["events"]
    [by_edition] = events(store.reader, question(store, filters=(("edition", ("pro",)),)))["events"]
    [labelled] = events(store.reader, question(store, labels=("-settled",)))["events"]
    found = [(each["requests"], each["clients"]) for each in (by_version, by_edition, labelled)]
    assert [(1, 1), (None, 1), (None, 2)] == found


def test_many_kinds(store: Site) -> None:
    """The list is bounded, and says how many it leaves out."""
    store.record(*(store.ping("a", kind=f"k{n:03}") for n in range(MOST_EVENTS + 5)), store.ping("b", kind="k104"))
    made = events(store.reader, question(store))
    assert (MOST_EVENTS, 5, "k104") == (len(made["events"]), made["more"], made["events"][0]["kind"])


def test_kinds_of_few_days(store: Site) -> None:
    """A kind is looked for on the days on which it came, when all are put in order; only those shown are by day."""
    for day in range(4):
        store.record(*(store.ping("a", kind=f"k{day}.{n:02}") for n in range(MOST_EVENTS // 2)))
        store.clock.advance(days=1)
    watched: Any = Watched(store.reader)
    made = events(watched, question(store, days=4))
    assert ([1] * MOST_EVENTS, MOST_EVENTS) == ([each["clients"] for each in made["events"]], made["more"])
    shown = {each["kind"] for each in made["events"]}
    assert {(True, 6), (False, 1)} == {(kind in shown, pages) for kind, pages in watched.looked.items()}


def test_measuring_a_question(store: Site) -> None:
    """Numbers are of those the question counts as clients."""
    store.record(*(store.ping(f"{n}", version="12"[n % 2], properties={"users": n}) for n in range(9)), store.ping("x"))
    made = measure(store.reader, question(store, filters=(("version", ("1",)),)), name="users")
    assert (5, 5, 20, 4, 8) == tuple(made[name] for name in ("clients", "n", "total", "median", "p95"))
    assert 5 == sum(each["n"] for each in made["buckets"])
    assert {"properties": ["users"]} == numbers(store.reader, question(store))


def test_what_cannot_be_measured(store: Site) -> None:
    """Several apps, or a name that nothing can have, are refused with a sentence."""
    with pytest.raises(QueryError, match="Name one app"):
        measure(store.reader, question(store, apps=(store.app, store.other_app)), name="users")
    with pytest.raises(QueryError, match="Name one app"):
        numbers(store.reader, question(store, apps=()))
    for name in ("", "x" * 101):
        with pytest.raises(QueryError, match="of 1 to 100 characters"):
            measure(store.reader, question(store), name=name)


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"app": ["no"]}, "There is no app 'no'."),
        ({}, "Name one app."),
        ({"app": ["one", "two"]}, "app may be given once."),
        ({"app": ["one"], "limit": ["0"]}, "limit is a number from 1 to 1000."),
        ({"app": ["one"], "limit": ["1001"]}, "limit is a number from 1 to 1000."),
        ({"app": ["one"], "limit": ["x"]}, "limit is a number from 1 to 1000."),
        ({"app": ["one"], "range": ["week"]}, "There is no parameter 'range'."),
    ],
)
def test_mistakes_about_histories(given_: dict[str, list[str]], sentence: str) -> None:
    """Each mistake is answered with a sentence that names it."""
    with pytest.raises(QueryError) as raised:
        parse_listing({"one": 1, "two": 2}, given=given_)
    assert sentence == str(raised.value)


def test_what_histories_are_asked() -> None:
    """The app may be left out where there is one; the rest goes to the store as it is."""
    nothing = {"instance_id": None, "kind": None, "after": None, "limit": 50}
    assert (7, nothing) == parse_listing({"one": 7}, given={})
    given = {"app": ["two"], "instance": ["a"], "kind": ["end"], "after": ["5.1"], "limit": ["7"]}
    expected = {"instance_id": "a", "kind": "end", "after": "5.1", "limit": 7}
    assert (2, expected) == parse_listing({"one": 1, "two": 2}, given=given)
