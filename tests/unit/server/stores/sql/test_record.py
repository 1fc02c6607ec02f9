"""A store that cannot be written for a while loses nothing and learns nothing wrong."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from homing.errors import StoreUnavailable
from homing.outcomes import ACCEPTED, DUPLICATE
from homing.server.counting.labels import CLONED, LATE_MS, RETURNS
from homing.server.counting.sets import anyone, first, marked, seen
from homing.server.stores.base import Batch
from homing.server.stores.sql import record
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.record import WARY_BATCHES
from homing.server.stores.sql.store import SqlStore
from homing.server.stores.sql.values import ValueLimits
from tests.contract.site import SMALL, Site
from tests.unit.server.stores.sql.trouble import before_writing, full_disk, impatient, locked


@pytest.fixture
def store(site: Site, database: Database) -> SqlStore:
    """A writer that does not wait for locks, and counts three values a day."""
    return SqlStore(impatient(database), site.clock, SMALL, ValueLimits(3, 4))


@pytest.mark.parametrize("trouble", [locked, lambda _file: full_disk()], ids=["locked", "full"])
def test_trouble_passes(
    site: Site, file: Path, store: SqlStore, trouble: Callable[[Path], AbstractContextManager[None]]
) -> None:
    """A batch fails as long as there is trouble, and the same batch is stored when it is over; readers go on."""
    store.record(Batch("before", [site.ping("old", version="1")]))
    batch = Batch("b", [site.ping("new", id="p", version="2"), site.ping("old", version="2", credential="1" * 64)])
    with trouble(file):
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                store.record(batch)
        assert [1, 0] == site.count(anyone(site.app, site.today), seen(site.app, site.today, "version", "2"))
        assert [1, 0] == site.count(anyone(site.app, site.today), seen(site.app, site.today, "version", "2"), by=store)
    assert [ACCEPTED, ACCEPTED] == store.record(batch)
    assert [2, 2, 2] == site.count(
        anyone(site.app, site.today), first(site.app, site.today), seen(site.app, site.today, "version", "2")
    )
    assert [ACCEPTED, ACCEPTED] == store.record(batch)


def test_trouble_keeps_what_was_put_off(site: Site, file: Path, store: SqlStore) -> None:
    """Last receipts that could not be written are written later."""
    for number in ("0", "1"):
        store.record(Batch(number, [site.ping("x")]))
    site.clock.advance(seconds=6)
    heard = site.ping("x")
    with locked(file):
        with pytest.raises(StoreUnavailable):
            store.record(Batch("2", [heard]))
        with pytest.raises(StoreUnavailable):
            store.settle()
    store.record(Batch("2", [heard]))
    store.settle()
    found = site.reader.instance(site.app, "x")
    assert found is not None
    assert heard.received == found.last_seen


def test_a_repeated_event_is_noted_later(site: Site, store: SqlStore) -> None:
    """An event that says what its instance said last is kept at once; its receipt is written with the others."""
    store.record(Batch("1", [site.ping("x", kind="startup")]))
    began = site.clock.now()
    for number in range(2, 5):
        site.clock.advance(seconds=1)
        store.record(Batch(f"{number}", [site.ping("x", kind="startup")]))
    assert 4 == len(site.reader.history(site.app, limit=9).items)
    assert [began] == [each.last_seen for each in site.reader.instances(site.owner, site.app).items]
    store.settle()
    assert [site.clock.now()] == [each.last_seen for each in site.reader.instances(site.owner, site.app).items]


@pytest.mark.parametrize("is_wary", [False, True])
def test_a_forgotten_id_beside_an_older_ping(site: Site, store: SqlStore, *, is_wary: bool) -> None:
    """An id is remembered for a week of its own ping's, whatever was received before it in the same batch."""
    store.record(Batch("1", [site.ping("x", id="p"), site.ping("x", id="q")]))
    site.clock.advance(days=7)
    if is_wary:
        store.record(Batch("2", [site.ping("x", id="r")]))
        assert [DUPLICATE] == store.record(Batch("3", [site.ping("x", id="r")]))
    again = site.ping("x", id="p")
    early = site.ping("x", id="q")._replace(received=again.received - 1)
    assert [ACCEPTED, DUPLICATE] == store.record(Batch("4", [again, early]))


def test_a_receipt_never_goes_back(site: Site, store: SqlStore) -> None:
    """What was received earlier and is committed later leaves the later receipt as it is."""
    early, late = site.ping("x"), site.ping("x")._replace(received=site.clock.now() + 2000)
    for number, ping in enumerate([early, late, early._replace(received=early.received + 1000)]):
        store.record(Batch(f"{number}", [ping]))
    store.settle()
    assert [late.received] == [each.last_seen for each in site.reader.instances(site.owner, site.app).items]


def test_every_owner_of_a_batch_is_looked_at(site: Site, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many owners share a batch, and however few batches are looked through, a second copy is found."""
    monkeypatch.setattr(record, "WARY_BATCHES", 1)
    again = site.ping("x", id="p")._replace(app=site.foreign_app)
    store.record(Batch("1", [again]))
    for number in range(2, 4):
        pings = [site.ping("x", id=f"{number}"), again]
        assert [ACCEPTED, DUPLICATE] == store.record(Batch(f"{number}", pings))


def test_last_receipts_are_written_in_portions(site: Site, store: SqlStore) -> None:
    """More receipts than one commit carries along are written by the next ones."""
    pings = [site.ping(f"{n}") for n in range(1200)]
    store.record(Batch("1", pings))
    site.clock.advance(seconds=6)
    now = site.clock.now()
    store.record(Batch("2", [ping._replace(received=now) for ping in pings]))
    for n in range(6):
        site.clock.advance(seconds=6)
        store.record(Batch(f"more-{n}", [site.ping(None)]))
    listed = site.reader.instances(site.owner, site.app, limit=2000).items
    assert {now} == {each.last_seen for each in listed}


def test_a_writer_that_waited_sees_what_was_committed(site: Site, database: Database, store: SqlStore) -> None:
    """What another writer commits while this one waits for the lock is not overlooked."""
    store.record(Batch("1", [site.ping("x")]))
    before_writing(database, lambda: site.record(site.ping("x", credential="1" * 64), site.ping("y", id="p")))
    verdicts = store.record(Batch("2", [site.ping("x"), site.ping("z", id="p"), site.ping("y")]))
    assert ["Refusal", "Outcome", "Outcome"] == [type(verdict).__name__ for verdict in verdicts]
    assert [2, 2] == site.count(anyone(site.app, site.today), first(site.app, site.today))


def test_ordinals_have_no_gaps(site: Site, database: Database) -> None:
    """Commits that failed deal no ordinal and take no number."""
    for n in range(3):
        site.record(site.ping(f"{n}"))
        site.fail(site.ping("lost"), site.ping(f"lost-{n}"))
        site.fail(site.ping("lost"), by=site.writers[1])
    with database.read() as connection:
        heads = connection.exec_driver_sql("SELECT seq, ordinals FROM head WHERE owner = ?", (site.owner,)).all()
        dealt = connection.exec_driver_sql("SELECT ordinal, instance_id FROM client ORDER BY ordinal").all()
    assert [(3, 3)] == heads
    assert [(1, "0"), (2, "1"), (3, "2")] == dealt


def test_an_id_is_noticed_with_and_without_looking(site: Site) -> None:
    """A second copy is a duplicate while ids are looked for and while they are not; what comes with it counts once."""
    assert ["accepted"] == site.record(site.ping("x", id="p", version="0"))
    for n in range(1, 4):
        assert ["accepted", "duplicate"] == site.record(site.ping(f"{n}", version=f"{n}"), site.ping("x", id="p"))
    for n in range(WARY_BATCHES + 1):
        site.record(site.ping("x", id=f"{n}"))
    assert ["accepted", "duplicate"] == site.record(site.ping("y", id="q"), site.ping("x", id="p"))
    assert ["duplicate"] == site.record(site.ping("y", id="q"))
    assert ["1", "2", "3", "x", "y"] == site.instances()
    assert [1] * 4 == site.count(*(seen(site.app, site.today, "version", f"{n}") for n in range(4)))
    assert {site.today: 1 + 3 + WARY_BATCHES + 1 + 1} == site.requests()


def test_a_batch_with_ids_comes_twice(site: Site) -> None:
    """A retried batch whose ids are claimed by itself gets the verdicts it had."""
    batch = Batch("again", [site.ping("x", id="p"), site.ping("y", id="p"), site.ping("z", id="q")])
    verdicts = site.store.record(batch)
    assert verdicts == site.store.record(batch)
    assert {site.today: 2} == site.requests()


def test_an_event_after_one_that_was_held_back_says_how_it_is(site: Site) -> None:
    """An event that says what a late one said is followed all the same: the machine may have changed back meanwhile."""
    site.clock.advance(seconds=43_200)
    for n in range(RETURNS + 2):
        now = site.ping("x", kind="event", version="12"[n % 2])._replace(is_event=True)
        site.record(now._replace(at=now.at - LATE_MS - 1), now)
    assert [1] == site.count(marked(site.app, CLONED))
