"""The tables. `migrations/` makes them; a test compares the two."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    update,
)

metadata: Final = MetaData()

# The ids of `segment` and `history` are never dealt twice: compaction deletes what it merged by id, and must notice
# when somebody else replaced it meanwhile.

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", BigInteger, nullable=False),
    comment="One row that rises with every change of control data.",
)

owner = Table(
    "owner",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("owner", Integer, ForeignKey("owner.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

app = Table(
    "app",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Integer, ForeignKey("owner.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("retention_days", Integer),
    Column("history_days", Integer),
    Column("dimensions", Text, nullable=False),
    Column("demands_bearer", Boolean, nullable=False, server_default=false()),
    Column("keeps_addresses", Boolean),
    UniqueConstraint("owner", "name"),
)

secret = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("since", BigInteger, nullable=False),
    comment="What keyed hashes are made with; shown nowhere.",
)

app_key = Table(
    "app_key",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app", Integer, ForeignKey("app.id"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("plain", Text),
    Column("hint", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("ends", BigInteger),
    Column("used", BigInteger),
)

imported = Table(
    "imported",
    metadata,
    Column("app", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, primary_key=True),
    Column("at", BigInteger, nullable=False),
    comment="Lines of files that were imported: by their ids, which say nothing of anybody.",
    sqlite_with_rowid=False,
)

webhook = Table(
    "webhook",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app", Integer, ForeignKey("app.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("token", Text, nullable=False, unique=True),
    Column("event", Text, nullable=False),
    Column("persistent", Boolean, nullable=False),
    Column("includes_input", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("app", "key"),
)

head = Table(
    "head",
    metadata,
    Column("owner", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("ordinals", BigInteger, nullable=False),
    Column("erasures", BigInteger, nullable=False),
    comment="The lock and the numbers of an owner's commits.",
)

client = Table(
    "client",
    metadata,
    Column("owner", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_id", Text, nullable=False),
    Index("client_by_id", "owner", "instance_id", unique=True),
    sqlite_with_rowid=False,
)

instance = Table(
    "instance",
    metadata,
    Column("app", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("credential", Text),
    Column("trace", Text, nullable=False, server_default=text("'[]'")),
    Index("instance_by_first_seen", "app", "first_seen", "ordinal"),
    Index("instance_ended", "app", "kind", "ordinal", sqlite_where=text("kind IN ('end', 'shutdown')")),
    sqlite_with_rowid=False,
)

# Narrow, and with a row for every instance from the beginning: lists are sorted by it without reading states.
last_seen = Table(
    "last_seen",
    metadata,
    Column("app", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("interval", BigInteger, nullable=False, server_default=text("86400000")),
    sqlite_with_rowid=False,
)

segment = Table(
    "segment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Integer, nullable=False),
    Column("app", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    Index("segment_by_commit", "owner", "last"),
    Index("segment_by_day", "app", "day", "bucket", "last", "size"),
    sqlite_autoincrement=True,
)

day_value = Table(
    "day_value",
    metadata,
    Column("app", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("dimension", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# `digest` is what stands for the id: `stores.written.claim_of`.
ping_id = Table(
    "ping_id",
    metadata,
    Column("app", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, primary_key=True),
    Column("ordinal", BigInteger),
    Column("received", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

batch = Table(
    "batch",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("verdicts", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("oldest", BigInteger, nullable=False),
    Column("newest", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("ordinals", LargeBinary, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    Index("history_by_app", "app", "level", "low", "high"),
    sqlite_autoincrement=True,
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("owner", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

CHANGE: Final = update(changes).values(version=changes.c.version + 1)
"""What every change of control data ends with."""
