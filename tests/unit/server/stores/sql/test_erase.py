"""After the receipt nothing of the instance is left on the disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from pyroaring import BitMap
from sqlalchemy import event, text

from homing.errors import StoreUnavailable
from homing.server.counting.page import FEWEST
from homing.server.counting.segment import Segment, decode, encode
from homing.server.counting.sets import anyone
from homing.server.stores.base import Options, Receipt
from homing.server.stores.sql.compaction import compact
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.store import SqlStore
from homing.server.stores.written import digest
from tests.contract.engines import Sqlite
from tests.contract.site import SMALL, Site
from tests.unit.server.stores.sql.trouble import before_writing, impatient, read_for_long

ID, MARKER, TOKEN = "instance-to-be-erased", "marker-in-its-properties", "7" * 64


def on_disk(file: Path) -> bytes:
    """Return everything in the file, its write-ahead log and its index."""
    return b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))


def readable(raw: bytes) -> Iterator[bytes]:
    """Yield raw bytes as they are, and whatever Zstandard finds to unpack in them."""
    yield raw
    start = raw.find(zstandard.FRAME_HEADER)
    while start >= 0:
        yield _unpacked(raw[start : start + 65536])
        start = raw.find(zstandard.FRAME_HEADER, start + 1)


def _unpacked(raw: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    except zstandard.ZstdError:
        return b""


def holds(raw: bytes, *words: str) -> list[str]:
    """Return which of the words stand in raw bytes, packed or not."""
    texts = list(readable(raw))
    return [word for word in words if any(word.encode() in each for each in texts)]


def fill(site: Site) -> None:
    """Record the instance among others, on several days, its state changing."""
    for n in range(40):
        name = f"{MARKER}-{n}"
        erased = site.ping(ID, id=name, properties={"note": name}, credential=TOKEN, version=f"{n}")
        others = [site.ping(f"other-{n}-{m}", properties={"note": f"kept-{n}-{m}"}) for m in range(3)]
        site.record(*others[:2], erased, others[2])
        site.clock.advance(seconds=3600)
    site.store.settle()


@pytest.mark.parametrize("compacted", [False, True])
def test_nothing_is_left_on_the_disk(site: Site, file: Path, compacted: bool) -> None:  # noqa: FBT001 - a parameter
    """Neither id, token, ping id nor property can be found in the raw bytes, packed or not; others can."""
    fill(site)
    if compacted:
        site.compact()
        site.store.checkpoint()
    words = (ID, MARKER, TOKEN, digest(f"{MARKER}-1"), "other-1-1", "kept-1-1")
    assert list(words) == holds(on_disk(file), *words)
    before = site.requests()
    assert site.reader.erase(site.owner, ID)
    assert ["other-1-1", "kept-1-1"] == holds(on_disk(file), *words)
    assert before == site.requests()
    assert 120 == len(site.reader.history(site.app, limit=999).items)


def test_no_receipt_while_the_log_is_read(site: Site, file: Path, database: Database) -> None:
    """As long as a snapshot keeps the log from being emptied there is no receipt; asking again gives one."""
    fill(site)
    at = site.clock.now()
    store = SqlStore(impatient(database), site.clock, SMALL)
    with read_for_long(file):
        with pytest.raises(StoreUnavailable, match="log"):
            store.erase(site.owner, ID)
        assert [ID] == holds(on_disk(file), ID)
    assert Receipt(ID, at, 0, 0, 0) == store.erase(site.owner, ID)
    assert [] == holds(on_disk(file), ID, MARKER, TOKEN)


def test_no_row_is_left(site: Site, database: Database) -> None:
    """No table has a row of the ordinal, not even one that was put off."""
    site.record(site.ping("x", id="p"), by=site.writers[1])
    site.store.erase(site.owner, "x")
    site.writers[1].settle()
    site.record(site.ping(None), by=site.writers[1])
    with database.read() as connection:
        for table in ("client", "instance", "last_seen", "ping_id"):
            assert 0 == connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - ours


def test_only_days_that_knew_it_are_rewritten(site: Site, database: Database) -> None:
    """Pages without the instance stay as they are."""
    for n in range(4):
        site.record(site.ping("y", days=-n), site.ping("x", days=-min(n, 1)))

    def ids() -> dict[int, set[int]]:
        with database.read() as connection:
            rows = connection.execute(text("SELECT day, id FROM segment")).all()
        return {day: {row.id for row in rows if row.day == day} for day in {row.day for row in rows}}

    before = ids()
    receipt = site.store.erase(site.owner, "x")
    assert receipt is not None
    assert 2 == receipt.days
    after = ids()
    assert [False, False, True, True] == [before[site.today - n] == after[site.today - n] for n in range(4)]
    assert [1] * 4 == site.count(*(anyone(site.app, site.today - n) for n in range(4)))


def pages(database: Database) -> list[Segment]:
    """Return all segments, in commit order."""
    with database.read() as connection:
        return [decode(blob) for blob in connection.execute(text("SELECT blob FROM segment ORDER BY last")).scalars()]


def test_no_receipt_before_pages_are_merged(site: Site, database: Database) -> None:
    """Where a page could not be merged there is no receipt; once it can be, asking again merges it and gives one."""
    site.record(site.ping("x"), site.ping("y", version="1"))
    [whole] = pages(database)
    bitmap = whole.dimensions["version"]["1"].serialize()
    damaged = encode(whole).replace(bitmap, b"?" * len(bitmap))
    with database.write() as connection:
        connection.execute(text("UPDATE segment SET blob = :blob"), {"blob": damaged})
    with pytest.raises(ValueError, match="deserialize"):
        site.store.erase(site.owner, "x")
    with database.write() as connection:
        connection.execute(text("UPDATE segment SET blob = :blob WHERE first = 1"), {"blob": encode(whole)})
    assert 2 == len(pages(database))
    at = site.clock.now()
    assert Receipt("x", at, 0, 0, 0) == site.store.erase(site.owner, "x")
    assert [(BitMap([2]), BitMap())] == [(page.anyone, page.gone) for page in pages(database)]


def test_no_receipt_before_others_have_merged(engine: Sqlite) -> None:
    """Where another process merged just a part of a page meanwhile, the rest is merged before there is a receipt."""
    site = Site(engine, options=Options(bucket_bits=20))
    mine, theirs = Database(site.url), Database(site.url)
    site.record(*(site.ping(f"{n}", version=f"{n % 400}") for n in range(4000)))
    for _ in range(FEWEST - 1):
        site.record(site.ping(None))
    before_writing(mine, lambda: before_writing(mine, lambda: merged.append(compact(theirs, site.today))))
    merged: list[bool] = []
    assert SqlStore(mine, site.clock, Options(bucket_bits=20)).erase(site.owner, "7")
    assert [True] == merged
    assert [(3999, BitMap())] == [(len(page.anyone), page.gone) for page in pages(mine)]
    mine.close()
    theirs.close()
    site.close()


def test_pages_are_looked_through_before_the_lock_is_taken(site: Site, database: Database) -> None:
    """As long as nobody else can write just what is newer than the look is read."""
    for n in range(3):
        site.record(site.ping("x", days=-n))
    said: list[str] = []
    event.listen(database.engine, "checkout", lambda driver, *_: driver.set_trace_callback(said.append))
    assert SqlStore(database, site.clock, SMALL).erase(site.owner, "x")
    begin = said.index("BEGIN IMMEDIATE")
    inside = said[begin : said.index("COMMIT", begin)]
    read = [each for each in inside if each.startswith("SELECT") and "segment.blob" in each]
    assert [True] == ["segment.last > 3 " in each for each in read]


def test_what_came_in_between_is_erased(site: Site, database: Database) -> None:
    """A day on which the instance was heard from after the look is erased with the others."""
    site.record(site.ping("x"), site.ping("y"))
    before_writing(database, lambda: site.record(site.ping("x", days=-1), site.ping("y", days=-1)))
    receipt = SqlStore(database, site.clock, SMALL).erase(site.owner, "x")
    assert receipt is not None
    assert 2 == receipt.days
    assert [["y"], ["y"]] == [site.members(anyone(site.app, site.today - n)) for n in range(2)]


def test_who_came_anew_in_between_is_erased(site: Site, database: Database) -> None:
    """An id that was pruned after the look, and came again as another client, is erased where it is now."""
    site.record(site.ping("x"), site.ping("y"))
    site.clock.advance(days=5)

    def meanwhile() -> None:
        site.store.prune()
        site.record(site.ping("x"), site.ping("y"))

    before_writing(database, meanwhile)
    receipt = SqlStore(database, site.clock, SMALL).erase(site.owner, "x")
    assert receipt is not None
    assert 1 == receipt.days
    assert ["y"] == site.members(anyone(site.app, site.today))
    assert [] == site.members(anyone(site.app, site.today - 5))


def test_who_was_erased_in_between(site: Site, database: Database) -> None:
    """Where another process erased it after the look, the receipt is that of asking again."""
    site.record(site.ping("x"))
    at = site.clock.now()
    before_writing(database, lambda: site.store.erase(site.owner, "x"))
    assert Receipt("x", at, 0, 0, 0) == SqlStore(database, site.clock, SMALL).erase(site.owner, "x")
