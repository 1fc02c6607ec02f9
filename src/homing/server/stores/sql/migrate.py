"""Brings a database to the present tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from homing.errors import StartError
from homing.server.stores.sql.database import Database


def migrate(database: Database, step: str = "head") -> None:
    """Run the steps up to one that the database has not seen; raise `StartError` when it is newer than this Homing."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    with database.write() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        if present == script.get_current_head():
            return
        if present is not None and present not in {step.revision for step in script.walk_revisions()}:
            message = f"The database was last used by a newer Homing (step {present}); install that version."
            raise StartError(message)
        config.attributes["connection"] = connection
        command.upgrade(config, step)
