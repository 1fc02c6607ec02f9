"""Inbound webhooks in SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Insert, delete, insert, select, update

from homing.errors import NameTaken, StoreRejected
from homing.server.stores.base import NewWebhook, Webhook
from homing.server.stores.sql import schema
from homing.server.stores.sql.database import Database

_table = schema.webhook


class SqlWebhooks:
    """The webhooks of one relational database."""

    _database: Database

    def webhooks(self) -> list[Webhook]:
        """Return all webhooks, oldest first."""
        with self._database.read() as connection:
            return [Webhook(*row) for row in connection.execute(select(_table).order_by(_table.c.id))]

    def add_webhook(self, new: NewWebhook, *, now: int) -> Webhook:
        """Add a webhook; raise `NameTaken` when the app has one of that key."""
        with named(_taken(new.key)), self._database.write() as connection:
            made = inserted(connection, insert(_table).values(**new._asdict(), created=now))
            connection.execute(schema.CHANGE)
        return Webhook(made, *new, now)

    def change_webhook(self, webhook: Webhook) -> None:
        """Store what can change of a webhook: everything but its number, its app and its token."""
        row = {name: value for name, value in webhook._asdict().items() if name not in ("id", "app", "token")}
        with named(_taken(webhook.key)), self._database.write() as connection:
            connection.execute(update(_table).where(_table.c.id == webhook.id).values(row))
            connection.execute(schema.CHANGE)

    def drop_webhook(self, number: int) -> bool:
        """Delete a webhook; False when there is none of that number."""
        with self._database.write() as connection:
            found = connection.execute(delete(_table).where(_table.c.id == number)).rowcount
            connection.execute(schema.CHANGE)
        return bool(found)


@contextmanager
def named(sentence: str) -> Iterator[None]:
    """Turn the refusal of a second row of the same name into `NameTaken` with that sentence."""
    try:
        yield
    except StoreRejected as error:
        raise NameTaken(sentence) from error


def inserted(connection: Connection, statement: Insert) -> int:
    """Insert a row, and return its number."""
    key: Any = connection.execute(statement).inserted_primary_key
    return int(key[0])


def _taken(key: str) -> str:
    return f"The app has a webhook {key!r} already."
