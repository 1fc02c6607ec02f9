"""Inbound webhooks in SQL."""

from sqlalchemy import delete, insert, select, update

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
        try:
            with self._database.write() as connection:
                made = connection.execute(insert(_table).values(**new._asdict(), created=now)).inserted_primary_key
                connection.execute(schema.CHANGE)
        except StoreRejected as error:
            raise NameTaken(_taken(new.key)) from error
        return Webhook(0 if made is None else int(made[0]), *new, now)

    def change_webhook(self, webhook: Webhook) -> None:
        """Store what can change of a webhook: everything but its number, its app and its token."""
        row = {name: value for name, value in webhook._asdict().items() if name not in ("id", "app", "token")}
        try:
            with self._database.write() as connection:
                connection.execute(update(_table).where(_table.c.id == webhook.id).values(row))
                connection.execute(schema.CHANGE)
        except StoreRejected as error:
            raise NameTaken(_taken(webhook.key)) from error

    def drop_webhook(self, number: int) -> bool:
        """Delete a webhook; False when there is none of that number."""
        with self._database.write() as connection:
            found = connection.execute(delete(_table).where(_table.c.id == number)).rowcount
            connection.execute(schema.CHANGE)
        return bool(found)


def _taken(key: str) -> str:
    return f"The app has a webhook {key!r} already."
