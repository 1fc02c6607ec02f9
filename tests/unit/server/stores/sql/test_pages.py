"""A reader's pages follow the commits, however the segments are merged and however little the cache holds."""

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from homing.ping import Ping
from homing.server.counting.segment import decode, encode, merge
from homing.server.counting.sets import Set, anyone, first, plan, seen
from homing.server.stores.base import Batch
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.pages import EMPTY_BYTES, Pages
from homing.server.stores.sql.schema import segment
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Sqlite
from tests.contract.site import SMALL, Site
from tests.oracle import Oracle

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(0, 8), st.integers(1, 3), st.integers(-1, 0)),
        st.tuples(st.just("record"), st.integers(0, 8), st.integers(1, 3), st.integers(-1, 0)),
        st.tuples(st.just("merge"), st.integers(0, 5), st.integers(0, 20), st.integers(2, 6)),
        st.tuples(st.just("ask"), st.integers(0, 1), st.just(0), st.just(0)),
        st.tuples(st.just("erase"), st.integers(0, 8), st.just(0), st.just(0)),
    ),
    min_size=5,
    max_size=40,
)


def merge_run(database: Database, place: int, start: int, length: int) -> None:
    """Merge any contiguous run of any one place, as no engine of ours would choose it."""
    with database.write() as connection:
        rows = connection.execute(select(segment).order_by(segment.c.last)).all()
        places = sorted({(row.app, row.day, row.bucket) for row in rows})
        if not places:
            return
        chosen = places[place % len(places)]
        run = [row for row in rows if (row.app, row.day, row.bucket) == chosen][start : start + length]
        if len(run) < 2:
            return
        blob = encode(merge(decode(row.blob) for row in run))
        connection.execute(delete(segment).where(segment.c.id.in_([row.id for row in run])))
        ends = {"first": run[0].first, "last": run[-1].last, "size": len(blob), "blob": blob}
        connection.execute(
            insert(segment), {"owner": run[0].owner, "app": chosen[0], "day": chosen[1], "bucket": chosen[2], **ends}
        )


def questions(site: Site) -> list[Set]:
    """Return everything that can be asked of today and yesterday."""
    under = [("version", value) for value in ("1", "2", "3", None)] + [("kind", "heartbeat")]
    days = (site.today - 1, site.today)
    return [
        *(ask(site.app, day) for day in days for ask in (anyone, first)),
        *(seen(site.app, day, name, value) for day in days for name, value in under),
    ]


@settings(max_examples=40, suppress_health_check=STORE_CHECKS)
@given(STEPS)
def test_any_run_may_be_merged_at_any_time(engine: Sqlite, steps: list[tuple[str, int, int, int]]) -> None:
    """Two readers with marks of different age, one with a cache that holds nothing, follow merges of any run."""
    site = Site(engine)
    database = Database(site.url)
    readers = (site.reader, site.opened())
    oracle = Oracle(site.owners)
    expected: Callable[[Set], int] = lambda asked: len(oracle.log.members(asked))  # noqa: E731 - typed beside its use

    def record(name: int, version: int, days: int) -> None:
        ping: Ping = site.ping(f"{name}", version=f"{version}", days=days)
        batch = Batch(site.next_id(), [ping])
        site.store.record(batch)
        oracle.record(batch.id, [ping], site.clock.now())

    for what, one, other, third in [*steps, ("ask", 0, 0, 0), ("ask", 1, 0, 0)]:
        if what == "record":
            record(one, other, third)
        elif what == "merge":
            merge_run(database, one, other, third)
        elif what == "erase":
            site.store.erase(site.owner, f"{one}")
            oracle.erase(site.owner, f"{one}")
        else:
            asked = questions(site)
            assert list(map(expected, asked)) == site.count(*asked, by=readers[one])
            days = list(site.days())
            requests = readers[one].requests(site.owner, [site.app], days=days, filters={}, by="version")
            assert oracle.log.requests([(site.app, day) for day in days], {}, "version") == requests
    database.close()
    site.close()


def test_a_cache_that_holds_nothing_answers_too(site: Site, database: Database) -> None:
    """Pages that do not fit are loaded again whenever they are asked for."""
    for n in range(20):
        site.record(site.ping(f"{n}", version=f"{n % 3}"))
    pages = Pages(0)
    for _ in range(2):
        with database.read() as connection:
            mark, ordinals = pages.refresh(connection, site.owner)
            assert (20, 20) == (mark, ordinals)
            found = [pages.page(connection, site.app, day=site.today, bucket=bucket) for bucket in range(6)]
        assert 20 == sum(len(page.folded.anyone) for page in found)


def test_a_cache_keeps_what_was_used_last(site: Site, database: Database) -> None:
    """The page that was not used for longest goes first, and what is kept is the same page."""
    pages = Pages(2 * EMPTY_BYTES)
    with database.read() as connection:
        pages.refresh(connection, site.owner)
        one, _two = (pages.page(connection, site.app, day=day, bucket=0) for day in (1, 2))
        assert one is pages.page(connection, site.app, day=1, bucket=0)
        pages.page(connection, site.app, day=3, bucket=0)
        assert one is pages.page(connection, site.app, day=1, bucket=0)


def test_a_page_grows_with_its_commits(site: Site, database: Database) -> None:
    """A held page absorbs what is new, and is read anew only when it was merged with something old."""
    pages = Pages(1 << 20)

    def page() -> object:
        with database.read() as connection:
            pages.refresh(connection, site.owner)
            pages.prepare(connection, site.owner, days=[(site.app, site.today)], bucket=0)
            return pages.page(connection, site.app, day=site.today, bucket=0)

    site.record(site.ping("x"))
    held = page()
    site.record(site.ping("y"))
    assert held is page()
    for _ in range(3):
        site.record(site.ping("y"))
    merge_run(database, 0, 2, 3)
    assert held is page()
    site.record(site.ping("z"))
    merge_run(database, 0, 0, 4)
    assert held is not page()


def test_marks_never_go_back(site: Site) -> None:
    """Answers of one store rise from commit to commit."""
    asked = plan([anyone(site.app, site.today)])
    marks = []
    for n in range(5):
        site.record(site.ping(f"{n}"))
        marks.append(site.reader.count(site.owner, asked).as_of)
    assert all(earlier < later for earlier, later in pairwise(marks))
    assert SMALL.bucket_bits == 2
