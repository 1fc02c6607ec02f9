"""Compaction changes no answer, and ends."""

from homing.server.counting.sets import Set, anyone, first, plan, seen
from homing.server.stores.base import Batch
from tests.contract.site import Site


def sets(site: Site) -> list[Set]:
    """Return sets of the days that the tests write to."""
    days = [site.today - 1, site.today]
    under = [seen(site.app, day, "version", value) for day in days for value in ("0", "1", None)]
    return [*(anyone(site.app, day) for day in days), *(first(site.app, day) for day in days), *under]


def test_a_reader_follows_through_compaction(site: Site) -> None:
    """Whether a reader asks before, between or after merges, the answer is the same as without any."""
    lagging = [site.opened() for _ in range(3)]
    for n in range(60):
        site.record(site.ping(f"{n % 7}", version=f"{n % 2}", days=-(n % 2)))
        if n % 11 == 0:
            site.count(*sets(site), by=lagging[n % 3])
        if n % 13 == 0:
            site.store.compact()
    unmerged = site.count(*sets(site))
    site.count(*sets(site), by=lagging[0])
    site.compact()
    assert [unmerged] * 4 == [site.count(*sets(site), by=store) for store in (*lagging, site.opened())]
    assert {site.today: 30, site.today - 1: 30} == site.requests()


def test_compaction_ends(site: Site) -> None:
    """Once everything is merged there is nothing left to do, until there is more."""
    assert not site.store.compact()
    site.record(site.ping("x"), site.ping("y"))
    site.record(site.ping("x"))
    site.clock.advance(days=1)
    assert site.store.compact()
    assert not site.store.compact()
    site.record(site.ping("x", days=-1))
    assert site.writers[1].compact()
    assert not site.store.compact()


def test_a_snapshot_stands_still(site: Site) -> None:
    """Inside a snapshot every question sees the same commits, whatever is written and merged meanwhile."""
    site.record(site.ping("x"), site.ping("y"))
    asked = plan([anyone(site.app, site.today)])
    with site.reader.snapshot():
        before = site.reader.count(site.owner, asked)
        for n in range(20):
            site.record(site.ping(f"{n}", kind="begin"))
        site.compact(site.store)
        assert before == site.reader.count(site.owner, asked)
        assert {site.today: 2} == site.requests()
        assert ["x", "y"] == site.instances()
    after = site.reader.count(site.owner, asked)
    assert ([2], [22]) == (before.numbers, after.numbers)
    assert before.as_of < after.as_of


def test_numbers_rise_with_commits(site: Site) -> None:
    """An answer says as of which commit it holds; what changes no answer may leave that number alone."""
    asked = plan([anyone(site.app, site.today)])
    numbers = [site.reader.count(site.owner, asked).as_of]
    for _ in range(3):
        site.record(site.ping())
        numbers.append(site.reader.count(site.owner, asked).as_of)
    assert sorted(set(numbers)) == numbers
    batch = Batch("b", [site.ping()])
    site.store.record(batch)
    as_of = site.reader.count(site.owner, asked).as_of
    site.store.record(batch)
    site.fail()
    site.store.checkpoint()
    assert as_of == site.reader.count(site.owner, asked).as_of
