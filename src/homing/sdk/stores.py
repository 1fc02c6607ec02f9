"""Where a program keeps what must outlast it: names with values, in a file of SQLite or of JSON.

Several processes may use one file. Nothing is opened for longer than one call, and reading makes no file.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

TABLE: Final = "create table if not exists server_state (key text primary key, value text not null)"
WAIT_SECONDS: Final = 2.0


class Store(Protocol):
    """What an application may implement upon its own database. Values are anything JSON has; None deletes a name."""

    def load(self) -> dict[str, Any]:
        """Return everything that is kept."""

    def save(self, name: str, value: Any) -> None:
        """Keep a value under a name, durably."""


class SqliteStore:
    """Keeps each value as JSON in the table `server_state`."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

    def load(self) -> dict[str, Any]:
        """Return everything that is kept; raise `OSError` or `ValueError` when it cannot be read."""
        if not self._path.exists():
            return {}
        with self._open() as connection:
            rows = connection.execute("select key, value from server_state").fetchall()
        return {key: json.loads(value) for key, value in rows}

    def save(self, name: str, value: Any) -> None:
        """Keep a value; raise `OSError` when that is impossible."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made by hand, so that nobody else can read it for a moment.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        with self._open() as connection:
            if value is None:
                connection.execute("delete from server_state where key = ?", (name,))
            else:
                connection.execute(
                    "insert into server_state values (?, ?) on conflict (key) do update set value = excluded.value",
                    (name, json.dumps(value)),
                )

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        import sqlite3

        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=WAIT_SECONDS)) as connection, connection:
                connection.execute(TABLE)
                yield connection
        except sqlite3.Error as error:
            raise OSError(f"{self._path}: {error}") from error


class JsonStore:
    """Keeps values at the top of a JSON file; whatever else stands in it stays."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)

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
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(self._path.parent):
            kept = self.load()
            kept[name] = value
            if value is None:
                del kept[name]
            replace(self._path, f"{json.dumps(kept, ensure_ascii=False, indent=2)}\n")


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
    """Write a file whole or not at all; its permissions stay, those of a new one are its owner's."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    draft.unlink(missing_ok=True)
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
