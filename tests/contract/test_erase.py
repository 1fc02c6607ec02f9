"""Erasing an instance takes out everything of it, and nothing of anybody else."""

import pytest

from homing.server.counting.sets import anyone, first, seen
from homing.server.stores.base import Batch, Receipt
from tests.contract.site import Site


@pytest.fixture
def told(site: Site) -> Site:
    """A site that heard from two instances, on three days and in two apps."""
    site.record(site.ping("x", version="1"), site.ping("y", version="1"), site.ping("x", app=site.other_app))
    site.record(site.ping("x", days=-1, version="2", id="p"), site.ping("y", kind="begin", id="q"))
    return site


def test_the_receipt_says_what_went(told: Site) -> None:
    """The receipt counts the apps, the days and the history entries of the instance, and of no other."""
    told.record(told.ping("y", days=-2))
    assert Receipt("x", told.clock.now(), 2, 3, 3) == told.store.erase(told.owner, "x")


def test_the_erased_count_no_more(told: Site) -> None:
    """A reader that held the pages sees the instance gone from every day, app and value; requests stay."""
    today = told.today
    places = [(told.app, today), (told.app, today - 1), (told.other_app, today)]
    asked = [anyone(*place) for place in places] + [first(*place) for place in places]
    asked += [seen(told.app, today, "version", "1"), seen(told.app, today - 1, "version", "2")]
    assert [2, 1, 1, 2, 0, 1, 2, 1] == told.count(*asked)
    told.store.erase(told.owner, "x")
    assert [1, 0, 0, 1, 0, 0, 1, 0] == told.count(*asked)
    assert [1, 0, 0, 1, 0, 0, 1, 0] == told.count(*asked, by=told.opened())
    assert {today: 3, today - 1: 1} == told.requests()


def test_the_registry_forgets_the_erased(told: Site) -> None:
    """No list, no look-up and no history names the instance any more."""
    told.store.settle()
    told.store.erase(told.owner, "x")
    for app in (told.app, told.other_app):
        assert told.reader.instance(app, "x") is None
        assert [] == told.reader.history(app, instance_id="x").items
        assert "x" not in told.instances(app)
    assert ["y", "y"] == [each.instance_id for each in told.reader.history(told.app).items]
    assert ["y"] == told.members(anyone(told.app, told.today))


@pytest.mark.parametrize("writer", [0, 1])
def test_the_erased_are_refused(told: Site, writer: int) -> None:
    """Pings of the erased id are refused in every app, also by a writer that knew the instance."""
    told.record(told.ping("x"), told.ping("y"), by=told.writers[1])
    told.writers[0].erase(told.owner, "x")
    by = told.writers[writer]
    assert ["instance_erased", "instance_erased", "accepted"] == told.record(
        told.ping("x", id="p"), told.ping("x", app=told.other_app), told.ping("y"), by=by
    )
    assert ["accepted"] == told.record(told.ping("z", id="p"), by=by)


def test_another_owner_keeps_the_instance(told: Site) -> None:
    """The same id at another owner is another client."""
    told.record(told.ping("x", app=told.foreign_app))
    told.store.erase(told.owner, "x")
    assert ["accepted"] == told.record(told.ping("x", app=told.foreign_app))
    assert ["x"] == told.instances(told.foreign_app)


def test_others_may_come_anew(told: Site) -> None:
    """An ordinal that was erased is never dealt again: newcomers after an erasure are counted."""
    told.store.erase(told.owner, "y")
    told.record(told.ping("z"), by=told.writers[1])
    told.record(told.ping("w"))
    assert [3] == told.count(anyone(told.app, told.today))
    assert [0] == told.count(seen(told.app, told.today, "version", "1") - anyone(told.other_app, told.today))


def test_an_unknown_id_has_no_receipt(told: Site) -> None:
    """What was never heard of cannot be erased, at another owner neither."""
    assert told.store.erase(told.owner, "nobody") is None
    assert told.store.erase(told.stranger, "x") is None
    assert ["accepted"] == told.record(told.ping("nobody"))


def test_erasing_again_finds_nothing(told: Site) -> None:
    """A second erasure gives a receipt of nothing more, with the time of the first."""
    at = told.clock.now()
    told.store.erase(told.owner, "x")
    told.clock.advance(seconds=5)
    assert Receipt("x", at, 0, 0, 0) == told.writers[1].erase(told.owner, "x")


def test_a_retried_batch_brings_nobody_back(told: Site) -> None:
    """A batch that was stored before the erasure changes nothing when it comes again."""
    batch = Batch("b", [told.ping("x"), told.ping("v")])
    told.store.record(batch)
    told.store.erase(told.owner, "x")
    told.store.record(batch)
    assert ["v", "y"] == told.instances()


def test_a_put_off_receipt_brings_nobody_back(told: Site) -> None:
    """A writer that has not written the last receipt of the erased writes nothing of it later."""
    told.record(told.ping("x"))
    told.writers[1].erase(told.owner, "x")
    told.store.settle()
    assert ["y"] == told.instances()


@pytest.mark.parametrize("compacted", [False, True])
def test_erasing_in_a_closed_day(site: Site, compacted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Erasing works in pages as in segments, and a day over stays one page."""
    site.record(*(site.ping(f"{n}", version="1") for n in range(6)))
    site.clock.advance(days=1)
    if compacted:
        site.compact()
    site.store.erase(site.owner, "3")
    site.record(site.ping("7", days=-1))
    site.compact()
    assert ["0", "1", "2", "4", "5", "7"] == site.members(anyone(site.app, site.today - 1))
    assert [5] == site.count(seen(site.app, site.today - 1, "version", "1"))
