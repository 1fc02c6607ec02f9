"""The interval at which each instance reports, and an index of those that said they end."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_DAY_MS = sa.text("86400000")
_ENDED = sa.text("kind IN ('end', 'shutdown')")


def upgrade() -> None:
    """Make both; of an instance of before nothing is known but that most report once a day."""
    op.add_column("last_seen", sa.Column("interval", sa.BigInteger(), nullable=False, server_default=_DAY_MS))
    op.create_index("instance_ended", "instance", ["app", "kind", "ordinal"], sqlite_where=_ENDED)
