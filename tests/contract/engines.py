"""The engines that must keep the contract. Another one joins by a class here and its row in `ENGINES`."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from homing.clock import Clock
from homing.server.stores.base import Options
from homing.server.stores.registry import Opened
from homing.server.stores.sql.control import SqlControl
from homing.server.stores.sql.database import Database, sqlite_path
from homing.server.stores.sql.migrate import migrate
from homing.server.stores.sql.store import SqlStore
from homing.server.stores.sql.values import ValueLimits


class Limits(NamedTuple):
    """How many values of a dimension, and how many request combinations, one (app, day) may have."""

    values: int = 500
    combinations: int = 5000


class Engine(Protocol):
    """What the tests need of an engine."""

    def fresh(self) -> str:
        """Make a new, empty store and return its URL."""

    def open(self, url: str, clock: Clock, *, options: Options, limits: Limits) -> Opened:
        """Open a store anew, as another process would; closing it closes everything."""

    def drop(self, url: str) -> None:
        """Remove a store that nobody uses any more."""


class Sqlite:
    """SQLite files in a directory, each a copy of one that was migrated."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._template = directory / "template.db"
        self._made = 0
        database = Database(f"sqlite:///{self._template}")
        migrate(database)
        database.truncate_log()
        database.close()

    def fresh(self) -> str:
        """Make a new, empty store and return its URL."""
        self._made += 1
        path = self._directory / f"{self._made}.db"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"

    def open(self, url: str, clock: Clock, *, options: Options, limits: Limits) -> Opened:
        """Open a store anew, as another process would; closing it closes everything."""
        database = Database(url)
        return Opened(SqlStore(database, clock, options, ValueLimits(*limits)), SqlControl(database))

    def drop(self, url: str) -> None:
        """Remove the file and what stands beside it."""
        path = sqlite_path(url)
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()


ENGINES: Final[Mapping[str, Callable[[Path], Engine]]] = MappingProxyType({"sqlite": Sqlite})
"""Every engine by its name."""
