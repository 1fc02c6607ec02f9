"""Pruning meets whoever writes at the same time."""

import msgspec
import pytest
from sqlalchemy import text

from homing.server.counting.sets import anyone
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.prune import Keep, prune
from tests.contract.site import Site
from tests.unit.server.stores.sql.trouble import before_writing

KEEP = Keep(3, 3)


def test_an_instance_heard_in_between_stays(site: Site, database: Database) -> None:
    """Who is heard from between the look and the removal keeps its row and its ordinal."""
    site.record(site.ping("back"), site.ping("gone"))
    site.clock.advance(days=5)
    before_writing(database, lambda: site.record(site.ping("back")))
    found = prune(database, KEEP, now=site.clock.now(), dry_run=False)
    assert 1 == found.instances
    assert ["back"] == site.instances()
    site.record(site.ping("back"), by=site.writers[1])
    assert [1] == site.count(anyone(site.app, site.today))


def test_an_instance_heard_and_merged_in_between_stays(site: Site, database: Database) -> None:
    """It makes no difference that the new segment was merged with older ones already."""
    for _ in range(8):
        site.record(site.ping("back"), site.ping("gone"))
    site.clock.advance(days=2)
    site.record(site.ping("kept"))
    site.clock.advance(days=1)

    def meanwhile() -> None:
        site.record(site.ping("back", days=-1))
        site.compact(site.store)

    before_writing(database, meanwhile)
    assert 1 == prune(database, KEEP, now=site.clock.now(), dry_run=False).instances
    assert ["back", "kept"] == site.instances()


def test_an_app_keeps_its_own_days(site: Site, database: Database) -> None:
    """What an app says of its own days goes before the settings."""
    with database.write() as connection:
        own = {"app": site.app, "days": 10}
        connection.execute(text("UPDATE app SET retention_days = :days, history_days = :days WHERE id = :app"), own)
    site.record(site.ping("x"), site.ping("x", app=site.other_app))
    site.clock.advance(days=5)
    site.store.prune()
    assert ([1], [0]) == (
        site.count(anyone(site.app, site.today - 5)),
        site.count(anyone(site.other_app, site.today - 5)),
    )
    assert (["x"], []) == (site.instances(), site.instances(site.other_app))
    assert 1 == len(site.reader.history(site.app).items)


def test_an_app_that_cannot_be_read(site: Site, database: Database) -> None:
    """Damage to a page of one app is told of when the others are pruned."""
    for app in (site.app, site.other_app):
        site.record(site.ping("x", app=app))
    site.clock.advance(days=5)
    for app in (site.app, site.other_app):
        site.record(site.ping("y", app=app))
    with database.write() as connection:
        connection.execute(text("UPDATE segment SET blob = x'00' WHERE app = :app"), {"app": site.app})
    with pytest.raises(msgspec.DecodeError):
        site.store.prune()
    assert (["x", "y"], ["y"]) == (site.instances(), site.instances(site.other_app))


def test_no_row_is_left(site: Site, database: Database) -> None:
    """Of an instance that is dropped no row stays in any table."""
    site.record(site.ping("x", id="p"))
    site.store.settle()
    site.clock.advance(days=8)
    site.store.prune()
    with database.read() as connection:
        for table in ("client", "instance", "last_seen", "ping_id", "segment", "day_value", "history", "batch"):
            assert 0 == connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - ours
