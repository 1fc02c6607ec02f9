"""Chooses the engine by the URL of the store. The only module that names engines, each imported when asked for."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.clock import Clock
from homing.errors import SettingsError, StartError, StoreUnavailable
from homing.server.stores.base import Control, Options, Store
from homing.settings import Resolved

SQLITE: Final = "sqlite:///"


class Opened(NamedTuple):
    """A store and the control data beside it."""

    store: Store
    control: Control


def options_of(settings: Resolved) -> Options:
    """Return what the store is told by settings."""
    return Options(**{name: settings[name] for name in Options._fields if name in settings.values})


def exists(url: str) -> bool:
    """Say whether there is anything at a URL yet."""
    return Path(url.removeprefix(SQLITE)).exists()


def open_store(url: str, clock: Clock, *, options: Options, migrating: bool = True) -> Opened:
    """Open the store at a URL and bring its tables up to date, unless another process of the same receiver just did.

    Raises `SettingsError` for a URL no engine answers to, `StartError` when the store cannot be opened.
    """
    if not url.startswith(SQLITE):
        raise SettingsError([f"No store is known for {url.partition(':')[0]!r}; use sqlite:///path."])
    from homing.server.stores.sql.control import SqlControl
    from homing.server.stores.sql.database import Database
    from homing.server.stores.sql.store import SqlStore

    database = Database(url)
    if migrating:
        _migrate(database, url)
    return Opened(SqlStore(database, clock, options), SqlControl(database))


def _migrate(database: Any, url: str) -> None:
    from homing.server.stores.sql.migrate import migrate

    try:
        migrate(database)
    except StoreUnavailable as error:
        message = f"The store {url} cannot be opened: {error}."
        raise StartError(message) from error
