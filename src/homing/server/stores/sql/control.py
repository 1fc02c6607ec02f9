"""Control data in SQL: owners, sessions, apps and keys."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Insert, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from homing.server.stores.base import App, AppKey, NewKey, Owner, Secret, Switch
from homing.server.stores.sql import schema
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.text import json_list
from homing.server.stores.sql.webhooks import SqlWebhooks, inserted, named


class SqlControl(SqlWebhooks):
    """The control data of one relational database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def secret(self, name: str, fresh: bytes, *, now: int, after: int = -1) -> Secret:
        """Return the secret of that name; `fresh`, from `now` on, where there is none from `after` a time."""
        table = schema.secret
        asked = select(table.c.value, table.c.since).where(table.c.name == name, table.c.since > after)
        with self._database.read() as connection:
            found = connection.execute(asked).first()
        if found is None:
            with self._database.write() as connection:
                connection.execute(delete(table).where(table.c.name == name, table.c.since <= after))
                # Another process may have made it meanwhile.
                connection.execute(
                    sqlite_insert(table).on_conflict_do_nothing(), {"name": name, "value": fresh, "since": now}
                )
                found = connection.execute(asked).one()
        return Secret(*found)

    def version(self) -> int:
        """Return a number that rises with every change of apps and keys."""
        with self._database.read() as connection:
            return int(connection.execute(select(schema.changes.c.version)).scalar_one())

    def add_owner(self, name: str, password: str, *, now: int, must_change: bool) -> Owner:
        """Add an owner; raise `NameTaken` when the name is in use."""
        row = {"name": name, "password": password, "must_change": must_change, "created": now}
        with named(f"There is an owner {name!r} already."), self._database.write() as connection:
            number = inserted(connection, insert(schema.owner).values(row))
            connection.execute(insert(schema.head), {"owner": number, "seq": 0, "ordinals": 0, "erasures": 0})
            connection.execute(_CHANGE)
        return Owner(number, name, password, must_change)

    def owner(self, name: str) -> Owner | None:
        """Return the owner of that name."""
        return next((one for one in self.owners() if one.name == name), None)

    def owners(self) -> list[Owner]:
        """Return every owner, oldest first."""
        columns = (schema.owner.c.id, schema.owner.c.name, schema.owner.c.password, schema.owner.c.must_change)
        with self._database.read() as connection:
            return [Owner(*row) for row in connection.execute(select(*columns).order_by(schema.owner.c.id))]

    def set_password(self, owner: int, password: str, *, must_change: bool) -> None:
        """Replace an owner's password hash and end all sessions."""
        changed = (
            update(schema.owner).where(schema.owner.c.id == owner).values(password=password, must_change=must_change)
        )
        with self._database.write() as connection:
            connection.execute(changed)
            connection.execute(delete(schema.session).where(schema.session.c.owner == owner))

    def add_session(self, owner: int, digest: bytes, *, now: int, expires: int) -> None:
        """Store a session by the hash of its token."""
        row = {"digest": digest, "owner": owner, "created": now, "expires": expires}
        with self._database.write() as connection:
            connection.execute(insert(schema.session), row)

    def session(self, digest: bytes, now: int) -> int | None:
        """Return the owner of a session that has not expired."""
        asked = select(schema.session.c.owner).where(schema.session.c.digest == digest, schema.session.c.expires > now)
        with self._database.read() as connection:
            found = connection.execute(asked).scalar()
        return None if found is None else int(found)

    def end_session(self, digest: bytes) -> None:
        """Forget a session."""
        with self._database.write() as connection:
            connection.execute(delete(schema.session).where(schema.session.c.digest == digest))

    def add_app(self, owner: int, name: str, *, now: int, dimensions: Sequence[str]) -> App:
        """Add an app; raise `NameTaken` when the owner has one of that name."""
        row = {"owner": owner, "name": name, "created": now, "retired": False, "dimensions": json_list(dimensions)}
        with named(f"There is an app {name!r} already."), self._database.write() as connection:
            made = inserted(connection, insert(schema.app).values(row))
            connection.execute(_CHANGE)
        return App(made, owner, name, retired=False, retention_days=None, history_days=None, dimensions=(*dimensions,))

    def apps(self, owner: int | None = None) -> list[App]:
        """Return the apps of one owner or of all, oldest first."""
        asked = select(schema.app).order_by(schema.app.c.id)
        with self._database.read() as connection:
            rows = connection.execute(asked if owner is None else asked.where(schema.app.c.owner == owner)).all()
        return [_app(row) for row in rows]

    def add_key(self, app: int, key: NewKey, *, now: int) -> AppKey:
        """Add a key to an app."""
        with self._database.write() as connection:
            made = inserted(connection, _key(app, key, now))
            connection.execute(_CHANGE)
        return AppKey(made, app, *key, now)

    def replace_key(self, old: AppKey, new: NewKey, *, ends: int, now: int) -> AppKey | None:
        """Add a key in the place of one, which ends at a time; None, and nothing is done, where that ends already."""
        ended = update(schema.app_key).where(schema.app_key.c.id == old.id, schema.app_key.c.ends.is_(None))
        with self._database.write() as connection:
            if not connection.execute(ended.values(ends=ends)).rowcount:
                return None
            made = inserted(connection, _key(old.app, new, now))
            connection.execute(_CHANGE)
        return AppKey(made, old.app, *new, now)

    def app_keys(self, app: int | None = None) -> list[AppKey]:
        """Return the keys of one app or of all, oldest first, ended ones too."""
        asked = select(schema.app_key).order_by(schema.app_key.c.id)
        with self._database.read() as connection:
            rows = connection.execute(asked if app is None else asked.where(schema.app_key.c.app == app)).all()
        return [AppKey(*row) for row in rows]

    def change_app(self, app: int, *, switch: Switch, on: bool | None) -> None:
        """Change one switch of an app; the others stay as whoever changed them last left them.

        None is for `keeps_addresses` alone.
        """
        with self._database.write() as connection:
            connection.execute(update(schema.app).where(schema.app.c.id == app).values({switch: on}))
            connection.execute(_CHANGE)

    def end_key(self, key: int, ends: int | None, *, now: int) -> bool:
        """Let a key end at a time, or never; False when there is none of that number or it has ended already."""
        is_active = or_(schema.app_key.c.ends.is_(None), schema.app_key.c.ends > now)
        ended = update(schema.app_key).where(schema.app_key.c.id == key, is_active).values(ends=ends)
        with self._database.write() as connection:
            found = connection.execute(ended).rowcount
            connection.execute(_CHANGE)
        return bool(found)

    def note_use(self, used: Mapping[int, int]) -> None:
        """Store when keys were last used, by their numbers."""
        with self._database.write() as connection:
            connection.execute(_USED, [{"which": key, "at": at} for key, at in used.items()])

    def imported(self, app: int, ids: Sequence[str]) -> set[str]:
        """Return which of the ids of lines were imported into an app before."""
        wanted = {_line(each): each for each in ids}
        table = schema.imported
        asked = select(table.c.digest).where(table.c.app == app, table.c.digest.in_(wanted))
        with self._database.read() as connection:
            return {wanted[found] for found in connection.execute(asked).scalars()}

    def note_imported(self, app: int, lines: Mapping[str, int], *, before: int) -> None:
        """Store which lines were imported, with the time of each; forget those from `before` a time."""
        table = schema.imported
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.app == app, table.c.at < before))
            if lines:
                rows = [{"app": app, "digest": _line(name), "at": at} for name, at in lines.items()]
                connection.execute(insert(table), rows)


def _line(name: str) -> bytes:
    return sha256(name.encode()).digest()


def _key(app: int, key: NewKey, now: int) -> Insert:
    return insert(schema.app_key).values({"app": app, **key._asdict(), "created": now})


def _app(row: Any) -> App:
    return App(
        id=row.id,
        owner=row.owner,
        name=row.name,
        retired=row.retired,
        retention_days=row.retention_days,
        history_days=row.history_days,
        dimensions=tuple(msgspec.json.decode(row.dimensions)),
        demands_bearer=row.demands_bearer,
        keeps_addresses=row.keeps_addresses,
    )


_CHANGE: Final = schema.CHANGE
_USED: Final = update(schema.app_key).where(schema.app_key.c.id == bindparam("which")).values(used=bindparam("at"))
