"""Connections to SQLite, and what becomes of its errors."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, text
from sqlalchemy.exc import ProgrammingError

from homing.errors import StartError, StoreRejected, StoreUnavailable
from homing.server.stores.sql.database import Database, among, bulk_insert
from homing.server.stores.sql.schema import batch, client, tombstone
from homing.server.stores.sql.text import json_list
from tests.unit.server.stores.sql.trouble import full_disk, impatient, locked

SOON_SECONDS = 5
"""Half of what the write lock is waited for."""

ROW = {"id": "b", "at": 1, "verdicts": b""}


def add(database: Database, **changed: object) -> None:
    """Write one row."""
    with database.write() as connection:
        connection.execute(insert(batch), {**ROW, **changed})


def ids(database: Database) -> list[str]:
    """Read what was written."""
    with database.read() as connection:
        return list(connection.execute(select(batch.c.id)).scalars())


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 10_000),
    ],
)
def test_every_connection_is_prepared(database: Database, pragma: str, expected: object) -> None:
    """Commits are durable, keys are checked, what is deleted is overwritten, and locks are waited for."""
    with database.read() as connection:
        assert expected == connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()


def test_a_block_is_a_transaction(database: Database) -> None:
    """What is written in a block is there after it, or nothing of it when the block failed."""
    add(database)
    with pytest.raises(KeyError), database.write() as connection:  # noqa: PT012 - the block is what is tested
        connection.execute(delete(batch))
        raise KeyError
    assert ["b"] == ids(database)


def test_a_reader_has_one_snapshot(database: Database) -> None:
    """A block of reading sees nothing of what is committed meanwhile, and blocks no writer."""
    with database.read() as connection:
        assert [] == connection.execute(select(batch)).all()
        add(database)
        assert [] == connection.execute(select(batch)).all()
    assert ["b"] == ids(database)


@pytest.mark.parametrize(
    "changed",
    [{"at": 2**63}, {"at": -(2**63) - 1}, {"id": "\ud800"}, {"at": None}, {"id": "taken"}],
    ids=["large", "small", "surrogate", "null", "twice"],
)
def test_what_does_not_fit_is_rejected(database: Database, changed: dict[str, object]) -> None:
    """A value the database cannot hold, or not once more, is the giver's fault, and the next write works."""
    add(database, id="taken")
    with pytest.raises(StoreRejected):
        add(database, **changed)
    add(database)
    assert ["b", "taken"] == sorted(ids(database))


def test_a_lock_makes_it_unavailable(database: Database, file: Path) -> None:
    """A lock held for too long stops writers, not readers, and passes."""
    impatient(database)
    with locked(file):
        with pytest.raises(StoreUnavailable, match="locked"):
            add(database)
        assert [] == ids(database)
    add(database)
    assert ["b"] == ids(database)


def test_a_lock_is_waited_for(database: Database, file: Path) -> None:
    """Who finds the lock held has it once it is free, and the connection is as patient after that as it was before."""
    with ThreadPoolExecutor() as pool:
        with locked(file):
            written = pool.submit(add, database)
            with pytest.raises(TimeoutError):
                written.result(0.1)
        written.result(10)
    assert ["b"] == ids(database)
    with database.read() as connection:
        assert database.patience_ms == connection.exec_driver_sql("PRAGMA busy_timeout").scalar()


def test_a_full_disk_makes_it_unavailable(database: Database) -> None:
    """A disk that is full stops writers, not readers, and passes."""
    add(database, id="before")
    with full_disk():
        with pytest.raises(StoreUnavailable):
            add(database)
        assert ["before"] == ids(database)
    add(database)
    assert ["b", "before"] == sorted(ids(database))


def test_trouble_renews_the_connections(database: Database, file: Path) -> None:
    """After trouble a new connection is opened: an old one may remember that the file was read-only."""
    impatient(database)
    opened: list[object] = []
    event.listen(database.engine, "connect", lambda connection, _: opened.append(connection))
    ids(database)
    ids(database)
    with locked(file), pytest.raises(StoreUnavailable):
        add(database)
    before = len(opened)
    add(database)
    assert (1, before + 1) == (before, len(opened))


def test_what_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """A file of something else is said to be none."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 1000)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailable, match="not a database"):
        ids(database)
    assert path.read_text().startswith("Dear reader")


def test_a_missing_table_is_unavailable(tmp_path: Path) -> None:
    """What an administrator can mend is never a traceback."""
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreUnavailable, match="no such table"):
        ids(database)
    database.close()


def test_a_bug_stays_a_bug(database: Database) -> None:
    """A statement that is wrong in itself is not hidden behind trouble with the store."""
    with pytest.raises(ProgrammingError), database.read() as connection:
        connection.exec_driver_sql("SELECT 1; SELECT 2")


def test_a_directory_is_made(tmp_path: Path) -> None:
    """The directory of a new file is made; where it cannot be, the reason is given."""
    Database(f"sqlite:///{tmp_path / 'a' / 'b' / 'c.db'}").close()
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be made"):
        Database(f"sqlite:///{tmp_path / 'file' / 'c.db'}")


def test_many_values_are_one_parameter(database: Database) -> None:
    """A condition takes any number of values, and takes text for text."""
    names = ["1", "null", "[", "'", "ü", *(f"{n}" for n in range(2, 5000))]
    with database.write() as connection:
        for n, name in enumerate(names):
            connection.execute(insert(batch), {**ROW, "id": name, "at": n})
        asked = select(batch.c.id).where(among(batch.c.id, "wanted"))
        assert 0 == len(connection.execute(asked, {"wanted": json_list([])}).all())
        assert set(names) == set(connection.execute(asked, {"wanted": json_list([*names, "other"])}).scalars())
        numbers = select(batch.c.id).where(among(batch.c.at, "wanted"))
        assert ["null"] == list(connection.execute(numbers, {"wanted": json_list([1])}).scalars())


def test_many_rows_are_one_statement(database: Database) -> None:
    """A bulk insert takes any number of rows, text as it is, and replaces just what it is told to."""
    rows = [(1, n, f"{n}: ü'\"[\\") for n in range(3000)]
    with database.write() as connection:
        bulk_insert(client, "owner", "ordinal", "instance_id")(connection, rows)
        assert rows == [tuple(row) for row in connection.execute(select(client).order_by(client.c.ordinal))]
        for at in (1, 2**63 - 1):
            bulk_insert(tombstone, "owner", "digest", "at", changing=("at",))(connection, [(1, "a", at), (1, "b", at)])
        expected = [(1, "a", 2**63 - 1), (1, "b", 2**63 - 1)]
        assert expected == [tuple(row) for row in connection.execute(select(tombstone))]


def test_a_bulk_insert_asks_for_nothing_back(database: Database) -> None:
    """It says how many rows it wrote; to have their keys returned would cost more than to write them."""
    said: list[str] = []
    with database.write() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.set_trace_callback(said.append)
        assert 2 == bulk_insert(tombstone, "owner", "digest", "at")(connection, [(1, "a", 1), (1, "b", 1)])
        assert 0 == bulk_insert(tombstone, "owner", "digest", "at")(connection, [])
        driver.set_trace_callback(None)
    assert [False, False] == ["RETURNING" in each for each in said]


def test_a_bulk_insert_replaces_nothing_unasked(database: Database) -> None:
    """Without columns to change a second row of the same key is rejected."""
    add_clients = bulk_insert(client, "owner", "ordinal", "instance_id")
    with pytest.raises(StoreRejected), database.write() as connection:
        add_clients(connection, [(1, 1, "a"), (1, 1, "b")])


def test_the_log_is_emptied(database: Database, file: Path) -> None:
    """Truncating leaves an empty write-ahead log and everything in the file."""
    add(database)
    log = file.with_name(f"{file.name}-wal")
    assert log.stat().st_size > 0
    database.checkpoint()
    database.truncate_log()
    assert 0 == log.stat().st_size
    with database.read() as connection:
        assert 1 == connection.execute(text("SELECT count(*) FROM batch")).scalar()


def test_the_log_begins_anew(database: Database, file: Path) -> None:
    """After a checkpoint the log is written from its beginning: however much is written, it grows no further."""
    log = file.with_name(f"{file.name}-wal")
    sizes = []
    for number in range(6):
        for row in range(20):
            with database.write() as connection:
                connection.execute(insert(batch), {"id": f"{number}-{row}", "at": 1, "verdicts": b"x" * 5000})
        database.checkpoint()
        sizes.append(log.stat().st_size)
    assert max(sizes) < 1.2 * sizes[0]


def test_a_checkpoint_waits_for_nobody(database: Database) -> None:
    """Where somebody writes, or reads what is old, it moves what it can, and is done."""
    add(database)
    with database.read() as connection:
        connection.execute(text("SELECT count(*) FROM batch")).scalar()
        add(database, id="2")
        with database.write():
            began = time.monotonic()
            database.checkpoint()
    assert time.monotonic() - began < SOON_SECONDS
    database.checkpoint()


@pytest.mark.parametrize("name", ["q?mark", "p%20x", "sp ace#é", "a=b&c"])
def test_a_path_is_taken_as_it_stands(tmp_path: Path, name: str) -> None:
    """The database is the file of that very path, whatever signs are in it."""
    path = tmp_path / name / "h.db"
    made = Database(f"sqlite:///{path}")
    with made.write() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    made.close()
    assert [name] == [each.name for each in tmp_path.iterdir()]
    assert path.read_bytes().startswith(b"SQLite format 3")
