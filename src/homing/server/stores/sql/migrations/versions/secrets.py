"""Secrets behind keyed hashes, and which apps keep hashes of addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table, and add the column."""
    op.create_table(
        "secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="What keyed hashes are made with; shown nowhere.",
    )
    op.add_column("app", sa.Column("keeps_addresses", sa.Boolean()))
