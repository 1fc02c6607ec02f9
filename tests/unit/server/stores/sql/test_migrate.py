"""Migrations make the tables that the code works with."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from homing.errors import StartError
from homing.server.counting.labels import Trace, read_trace
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.migrate import migrate
from homing.server.stores.sql.schema import metadata
from tests.contract.site import Site


def shape(connection: Connection) -> dict[str, object]:
    """Return what SQLite says of every table: columns, keys, indexes, and whether it has row ids."""
    tables = connection.exec_driver_sql("PRAGMA table_list").all()
    found: dict[str, object] = {}
    for _schema, name, kind, _columns, without_rowid, strict in tables:
        if kind == "table" and not name.startswith(("sqlite_", "alembic_")):
            columns = sorted(connection.exec_driver_sql(f"PRAGMA table_xinfo({name})").all(), key=lambda row: row.name)
            keys = connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})").all()
            found[name] = ([tuple(row)[1:] for row in columns], [tuple(row) for row in keys], without_rowid, strict)
            found[f"indexes of {name}"] = indexes(connection, name)
    return found


def indexes(connection: Connection, table: str) -> list[tuple[object, ...]]:
    """Return the columns of each index of a table."""
    rows = connection.exec_driver_sql(f"PRAGMA index_list({table})").all()
    return sorted(
        (row.unique, row.origin, *(each.name for each in connection.exec_driver_sql(f"PRAGMA index_info({row.name})")))
        for row in rows
    )


def test_migrations_make_the_tables(database: Database, tmp_path: Path) -> None:
    """A migrated database has just the tables of the metadata, column by column."""
    direct = Database(f"sqlite:///{tmp_path / 'direct.db'}")
    with direct.write() as connection:
        metadata.create_all(connection)
        expected = shape(connection)
    direct.close()
    with database.read() as connection:
        assert expected == shape(connection)
        assert [] == compare_metadata(MigrationContext.configure(connection), metadata)


def test_ids_are_dealt_once(database: Database) -> None:
    """The tables whose rows are replaced by id never deal an id twice."""
    with database.read() as connection:
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")).scalars()
        assert ["history", "segment"] == sorted(found)


def test_a_migrated_database_is_left_alone(site: Site, database: Database) -> None:
    """Migrating again changes nothing."""
    site.record(site.ping())
    migrate(database)
    assert ["x"] == site.instances()


def test_every_instance_has_a_last_receipt(tmp_path: Path) -> None:
    """An older database may lack the last receipt of an instance; migrating notes the first one."""
    older = Database(f"sqlite:///{tmp_path / 'older.db'}")
    migrate(older, "0001")
    with older.write() as connection:
        connection.execute(
            text("INSERT INTO instance VALUES (1, 1, 5, 'check', '{}', NULL), (1, 2, 6, 'check', '{}', NULL)")
        )
        connection.execute(text("INSERT INTO last_seen VALUES (1, 2, 9)"))
    migrate(older)
    with older.read() as connection:
        assert [(1, 1, 5), (1, 2, 9)] == [
            tuple(row) for row in connection.execute(text("SELECT app, ordinal, at FROM last_seen"))
        ]
    older.close()


def test_an_instance_of_before_is_settled_by_its_next_day(tmp_path: Path) -> None:
    """An older database knows the day of the first receipt: a ping of another day settles, one of the same does not."""
    older = Database(f"sqlite:///{tmp_path / 'older.db'}")
    migrate(older, "0002")
    with older.write() as connection:
        # Five milliseconds into day 20,000.
        connection.execute(text("INSERT INTO instance VALUES (1, 1, 1728000000005, 'check', '{}', NULL)"))
    migrate(older)
    with older.read() as connection:
        trace = read_trace(connection.execute(text("SELECT trace FROM instance")).scalar_one())
    assert Trace(first_day=20_000) == trace
    older.close()


def test_a_newer_database_is_refused(database: Database) -> None:
    """A database with steps this Homing does not know is not touched, and the reason is given."""
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'next year'"))
    with pytest.raises(StartError, match="newer Homing"):
        migrate(database)


def test_the_view_shows_an_instance(site: Site, database: Database) -> None:
    """The view has a column for each field of a SeqDesk heartbeat, the token's hash, the first and last receipt."""
    properties = {
        "protocolVersion": 1,
        "installedVersion": "1.1.93",
        "installProfile": {"id": "basic", "version": "3"},
        "update": {"available": True, "latestVersion": "1.2.0"},
    }
    told: dict[str, Any] = {"version": "1.1.94", "platform": "linux", "arch": "x64", "database": "sqlite", "node": "20"}
    site.record(site.ping("x", properties=properties, credential="a" * 64, **told), site.ping("other"))
    site.clock.advance(seconds=90)
    site.record(site.ping("x", properties=properties, credential="a" * 64, **told))
    site.store.settle()
    with database.read() as connection:
        [row] = connection.execute(text("SELECT * FROM telemetry_instances")).mappings()
    assert dict(row) == {
        "app": "one",
        "protocol_version": 1,
        "instance_id": "x",
        "running_version": "1.1.94",
        "installed_version": "1.1.93",
        "install_profile_id": "basic",
        "install_profile_version": "3",
        "update_available": 1,
        "update_latest_version": "1.2.0",
        "database_provider": "sqlite",
        "runtime_platform": "linux",
        "runtime_arch": "x64",
        "runtime_node_major": 20,
        "token_hash": "a" * 64,
        "first_received": "2024-10-04T00:00:00Z",
        "last_received": "2024-10-04T00:01:30Z",
    }
