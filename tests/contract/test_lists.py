"""Lists come in pages that lose nothing and double nothing."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.errors import QueryError
from homing.server.counting.sets import anyone, plan, seen, union
from homing.server.stores.base import Entry, Instance, Sort
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Engine
from tests.contract.site import Site, everything

SORTS: tuple[Sort, ...] = get_args(Sort)


def key(sort: Sort, found: Instance) -> tuple[int | str, ...]:
    """Return what a list is sorted by: times newest first, names from A."""
    if sort == "instance_id":
        return (found.instance_id,)
    return (-found.last_seen,) if sort == "last_seen" else (-found.first_seen,)


def listed(site: Site, sort: Sort, limit: int) -> list[Instance]:
    """List all instances page by page."""
    return everything(lambda after: site.reader.instances(site.owner, site.app, sort=sort, after=after, limit=limit))


# Few seconds, so that many stamps are equal.
RECEIPTS = st.lists(st.tuples(st.sampled_from("abcdefghi"), st.integers(0, 2)), min_size=1, max_size=15)


@settings(max_examples=15, suppress_health_check=STORE_CHECKS)
@given(RECEIPTS, st.integers(1, 4))
def test_instances_in_pages(engine: Engine, receipts: list[tuple[str, int]], limit: int) -> None:
    """Every order of instances is whole over its pages, also where stamps are equal."""
    site = Site(engine)
    for name, seconds in receipts:
        site.clock.advance(seconds=seconds)
        site.record(site.ping(name))
    site.store.settle()
    for sort in SORTS:
        found = listed(site, sort, limit)
        assert sorted({name for name, _ in receipts}) == sorted(each.instance_id for each in found)
        assert sorted(key(sort, each) for each in found) == [key(sort, each) for each in found]
    site.close()


@settings(max_examples=15, suppress_health_check=STORE_CHECKS)
@given(RECEIPTS, st.integers(1, 4), st.sampled_from(["a", "d", None]), st.sampled_from(["begin", None]))
def test_history_in_pages(
    engine: Engine, receipts: list[tuple[str, int]], limit: int, instance_id: str | None, kind: str | None
) -> None:
    """The history, of everyone or of one, of all kinds or of one, is whole over its pages, newest first."""
    site = Site(engine)
    expected = []
    for n, (name, seconds) in enumerate(receipts):
        site.clock.advance(seconds=seconds)
        said = site.ping(name, kind=("begin", "end")[n % 2], properties={"n": n})
        site.record(said, said._replace(instance="a"))
        expected += [(who, said.kind, said.received, n) for who in (name, "a")]
    found: list[Entry] = everything(
        lambda after: site.reader.history(site.app, instance_id=instance_id, kind=kind, after=after, limit=limit)
    )
    wanted = [each for each in expected if instance_id in {None, each[0]} and kind in {None, each[1]}]
    assert sorted(wanted) == sorted((str(e.instance_id), e.kind, e.received, e.properties["n"]) for e in found)
    assert sorted((each.received for each in found), reverse=True) == [each.received for each in found]
    site.close()


def test_history_in_pages_while_it_is_compacted(site: Site) -> None:
    """Merging blocks between two pages of a listing loses no entry and doubles none, however equal the stamps."""
    for n in range(40):
        site.record(site.ping("a", properties={"n": n}), site.ping("b", properties={"n": -n}))
    found: list[Entry] = []
    after: str | None = None
    while after is not None or not found:
        page = site.reader.history(site.app, after=after, limit=7)
        found += page.items
        after = page.after
        site.store.compact()
    assert sorted([*range(40), *(-n for n in range(40))]) == sorted(each.properties["n"] for each in found)


def test_members_in_pages(site: Site) -> None:
    """Members come in the order in which the owner first heard from them, whatever buckets they are in."""
    names = [f"{n}" for n in range(30)]
    site.record(*(site.ping(name, version=f"{n % 3}") for n, name in enumerate(names)))
    asked = plan([seen(site.app, site.today, "version", "1")])

    def members(limit: int) -> list[str]:
        return everything(lambda after: site.reader.members(site.owner, asked, after=after, limit=limit))

    assert [names[1::3]] * 4 == [members(limit) for limit in (1, 3, 10, 11)]
    assert names[1::3][:10] == site.reader.members(site.owner, asked, after=None, limit=10).items
    assert site.reader.members(site.owner, asked, after=None, limit=10).after is None


def test_members_unite_apps(site: Site) -> None:
    """A client of two apps is one member."""
    site.record(site.ping("a"), site.ping("b", app=site.other_app), site.ping("a", app=site.other_app))
    asked = union([anyone(site.app, site.today), anyone(site.other_app, site.today)])
    assert ["a", "b"] == site.members(asked)
    assert [2] == site.count(asked)


def test_instances_of_a_set(site: Site) -> None:
    """A list may be narrowed by a set, a part of the id, or both."""
    site.record(*(site.ping(f"host-{n}", version=f"{n % 2}") for n in range(20)))
    chosen = plan([seen(site.app, site.today, "version", "1")])

    def listed(search: str) -> list[str]:
        found = everything(
            lambda after: site.reader.instances(
                site.owner, site.app, asked=chosen, search=search, sort="instance_id", after=after, limit=2
            )
        )
        return [each.instance_id for each in found]

    assert sorted(f"host-{n}" for n in range(1, 20, 2)) == listed("")
    assert ["host-1", *(f"host-{n}" for n in range(11, 20, 2))] == listed("t-1")
    assert [] == listed("host-0")
    assert [] == listed("%")


def test_an_instance_is_known_by_its_app(site: Site) -> None:
    """An instance of one app is none of another's, nor is its history."""
    site.record(site.ping("a", app=site.other_app))
    assert site.reader.instance(site.app, "a") is None
    assert [] == site.reader.history(site.app, instance_id="a").items
    assert [] == site.reader.history(site.app, instance_id="nobody").items
    assert [] == site.reader.instances(site.stranger, site.foreign_app).items


def test_an_instance_shows_its_last_ping(site: Site) -> None:
    """State comes from the last ping, the first receipt stays, the last one is written when it is settled."""
    first = site.clock.now()
    site.record(site.ping("a", version="1", arch="x64", properties={"n": 1}))
    site.clock.advance(seconds=2)
    site.record(site.ping("a", version="2", kind="check", properties={"n": 2}))
    site.store.settle()
    expected = Instance(site.app, "a", first, first + 2000, "check", {"version": "2"}, {"n": 2}, bound=False)
    found = site.reader.instance(site.app, "a")
    assert found is not None
    assert expected == found._replace(interval=expected.interval, labels=())


def test_an_instance_is_as_old_as_its_first_ping(site: Site) -> None:
    """Of several pings in the first batch the first receipt counts, whatever they changed."""
    first = site.ping("a", version="1")
    site.record(first, first._replace(received=first.received + 5, dimensions={"version": "2"}))
    found = site.reader.instance(site.app, "a")
    assert found is not None
    assert first.received == found.first_seen


def test_last_receipts_are_written_in_time(site: Site) -> None:
    """The last receipt may lag, five seconds at most while pings come in, and never goes back."""
    first, second = site.writers
    site.record(site.ping("a"), by=first)
    site.clock.advance(seconds=6)
    latest = site.clock.now()
    site.record(site.ping("a"), by=second)
    site.clock.advance(seconds=6)
    site.record(site.ping("b"), by=second)
    site.record(site.ping("b"), by=first)
    found = site.reader.instance(site.app, "a")
    assert found is not None
    assert latest == found.last_seen


def test_history_holds_changes_of_heartbeats(site: Site) -> None:
    """A repeated heartbeat is kept only when the instance's state changed; every other ping is kept."""
    for version in ("1", "1", "2", "2", "1", "1"):
        site.clock.advance(seconds=1)
        site.record(site.ping("a", version=version), site.ping("a", version=version))
    assert ["1", "2", "1"] == [each.dimensions["version"] for each in site.reader.history(site.app).items]
    for _ in range(3):
        site.record(site.ping("a", kind="clicked"))
    assert 3 == len(site.reader.history(site.app, kind="clicked").items)


def test_history_holds_every_event(site: Site) -> None:
    """A heartbeat that was sent as an event is kept each time, also when nothing changed."""
    for _ in range(3):
        site.record(site.ping("a")._replace(is_event=True))
    assert 3 == len(site.reader.history(site.app, kind="heartbeat").items)


def test_a_writer_sees_what_the_other_one_changed(site: Site) -> None:
    """An instance that goes back to an earlier state by another writer is shown so, and its history has both turns."""
    first, second = site.writers
    for writer, version in ((first, "1"), (second, "2"), (first, "1"), (first, "1")):
        site.clock.advance(seconds=1)
        site.record(site.ping("a", version=version), by=writer)
    found = site.reader.instance(site.app, "a")
    assert found is not None
    assert {"version": "1"} == found.dimensions
    assert ["1", "2", "1"] == [each.dimensions["version"] for each in site.reader.history(site.app).items]


def test_requests_without_an_instance_are_in_the_history(site: Site) -> None:
    """What names nobody is kept under nobody."""
    site.record(site.ping(None, kind="begin", version="1"))
    [found] = site.reader.history(site.app).items
    now = site.clock.now()
    assert Entry(None, "begin", now, now, {"version": "1"}, {}) == found


@pytest.mark.parametrize("after", ["x", "1:x:y", "1.x", ":", ".", f"{2**63}:1", f"1:{2**63}", f"{2**63}.1"])
def test_a_place_that_no_list_named(site: Site, after: str) -> None:
    """A cursor that was made up is refused with a sentence."""
    site.record(site.ping("a"))
    with pytest.raises(QueryError, match="no such place"):
        site.reader.instances(site.owner, site.app, after=after)
    with pytest.raises(QueryError, match="no such place"):
        site.reader.history(site.app, after=after)
    with pytest.raises(QueryError, match="no such place"):
        site.reader.members(site.owner, plan([anyone(site.app, site.today)]), after=after, limit=1)


@pytest.mark.parametrize("after", ["9.-1", "9.100001", f"9.{2**63 - 1}"])
def test_a_history_that_skips_what_it_never_could(site: Site, after: str) -> None:
    """A cursor of the history that skips backwards, or more than any list has, is refused before anything is read."""
    site.record(site.ping("a"))
    with pytest.raises(QueryError, match="no such place"):
        site.reader.history(site.app, after=after)


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_an_empty_list_is_one_page(site: Site, limit: int) -> None:
    """Nothing to list is a page without items and without a next one."""
    pages = [
        site.reader.instances(site.owner, site.app, limit=limit),
        site.reader.history(site.app, limit=limit),
        site.reader.members(site.owner, plan([anyone(site.app, site.today)]), after=None, limit=limit),
    ]
    assert [([], None)] * 3 == [tuple(page) for page in pages]
