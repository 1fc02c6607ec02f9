"""Connections to a relational database: transactions to write in, snapshots to read from, and its errors translated."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    ClauseElement,
    ColumnElement,
    Connection,
    Engine,
    Table,
    TextClause,
    bindparam,
    create_engine,
    event,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.pool import QueuePool

from homing.clock import SystemClock
from homing.errors import StartError, StoreError, StoreRejected, StoreUnavailable

BUSY_MS: Final = 10_000
"""How long the write lock is waited for."""

TRY_MS: Final = 1
"""How long SQLite waits by itself between two tries."""

ANEW_MS: Final = 5
"""How long a checkpoint waits, first for the write lock and then, holding it, for whoever reads what is old."""

CACHE_KIB: Final = 16_384
CHECKPOINT_PAGES: Final = 32_768
"""The write-ahead log a writer lets grow before it checkpoints itself; the reader process does so long before."""

_UNFIT: Final = (
    *(DataError, sqlite3.DataError),
    *(IntegrityError, sqlite3.IntegrityError),
    *(OverflowError, UnicodeError),
)
_TROUBLE: Final = (OperationalError, InternalError, InterfaceError)


class Database:
    """One relational database, opened by its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _sqlite_engine(url)
        self.patience_ms = BUSY_MS

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a transaction that holds the write lock; it is durable once the block is left without an error.

        Raises `StoreRejected` when the database cannot hold a value, `StoreUnavailable` when it cannot be written.
        """
        with self._translated(), self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            self._take_lock(driver)
            try:
                yield connection
                # Not `commit()`, which compiles its statement anew each time.
                if driver.in_transaction:
                    driver.execute("COMMIT")
            finally:
                driver.rollback()

    def _take_lock(self, driver: sqlite3.Connection) -> None:
        """Begin a transaction that holds the write lock, soon after it is free.

        By itself SQLite sleeps longer from try to try, up to a tenth of a second, while pings wait to be stored.
        """
        # The machine's own time: a lock is waited for whatever the store's clock says.
        clock = SystemClock()
        until = clock.monotonic() + self.patience_ms / 1000
        with self._waiting(driver, TRY_MS):
            while True:
                try:
                    driver.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    if not _is_busy(error) or clock.monotonic() > until:
                        raise
                else:
                    return

    @contextmanager
    def _waiting(self, driver: sqlite3.Connection, milliseconds: int) -> Iterator[None]:
        """Have SQLite wait so long by itself for what others hold, and as long as usual afterwards."""
        driver.execute(f"PRAGMA busy_timeout = {milliseconds}")
        try:
            yield
        finally:
            driver.execute(f"PRAGMA busy_timeout = {self.patience_ms}")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give one snapshot to read from; raises `StoreUnavailable` when the database cannot be read."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _UNFIT as error:
            raise StoreRejected(_reason(error)) from error
        except DatabaseError as error:
            if not isinstance(error, _TROUBLE) and type(error) is not DatabaseError:
                raise
            # A connection opened while the file was read-only stays so: the next try gets a new one.
            self.engine.dispose()
            raise StoreUnavailable(_reason(error)) from error
        except sqlite3.DatabaseError as error:
            # What goes to the driver directly, past SQLAlchemy, raises the driver's errors.
            if isinstance(error, sqlite3.ProgrammingError):
                raise
            self.engine.dispose()
            raise StoreUnavailable(_reason(error)) from error

    def truncate_log(self) -> None:
        """Move the write-ahead log into the database and empty it, so that nothing erased stays there.

        Raises `StoreUnavailable` when somebody read from the log for so long that it could not be emptied.
        """
        with self._translated(), self.engine.connect() as connection:
            busy, *_ = connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreUnavailable("the write-ahead log could not be emptied while somebody reads from it")

    def checkpoint(self) -> None:
        """Move what is in the write-ahead log into the database, and have the log begin anew where that can be soon.

        It is moved while others write, and then what they wrote meanwhile. Only for the little that is left the write
        lock is held: a log that is never wholly in the database grows until a commit has to move it.
        """
        with self._translated(), self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            for _ in range(2):
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)")
            with self._waiting(driver, ANEW_MS):
                driver.execute("PRAGMA wal_checkpoint(RESTART)")

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


class Prepared:
    """A statement that is compiled once and then goes to the driver directly.

    A quarter of the time that a commit of fifty pings held the interpreter's lock was the library's way from statement
    to driver; so the statements of every commit take the short one. Parameters are given by name.
    """

    def __init__(self, statement: ClauseElement) -> None:
        compiled: Any = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
        self._text = str(compiled)
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if bind.value is not None}

    def __call__(self, connection: Connection, **values: Any) -> sqlite3.Cursor:
        """Execute it with these values; the cursor gives rows as plain tuples."""
        cursor: Any = connection.connection.cursor()
        cursor.execute(self._text, {**self._fixed, **values})
        made: sqlite3.Cursor = cursor
        return made


class Many:
    """A statement that is executed once for each of many rows, which give values to its `?` in order.

    The statement takes one row's values, so that any number of rows needs no other.
    """

    def __init__(self, statement: Insert) -> None:
        self._text = _with_marks(statement)

    def __call__(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> int:
        """Execute it for rows, and return how many were written; does nothing where there are none."""
        if not rows:
            return 0
        cursor: Any = connection.connection.cursor()
        cursor.executemany(self._text, rows)
        return int(cursor.rowcount)


class Bulk:
    """A statement that takes many rows at once: where it has `(?, …)` for one, as `marks` writes it, it gets many.

    Executing one statement for each row would hand the interpreter's lock to and fro between each two of them. A
    statement for each number of rows would be compiled anew each time; so there are ten, of 512 rows, 256, and so on.
    """

    def __init__(self, statement: Insert, width: int) -> None:
        one = _with_marks(statement)
        self._texts = [(size, one.replace(marks(width), ", ".join([marks(width)] * size))) for size in _SIZES]

    def __call__(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Execute it for rows, each with a value for every mark."""
        cursor: Any = connection.connection.cursor()
        start = 0
        for size, many in self._texts:
            while len(rows) - start >= size:
                cursor.execute(many, [value for row in rows[start : start + size] for value in row])
                start += size


def _with_marks(statement: Insert) -> str:
    # Inline: it would return each row's key otherwise, and SQLite would make a table for it each time.
    compiled = statement.inline().compile(
        dialect=sqlite.dialect(paramstyle="qmark"), compile_kwargs={"literal_binds": True}
    )
    return str(compiled)


def marks(width: int) -> str:
    """Return what stands in a statement for the values of one row."""
    return f"({', '.join('?' * width)})"


def bulk_insert(table: Table, *names: str, changing: Sequence[str] = ()) -> Many:
    """Return the insert of many rows into these columns of a table.

    Where a row with the same primary key exists, just the `changing` columns are replaced.
    """
    statement = sqlite_insert(table).values({name: literal_column("?") for name in names})
    if changing:
        keys = [column.name for column in table.primary_key]
        statement = statement.on_conflict_do_update(keys, set_={name: statement.excluded[name] for name in changing})
    return Many(statement)


_SIZES: Final = tuple(2**power for power in range(9, -1, -1))


def adding(table: Table, *names: str) -> Insert:
    """Return the insert of one row with these columns, each a parameter of its name."""
    return sqlite_insert(table).values({name: bindparam(name) for name in names})


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY


_PRIMARY: Final = 0xFF
"""Leaves of SQLite's result codes what they have in common with others of their kind."""


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column is one of the values bound as JSON under `name`.

    The statement stays the same for any number of values, so the database compiles it once.
    """
    return column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))


def given_rows(width: int) -> tuple[TextClause, list[ColumnElement[Any]]]:
    """Return the rows that a `Bulk` is executed for as a table to select from, and its columns."""
    return text(f"(VALUES {marks(width)})"), [literal_column(f"column{number + 1}") for number in range(width)]


@contextmanager
def put_off(faults: list[Exception]) -> Iterator[None]:
    """Note a fault of what is done inside, so that what comes after it is done all the same.

    It is for the caller to raise it then. What cannot be done because the database cannot be used is raised at once.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - raised later
        faults.append(error)


def sqlite_path(url: str) -> Path:
    """Return the file of a `sqlite:///` URL."""
    return Path(url.removeprefix("sqlite:///"))


def _sqlite_engine(url: str) -> Engine:
    path = sqlite_path(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The directory {path.parent} cannot be made: {error.strerror}."
        raise StartError(message) from error
    # Every transaction below ends on its own, so there is nothing to reset.
    # Not as text: of a path with ? or % in it the library would make another one.
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=8,
        pool_reset_on_return=None,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Transactions are begun by `_begin_sqlite`, not by the driver at its own choice.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


_PRAGMAS: Final[Sequence[str]] = (
    f"busy_timeout = {BUSY_MS}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    f"cache_size = -{CACHE_KIB}",
    f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
    "temp_store = MEMORY",
)


def _begin_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    if not driver.in_transaction:
        driver.execute("BEGIN")
