"""Which key opens which app: all of it in memory, read again when it changed."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from homing.outcomes import Refusal
from homing.server.accounts.keys import key_digest
from homing.server.accounts.veils import Veils
from homing.server.ingest.lane import Target
from homing.server.ingest.steps import BUILT_IN
from homing.server.stores.base import App, AppKey, Control

REFRESH_SECONDS: Final = 1.0


class _Held(NamedTuple):
    """Apps and keys as of one version of the control data."""

    version: int
    apps: Mapping[int, App]
    targets: Mapping[int, Target]
    senders: Mapping[str, Target]
    names: Mapping[str, Target]
    keys: Mapping[bytes, AppKey]


class Directory:
    """Looks keys and apps up without touching the store. `refresh` brings it up to date, from any thread."""

    def __init__(
        self, control: Control, dialect_dimensions: frozenset[str], *, retention_days: int, veils: Veils
    ) -> None:
        self._control = control
        self._dimensions = BUILT_IN | dialect_dimensions
        self._retention = retention_days
        self._veils = veils
        self._held = self._load()

    def refresh(self) -> None:
        """Read the control data again if it changed."""
        if self._control.version() != self._held.version:
            self._held = self._load()

    def by_key(self, key: str) -> Target:
        """Return the app that a key may send to; raise `Refusal` when the key is unknown or may not send."""
        found = self._held.senders.get(key)
        if found is None:
            raise Refusal("key_scope" if key_digest(key) in self._held.keys else "key_unknown")
        return found

    def by_name(self, name: str) -> Target:
        """Return the app of that name, the oldest where several owners have one; raise `Refusal` when there is none."""
        found = self._held.names.get(name)
        if found is None:
            raise Refusal("key_unknown", f"This path belongs to the app {name!r}, and there is none of that name.")
        return found

    def reader(self, key: str) -> App | None:
        """Return the app whose reports a key opens."""
        row = self._held.keys.get(key_digest(key))
        return self._held.apps[row.app] if row is not None and row.scope == "read" else None

    def known(self, key: str) -> bool:
        """Say whether a key exists, whatever it may do."""
        return key_digest(key) in self._held.keys

    def apps(self, owner: int) -> list[App]:
        """Return an owner's apps, oldest first."""
        return [app for app in self._held.apps.values() if app.owner == owner]

    def target(self, app: App) -> Target:
        """Return what the receiver takes in for an app, and how long it keeps it."""
        return self._held.targets[app.id]

    def send_key(self, app: App) -> str | None:
        """Return the oldest key that may send to an app."""
        rows = (row for row in self._held.keys.values() if row.app == app.id and row.scope == "send")
        return next((row.plain for row in rows if row.plain), None)

    def _load(self) -> _Held:
        version = self._control.version()
        # Keys before apps: an app is there before its keys are, whatever is added meanwhile.
        keys = {row.digest: row for row in self._control.app_keys() if row.revoked is None}
        apps = {app.id: app for app in self._control.apps()}
        targets = {app.id: self._target(app) for app in apps.values()}
        senders = {row.plain: targets[row.app] for row in keys.values() if row.plain and row.scope == "send"}
        names = {app.name: targets[app.id] for app in reversed(apps.values())}
        return _Held(version, apps, targets, senders, names, keys)

    def _target(self, app: App) -> Target:
        dimensions = self._dimensions | frozenset(app.dimensions)
        days = app.retention_days or self._retention
        return Target(app.id, app.retired, dimensions, days, self._veils.of(app.owner), app.keeps_addresses)
