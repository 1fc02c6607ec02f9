"""What tests of the relational store may ask for besides the contract's: a site on SQLite, and its file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homing.server.stores.sql.database import Database, sqlite_path
from tests.contract.engines import Sqlite
from tests.contract.site import Site


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """SQLite files."""
    return Sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def site(engine: Sqlite) -> Iterator[Site]:
    """A fresh store with small buckets."""
    made = Site(engine)
    yield made
    made.close()


@pytest.fixture
def file(site: Site) -> Path:
    """The site's file."""
    return sqlite_path(site.url)


@pytest.fixture
def database(site: Site) -> Iterator[Database]:
    """The site's database, opened once more."""
    made = Database(site.url)
    yield made
    made.close()
