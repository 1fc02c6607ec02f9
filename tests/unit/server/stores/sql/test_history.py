"""History blocks: how they are merged, and how they are read."""

import zlib
from collections.abc import Callable

import pytest
import zstandard
from sqlalchemy import text

from homing.server.stores.base import Made
from homing.server.stores.sql import history
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.draft import HistoryRow
from tests.contract.site import Site, everything
from tests.unit.server.stores.sql.trouble import before_writing

MIB = 1 << 20


def entries(site: Site) -> list[int]:
    """Return the numbers that the entries of the history were given, oldest first."""
    found = everything(lambda after: site.reader.history(site.app, after=after, limit=100))
    return [each.properties["n"] for each in reversed(found)]


def filled(site: Site, commits: int) -> list[int]:
    """Record commits of three instances, one second apart."""
    for n in range(commits):
        site.clock.advance(seconds=1)
        site.record(*(site.ping(name, kind="begin", properties={"n": n}) for name in "abc"))
    return [n for n in range(commits) for _ in "abc"]


def blocks(database: Database) -> list[tuple[int, int]]:
    """Return the level and the number of entries of each block."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT level, entries FROM history ORDER BY id"))
        return [(row.level, row.entries) for row in rows]


def test_few_blocks_are_left_alone(site: Site, database: Database) -> None:
    """Blocks are merged once they are many."""
    filled(site, history.FEWEST - 1)
    assert not history.compact(database)
    filled(site, 1)
    assert history.compact(database)
    assert [(1, 3 * history.FEWEST)] == blocks(database)
    assert not history.compact(database)


def test_merged_blocks_are_sorted_by_instance(site: Site, database: Database) -> None:
    """Merging regroups a block by instance, each in the order of receipt, and loses nothing."""
    expected = filled(site, history.FEWEST)
    assert history.compact(database)
    with database.read() as connection:
        [blob] = connection.execute(text("SELECT blob FROM history")).scalars()
    rows = history.unpack(blob)
    assert sorted((row.ordinal, row.received) for row in rows) == [(row.ordinal, row.received) for row in rows]
    assert expected == entries(site)


def test_blocks_of_earlier_versions_are_read(site: Site, database: Database) -> None:
    """Blocks were compressed with zlib once: they are listed, and merged into blocks that are not."""
    expected = filled(site, history.FEWEST)
    with database.write() as connection:
        for number, blob in connection.execute(text("SELECT id, blob FROM history")).all():
            old = {"of": number, "blob": zlib.compress(zstandard.decompress(blob))}
            connection.execute(text("UPDATE history SET blob = :blob WHERE id = :of"), old)
    assert expected == entries(site)
    assert history.compact(database)
    assert expected == entries(site)


def test_merging_is_prepared_aside(site: Site, database: Database) -> None:
    """What takes long is done aside, and nothing is written there."""
    filled(site, history.FEWEST)
    made: list[object] = []

    def aside(work: Callable[[], Made]) -> Made:
        before = blocks(database)
        found = work()
        made.append(found)
        assert before == blocks(database)
        return found

    assert history.compact(database, aside)
    assert 1 == len(made) == len(blocks(database))


def test_blocks_are_merged_outside_of_a_snapshot(
    site: Site, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While blocks are read and sorted the log can begin anew: nobody holds what is old."""
    expected = filled(site, history.FEWEST)
    busy: list[int] = []
    read = zstandard.decompress

    def watched(blob: bytes) -> bytes:
        with database.engine.connect() as connection:
            busy.append(connection.connection.cursor().execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0])
        assert not busy[-1]
        return read(blob)

    with monkeypatch.context() as patched:
        patched.setattr(zstandard, "decompress", watched)
        assert history.compact(database)
    assert history.FEWEST == len(busy)
    assert expected == entries(site)


def test_damage_is_noticed() -> None:
    """A block of which any byte is not as it was written is not read."""
    blob = history.block(1, [HistoryRow(1, n, n, "begin", f'{{"n": {n}}}') for n in range(50)], level=0)["blob"]
    for place in range(len(blob)):
        damaged = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with pytest.raises((zstandard.ZstdError, zlib.error)):
            history.unpack(damaged)


def test_a_huge_block_does_not_stop_the_rest(site: Site, database: Database) -> None:
    """A block larger than what is merged at once is passed by, and merging ends."""
    with database.write() as connection:
        for n in range(2 * history.FEWEST):
            size = 33 * MIB if n in {0, 40} else 10
            history.add(connection, site.app, rows=[HistoryRow(1, n, n, "begin", "x" * size)])
    rounds = 0
    while history.compact(database):
        rounds += 1
        assert rounds < 20
    found = blocks(database)
    assert 2 * history.FEWEST == sum(number for _level, number in found)
    assert len(found) < history.FEWEST


@pytest.mark.parametrize("name", ["a", "b"])
def test_merging_and_erasing_meet(site: Site, database: Database, name: str) -> None:
    """A merge that finds an instance erased meanwhile writes nothing of it back."""
    filled(site, history.FEWEST)
    before_writing(database, lambda: site.store.erase(site.owner, name))
    assert not history.compact(database)
    assert 2 * history.FEWEST == len(entries(site))
    assert history.compact(database)
    assert {"a", "b", "c"} - {name} == {each.instance_id for each in site.reader.history(site.app, limit=999).items}


def test_an_instance_is_found_in_few_blocks(site: Site, database: Database) -> None:
    """Once merged, most blocks need not be opened to find one instance."""
    with database.write() as connection:
        for n in range(history.FEWEST):
            rows = [HistoryRow(ordinal, n, n, "begin", "{}") for ordinal in range(1, 1001)]
            history.add(connection, site.app, rows=rows)
    assert history.compact(database)
    with database.read() as connection:
        holding = connection.execute(text("SELECT count(*) FROM history WHERE low <= 500 AND high >= 500")).scalar_one()
        found = history.read(connection, history.Wanted(site.app, 500, None), after=None, limit=999)
    assert holding <= 2
    assert len(blocks(database)) >= 7
    assert list(reversed(range(history.FEWEST))) == [row.received for row in found]
