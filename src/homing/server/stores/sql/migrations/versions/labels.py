"""What the labels of an instance follow from.

An instance of before was first heard from on the day of its first receipt: it is settled with its next ping of another.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the column, and note the first day of those that are there."""
    op.add_column("instance", sa.Column("trace", sa.Text(), nullable=False, server_default=sa.text("'[]'")))
    op.execute("UPDATE instance SET trace = '[0,0,' || (first_seen / 86400000) || ',0,0,0,0]'")
