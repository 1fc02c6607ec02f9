"""Pruning removes what is past its keep, and nothing that is still needed."""

from homing.server.counting.sets import anyone, first
from homing.server.stores.base import Pruned
from tests.contract.site import Site


def test_a_dry_run_says_what_would_go(site: Site) -> None:
    """A dry run changes nothing, and gives the numbers that the run then gives."""
    site.record(site.ping("old", id="p"), site.ping("kept"))
    site.record(site.ping("old", app=site.other_app))
    site.clock.advance(days=8)
    site.record(site.ping("kept"))
    expected = Pruned(days=2, history=2, instances=2, ping_ids=1, batches=2)
    assert expected == site.store.prune(dry_run=True)
    assert ["kept", "old"] == site.instances()
    assert expected == site.store.prune()
    assert Pruned(0, 0, 0, 0, 0) == site.store.prune()
    assert (["kept"], []) == (site.instances(), site.instances(site.other_app))


def test_kept_days_are_kept(site: Site) -> None:
    """Of the days up to today as many stay as are to be kept; a lagging reader sees the others gone."""
    for _ in range(4):
        site.record(site.ping("x", version="1"), site.ping(None))
        site.clock.advance(days=1)
    today = site.today
    days = range(today - 4, today)
    assert [1, 1, 1, 1] == site.count(*(anyone(site.app, day) for day in days))
    site.store.prune()
    assert [0, 0, 1, 1] == site.count(*(anyone(site.app, day) for day in days))
    assert {today - 2: 2, today - 1: 2} == site.requests()
    assert {"1": (today - 2, today - 1)} == site.reader.values([site.app], list(days), dimension="version")


def test_history_goes_by_its_own_keep(site: Site) -> None:
    """Entries received before the kept days of history go, with the days they belong to kept or not."""
    site.record(site.ping("x", version="1"))
    site.clock.advance(days=2)
    site.record(site.ping("x", version="2"))
    site.clock.advance(days=1)
    site.store.prune()
    assert ["2"] == [each.dimensions["version"] for each in site.reader.history(site.app).items]
    assert ["x"] == site.instances()


def test_history_goes_from_merged_blocks(site: Site) -> None:
    """An entry past its keep goes from a block that also holds later ones."""
    for number in range(40):
        site.record(site.ping("x", version=str(number)))
        if number == 19:
            site.clock.advance(days=2)
    while site.store.compact():
        pass
    site.clock.advance(days=1)
    site.store.prune()
    kept = [each.dimensions["version"] for each in site.reader.history(site.app, limit=50).items]
    assert {str(number) for number in range(20, 40)} == set(kept)


def test_an_instance_stays_as_long_as_its_history(site: Site) -> None:
    """Who sent a late ping is known, and can be erased, until no entry of it is kept; also where nobody else sends."""
    site.record(site.ping("late", days=-2), site.ping("other"))
    site.clock.advance(days=1)
    assert Pruned(days=1, history=0, instances=0, ping_ids=0, batches=1) == site.store.prune()
    assert ["late", "other"] == sorted(each.instance_id for each in site.reader.history(site.app).items)
    assert {site.app: None} == site.store.bindings(site.owner, "late")
    site.clock.advance(days=2)
    assert 2 == site.store.prune().instances
    assert ([], []) == (site.instances(), site.reader.history(site.app).items)


def test_entries_of_merged_blocks_keep_their_own_alone(site: Site) -> None:
    """Of a block with entries both kept and not, those kept say who stays."""
    for number in range(40):
        site.record(site.ping("early" if number < 20 else "late", days=-2, version=str(number)))
        if number == 19:
            site.clock.advance(days=2)
    while site.store.compact():
        pass
    site.clock.advance(days=1)
    assert 1 == site.store.prune(dry_run=True).instances == site.store.prune().instances
    assert ["late"] == site.instances()


def test_a_pruned_instance_may_come_back(site: Site) -> None:
    """An instance that was dropped is new when it comes again, also to a writer that knew it."""
    site.record(site.ping("x"), by=site.writers[1])
    site.clock.advance(days=5)
    site.store.prune()
    site.record(site.ping("x"), site.ping("y"), by=site.writers[1])
    assert [2, 2] == site.count(anyone(site.app, site.today), first(site.app, site.today))
    assert ["x", "y"] == site.instances()


def test_an_instance_stays_for_another_app(site: Site) -> None:
    """A client that only one app forgot stays one client of its owner in the other."""
    site.record(site.ping("x"), site.ping("x", app=site.other_app))
    site.clock.advance(days=5)
    site.record(site.ping("x", app=site.other_app))
    site.store.prune()
    assert ([], ["x"]) == (site.instances(), site.instances(site.other_app))
    site.record(site.ping("x"))
    assert [1] == site.count(anyone(site.app, site.today) | anyone(site.other_app, site.today))


def test_the_erased_stay_erased(site: Site) -> None:
    """Pruning forgets no erasure."""
    site.record(site.ping("x"))
    site.store.erase(site.owner, "x")
    site.clock.advance(days=100)
    site.store.prune()
    assert ["instance_erased"] == site.record(site.ping("x"))


def test_late_pings_after_a_prune_are_counted(site: Site) -> None:
    """A day that was pruned away starts from nothing when a ping for it comes after all."""
    site.record(site.ping("x", version="1"))
    site.clock.advance(days=5)
    site.store.prune()
    site.record(site.ping("y", days=-5, version="1"))
    assert [1] == site.count(anyone(site.app, site.today - 5))
    assert {"1"} == set(site.reader.values([site.app], list(site.days()), dimension="version"))
