"""The first tables, and the view that shows SeqDesk's heartbeats by the fields of its document.

Source of the view: document 000, self-hosting the receiver.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


# long: one statement a table, as alembic writes them
def upgrade() -> None:
    """Make the tables and the view."""
    op.create_table(
        "batch",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("verdicts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="One row that rises with every change of control data.",
    )
    op.create_table(
        "client",
        sa.Column("owner", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "ordinal"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_by_id", "client", ["owner", "instance_id"], unique=True)
    op.create_table(
        "day_value",
        sa.Column("app", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("app", "day", "dimension", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "head",
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("ordinals", sa.BigInteger(), nullable=False),
        sa.Column("erasures", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
        comment="The lock and the numbers of an owner's commits.",
    )
    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("ordinals", sa.LargeBinary(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("history_by_app", "history", ["app", "level", "low", "high"], unique=False)
    op.create_table(
        "instance",
        sa.Column("app", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("app", "ordinal"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "last_seen",
        sa.Column("app", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app", "ordinal"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "owner",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ping_id",
        sa.Column("app", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "segment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("app", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("segment_by_commit", "segment", ["owner", "last"], unique=False)
    op.create_index("segment_by_day", "segment", ["app", "day", "bucket", "last", "size"], unique=False)
    op.create_table(
        "tombstone",
        sa.Column("owner", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "app",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("history_days", sa.Integer(), nullable=True),
        sa.Column("dimensions", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["owner.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "name"),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["owner.id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "app_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("plain", sa.Text(), nullable=True),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["app"],
            ["app.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.execute("INSERT INTO changes (id, version) VALUES (1, 1)")
    op.execute(_TELEMETRY_INSTANCES)


_TELEMETRY_INSTANCES = """
CREATE VIEW telemetry_instances AS
SELECT
    app.name AS app,
    json_extract(instance.state, '$.properties.protocolVersion') AS protocol_version,
    client.instance_id AS instance_id,
    json_extract(instance.state, '$.dimensions.version') AS running_version,
    json_extract(instance.state, '$.properties.installedVersion') AS installed_version,
    json_extract(instance.state, '$.properties.installProfile.id') AS install_profile_id,
    json_extract(instance.state, '$.properties.installProfile.version') AS install_profile_version,
    json_extract(instance.state, '$.properties.update.available') AS update_available,
    json_extract(instance.state, '$.properties.update.latestVersion') AS update_latest_version,
    json_extract(instance.state, '$.dimensions.database') AS database_provider,
    json_extract(instance.state, '$.dimensions.platform') AS runtime_platform,
    json_extract(instance.state, '$.dimensions.arch') AS runtime_arch,
    CAST(json_extract(instance.state, '$.dimensions.node') AS INTEGER) AS runtime_node_major,
    instance.credential AS token_hash,
    strftime('%Y-%m-%dT%H:%M:%SZ', instance.first_seen / 1000, 'unixepoch') AS first_received,
    strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(last_seen.at, instance.first_seen) / 1000, 'unixepoch') AS last_received
FROM instance
JOIN app ON app.id = instance.app
JOIN client ON client.owner = app.owner AND client.ordinal = instance.ordinal
LEFT JOIN last_seen ON last_seen.app = instance.app AND last_seen.ordinal = instance.ordinal
WHERE json_extract(instance.state, '$.properties.protocolVersion') IS NOT NULL
"""
