"""Segments become pages without anybody losing anything."""

from collections.abc import Iterator

import pytest
from pyroaring import BitMap
from sqlalchemy import insert, text

from homing.ping import Ping
from homing.server.counting.page import FEWEST
from homing.server.counting.segment import Segment, decode, encode
from homing.server.counting.sets import anyone, seen
from homing.server.stores.base import Options
from homing.server.stores.sql.compaction import compact, compact_place
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.schema import segment
from homing.server.stores.sql.segments import Place
from tests.contract.engines import Sqlite
from tests.contract.site import Site
from tests.unit.server.stores.sql.trouble import before_writing


def rows(database: Database, day: int) -> list[tuple[int, int, int]]:
    """Return the id and the ends of each segment of a day, in commit order."""
    with database.read() as connection:
        asked = text("SELECT id, first, last FROM segment WHERE day = :day ORDER BY last")
        found = connection.execute(asked, {"day": day})
        return [(row.id, row.first, row.last) for row in found]


def test_a_day_over_ends_as_one_row(site: Site, database: Database) -> None:
    """Once the day is over each bucket has one page, which keeps the ends of what it was made of."""
    for n in range(10):
        site.record(site.ping(f"{n % 3}"))
    site.clock.advance(days=1)
    site.compact()
    assert [(1, 10)] == [(first, last) for _id, first, last in rows(database, site.today - 1)]
    site.record(site.ping("0", days=-1))
    site.compact()
    assert [(1, 11)] == [(first, last) for _id, first, last in rows(database, site.today - 1)]


def test_while_the_day_lasts_few_are_left_alone(site: Site, database: Database) -> None:
    """Fewer segments than are worth it stay as they are."""
    for _ in range(FEWEST - 1):
        site.record(site.ping())
    assert not compact(database, site.today)
    site.record(site.ping())
    assert compact(database, site.today)
    assert 1 == len(rows(database, site.today))


def test_ids_are_never_dealt_twice(site: Site, database: Database) -> None:
    """A page gets an id no segment ever had, also when the table was empty in between."""
    site.record(site.ping("x"))
    highest = rows(database, site.today)[-1][0]
    with database.write() as connection:
        connection.execute(text("DELETE FROM segment"))
    site.record(site.ping("x"))
    assert rows(database, site.today)[0][0] > highest


def test_two_compactors_do_no_harm(site: Site, database: Database) -> None:
    """Who finds that somebody else merged the same run meanwhile leaves it at that."""
    for n in range(9):
        site.record(site.ping(f"{n % 3}"))
    before_writing(database, lambda: site.compact(site.store))
    place = Place(site.app, site.today, 0)
    assert not compact_place(database, place, over=True)
    assert [3] == site.count(anyone(site.app, site.today))
    assert {site.today: 9} == site.requests()


def test_a_commit_in_between_stays_apart(site: Site, database: Database) -> None:
    """What is recorded while a run is merged is not part of it, and not lost."""
    for n in range(9):
        site.record(site.ping(f"{n % 3}"))
    before_writing(database, lambda: site.record(site.ping("0", version="new")))
    assert compact(database, site.today)
    assert [(1, 9), (10, 10)] == [(first, last) for _id, first, last in rows(database, site.today)]
    assert {site.today: 10} == site.requests()


def test_a_place_that_cannot_be_read(site: Site, database: Database) -> None:
    """It holds up no other place, nor the history; once nothing else is left to merge it is told of."""
    for _ in range(40):
        site.record(site.ping("x"), site.ping("x", app=site.other_app, kind="begin"))
    with database.write() as connection:
        connection.execute(text("UPDATE segment SET blob = x'00' WHERE app = :app"), {"app": site.app})
    assert compact(database, site.today)
    with pytest.raises(TypeError):
        site.store.compact()
    with database.read() as connection:
        rows = connection.execute(text("SELECT app, count(*) AS n FROM segment GROUP BY app"))
        merged = {row.app: row.n for row in rows}
        blocks = connection.execute(text("SELECT count(*) FROM history WHERE app = :app"), {"app": site.other_app})
        assert ({site.app: 40, site.other_app: 1}, 1) == (merged, blocks.scalar_one())


def test_an_erasure_in_between_stays_an_erasure(site: Site, database: Database) -> None:
    """What is erased while a run is merged does not come back with the page."""
    for n in range(9):
        site.record(site.ping(f"{n % 3}"))
    before_writing(database, lambda: site.store.erase(site.owner, "1"))
    compact(database, site.today)
    assert [2] == site.count(anyone(site.app, site.today))
    site.compact()
    assert [2] == site.count(anyone(site.app, site.today), by=site.opened())


@pytest.fixture
def wide(engine: Sqlite) -> Iterator[Site]:
    """A fresh store whose clients all share one bucket, so that a page can be large."""
    made = Site(engine, options=Options(bucket_bits=20))
    yield made
    made.close()


def crowd(site: Site) -> list[Ping]:
    """Make pings of so many clients and values that their segment is large."""
    return [site.ping(f"{n}", version=f"{n % 400}") for n in range(4000)]


def test_a_page_beside_a_larger_one_keeps_whom_it_lost(wide: Site) -> None:
    """Where an older page is left out of a merge, those erased since are still taken out of it."""
    database = Database(wide.url)
    wide.record(*crowd(wide))
    blob = encode(Segment(gone=BitMap([7])))
    with database.write() as connection:
        seq = connection.execute(text("UPDATE head SET seq = seq + 1 WHERE owner = 1 RETURNING seq")).scalar_one()
        ends = {"first": seq, "last": seq, "size": len(blob), "blob": blob}
        row = {"owner": wide.owner, "app": wide.app, "day": wide.today, "bucket": 0, **ends}
        connection.execute(insert(segment), row)
    for _ in range(FEWEST):
        wide.record(wide.ping("0", version="0"))
    assert compact(database, wide.today)
    assert [(1, 1), (2, 2 + FEWEST)] == [(first, last) for _id, first, last in rows(database, wide.today)]
    assert [3999] == wide.count(anyone(wide.app, wide.today))
    database.close()


def test_runs_are_chosen_in_commit_order(wide: Site) -> None:
    """A page may have a higher id than what was committed after it; it still stands before that."""
    database = Database(wide.url)
    for _ in range(FEWEST):
        wide.record(*(wide.ping(f"{n}", version="old") for n in range(3)))
    before_writing(database, lambda: wide.record(*crowd(wide)))
    assert compact(database, wide.today)
    for _ in range(FEWEST):
        wide.record(wide.ping("0", version="0"))
    assert compact(database, wide.today)
    expected = [(1, 8), (9, 9), (10, 9 + FEWEST)]
    assert expected == [(first, last) for _id, first, last in rows(database, wide.today)]
    asked = seen(wide.app, wide.today, "version", "old")
    assert [0] == wide.count(asked, by=wide.opened())
    assert compact(database, wide.today + 1)
    assert [0] == wide.count(asked, by=wide.opened())
    database.close()


def test_a_whole_page_forgets_whom_it_lost(site: Site, database: Database) -> None:
    """Once nothing older is left, a page does not name the erased any more."""
    site.record(site.ping("x"), site.ping("y"))
    site.store.erase(site.owner, "x")
    with database.read() as connection:
        blobs = connection.execute(text("SELECT blob FROM segment")).scalars().all()
    assert [([], [2])] == [(list(page.gone), list(page.anyone)) for page in map(decode, blobs)]
