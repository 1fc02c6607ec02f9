"""What lists of a million instances need to be quick: an index, and a last receipt for every instance."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index, and note a last receipt for those that have none yet."""
    op.create_index("instance_by_first_seen", "instance", ["app", "first_seen", "ordinal"])
    op.execute(
        """
        INSERT INTO last_seen (app, ordinal, at)
        SELECT app, ordinal, first_seen FROM instance WHERE 1 = 1
        ON CONFLICT DO NOTHING
        """
    )
