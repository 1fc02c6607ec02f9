"""Real trouble for a database: somebody who comes in between, somebody who holds the lock, a disk that is full."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event

from homing.server.stores.sql.database import Database


def before_writing(database: Database, action: Callable[[], object]) -> None:
    """Do something once, just before the database begins its next transaction to write in."""
    waiting = [action]

    def begins(statement: str) -> None:
        if waiting and statement == "BEGIN IMMEDIATE":
            waiting.pop()()

    event.listen(database.engine, "checkout", lambda driver, *_: driver.set_trace_callback(begins))


def impatient(database: Database) -> Database:
    """Let a database that has no connection yet wait for locks for a moment only."""
    database.patience_ms = 20
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
    return database


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the write lock of a file."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def read_for_long(file: Path) -> Iterator[None]:
    """Hold a snapshot of a file."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM owner").fetchone()
    try:
        yield
    finally:
        connection.close()


@contextmanager
def full_disk() -> Iterator[None]:
    """Let this process write beyond the first KiB of no file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
