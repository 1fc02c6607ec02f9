"""Where a program keeps what must outlast it: names with values, in a file of SQLite or of JSON, or in PostgreSQL.

Several processes may use one store. Nothing is opened for longer than one call, and reading makes neither file nor
table.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

TABLE: Final = "create table if not exists server_state (key text primary key, value {kind} not null)"
WAIT_SECONDS: Final = 2.0
MAKING: Final = 4_915_241
"""The number of the lock under which PostgreSQL's table is made: two who make one at once would hinder each other."""


class Store(Protocol):
    """What an application may implement upon its own database. Values are anything JSON has; None deletes a name."""

    def load(self) -> dict[str, Any]:
        """Return everything that is kept."""

    def save(self, name: str, value: Any) -> None:
        """Keep a value under a name, durably."""


@runtime_checkable
class SwapStore(Store, Protocol):
    """A store that can change a value in one step, so that those who begin at the same time agree."""

    def swap(self, name: str, *, old: Any, new: Any) -> Any:
        """Keep `new` where `old` still stands (None: nothing), durably, and return what stands there then."""


def absolute(path: Path | str) -> Path:
    """Return where a path is, so that it stays the same when the host goes to another directory."""
    try:
        return Path(path).absolute()
    except OSError:
        # The present directory is gone.
        return Path(path)


def swap(store: Store, name: str, *, old: Any, new: Any) -> Any:
    """Swap a value; in a store that cannot do so in one step, the last of several who do it at once prevails."""
    if isinstance(store, SwapStore):
        return store.swap(name, old=old, new=new)
    if store.load().get(name) == old:
        store.save(name, new)
    return store.load().get(name)


class SqliteStore:
    """Keeps each value as JSON in the table `server_state`."""

    def __init__(self, path: Path | str) -> None:
        self._path = absolute(path)

    def load(self) -> dict[str, Any]:
        """Return everything that is kept; raise `OSError` or `ValueError` when it cannot be read."""
        if not self._path.exists():
            return {}
        with self._open() as connection:
            rows = connection.execute("select key, value from server_state").fetchall()
        return {key: json.loads(value) for key, value in rows}

    def save(self, name: str, value: Any) -> None:
        """Keep a value; raise `OSError` when that is impossible."""
        with self._made() as connection:
            _write(connection, name, value)

    def swap(self, name: str, *, old: Any, new: Any) -> Any:
        """Keep a value where another still stands; raise `OSError` or `ValueError` when that is impossible."""
        with self._made() as connection:
            connection.execute("begin immediate")
            row = connection.execute("select value from server_state where key = ?", (name,)).fetchone()
            found = json.loads(row[0]) if row else None
            if found == old:
                _write(connection, name, new)
            return new if found == old else found

    def _made(self) -> AbstractContextManager[Any]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made by hand, so that nobody else can read it for a moment.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        return self._open()

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        import sqlite3

        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=WAIT_SECONDS)) as connection, connection:
                connection.execute(TABLE.format(kind="text"))
                yield connection
        except sqlite3.Error as error:
            raise OSError(f"{self._path}: {error}") from error


def _write(connection: Any, name: str, value: Any) -> None:
    if value is None:
        connection.execute("delete from server_state where key = ?", (name,))
    else:
        connection.execute(
            "insert into server_state values (?, ?) on conflict (key) do update set value = excluded.value",
            (name, json.dumps(value)),
        )


class JsonStore:
    """Keeps values at the top of a JSON file; whatever else stands in it stays."""

    def __init__(self, path: Path | str) -> None:
        self._path = absolute(path)

    def load(self) -> dict[str, Any]:
        """Return what the file holds; raise `OSError` or `ValueError` when it cannot be read."""
        if not self._path.exists():
            return {}
        found = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{self._path} holds no names with values")  # noqa: TRY004 - what stands in the file
        return found

    def save(self, name: str, value: Any) -> None:
        """Replace the file by one with the value; raise `OSError` or `ValueError`, and then leave it as it was."""
        with self._alone():
            self._write(name, value)

    def swap(self, name: str, *, old: Any, new: Any) -> Any:
        """Keep a value where another still stands; raise as `save` does."""
        with self._alone():
            found = self.load().get(name)
            if found == old:
                self._write(name, new)
            return new if found == old else found

    def _alone(self) -> AbstractContextManager[None]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return alone(self._path.parent)

    def _write(self, name: str, value: Any) -> None:
        kept = self.load()
        kept[name] = value
        if value is None:
            del kept[name]
        replace(self._path, f"{json.dumps(kept, ensure_ascii=False, indent=2)}\n")


Connect = Callable[[], AbstractContextManager[Any]]
"""What a host gives: a function that returns a connection as `with` takes it, such as `psycopg.connect` or a pool's."""


class PostgresStore:
    """Keeps each value as `jsonb` in the table `server_state` of the host's own database.

    `connect` returns a connection of DB-API 2.0 with the parameter style `%s`, which `with` gives back or closes. The
    table is made at the first save where it is not there.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def load(self) -> dict[str, Any]:
        """Return everything that is kept; raise `OSError` when it cannot be read."""
        with self._open() as cursor:
            if not _has_table(cursor):
                return {}
            found = _only(cursor, "select jsonb_object_agg(key, value)::text as found from server_state")
            return json.loads(found) if found else {}

    def save(self, name: str, value: Any) -> None:
        """Keep a value; raise `OSError` when that is impossible."""
        with self._open() as cursor:
            _make_table(cursor)
            if value is None:
                cursor.execute("delete from server_state where key = %s", (name,))
            else:
                cursor.execute(
                    "insert into server_state (key, value) values (%s, %s::jsonb)"
                    " on conflict (key) do update set value = excluded.value",
                    (name, json.dumps(value)),
                )

    def swap(self, name: str, *, old: Any, new: Any) -> Any:
        """Keep a value where another still stands; raise `OSError` when that is impossible."""
        given = {"name": name, "old": json.dumps(old), "new": json.dumps(new)}
        with self._open() as cursor:
            _make_table(cursor)
            if old is None:
                cursor.execute(
                    "insert into server_state (key, value) values (%(name)s, %(new)s::jsonb)"
                    " on conflict (key) do update set value = excluded.value where server_state.value = 'null'",
                    given,
                )
            else:
                cursor.execute(
                    "update server_state set value = %(new)s::jsonb where key = %(name)s and value = %(old)s::jsonb",
                    given,
                )
        return self.load().get(name)

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            with self._connect() as connection:
                yield connection.cursor()
                connection.commit()
        except Exception as error:
            # Each driver has errors of its own, of several lines.
            raise OSError(f"the database: {' '.join(str(error).split())}") from error


def _has_table(cursor: Any) -> bool:
    return bool(_only(cursor, "select to_regclass('server_state') is not null as found"))


def _make_table(cursor: Any) -> None:
    if not _has_table(cursor):
        # One statement, so that the lock holds to its end where the host's connection commits each.
        table = TABLE.format(kind="jsonb")
        cursor.execute(f"do $$ begin perform pg_advisory_xact_lock({MAKING}); {table}; end $$")


def _only(cursor: Any, statement: str) -> Any:
    """Return the one value of an answer, however the host wants its rows."""
    cursor.execute(statement)
    row = cursor.fetchone()
    return row["found"] if isinstance(row, Mapping) else row[0]


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Hold a directory's lock; a file system without locks does without."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        # A child that was forked off meanwhile holds the same lock; closing would leave it with that child.
        with contextlib.suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_UN)
        os.close(opened)


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, behind a link too; its owner and permissions stay, a new one's are private."""
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    before = path.stat() if path.exists() else None
    draft.unlink(missing_ok=True)
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            # Only root may give a file away.
            with contextlib.suppress(OSError):
                os.chown(draft, before.st_uid, before.st_gid)
            draft.chmod(before.st_mode & 0o777)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
