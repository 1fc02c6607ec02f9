"""Keys end at a time and know when they were last used; apps may demand a bearer token; imported lines are known."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Rename and add the columns, and make the table."""
    op.execute("ALTER TABLE app_key RENAME COLUMN revoked TO ends")
    op.add_column("app_key", sa.Column("used", sa.BigInteger()))
    op.add_column("app", sa.Column("demands_bearer", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "imported",
        sa.Column("app", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app", "digest"),
        comment="Lines of files that were imported: by their ids, which say nothing of anybody.",
        sqlite_with_rowid=False,
    )
