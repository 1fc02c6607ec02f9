"""Inbound webhooks: addresses at which any JSON is taken in as an event."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("persistent", sa.Boolean(), nullable=False),
        sa.Column("includes_input", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["app"], ["app.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("app", "key"),
        sa.UniqueConstraint("token"),
    )
