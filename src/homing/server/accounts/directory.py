"""Which key opens which app: all of it in memory, read again when it changed."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from homing.clock import Clock
from homing.outcomes import Refusal
from homing.server.accounts.keys import key_digest
from homing.server.accounts.veils import Veils
from homing.server.dialects.base import Hook
from homing.server.ingest.routes import Target
from homing.server.ingest.steps import BUILT_IN
from homing.server.stores.base import App, AppKey, Control, Webhook

REFRESH_SECONDS: Final = 1.0
USE_MS: Final = 60_000
"""How much time passes until it is noted again that a key was used."""


class _Held(NamedTuple):
    """Apps and keys as of one version of the control data; `until` the next key ends."""

    version: int
    apps: Mapping[int, App]
    targets: Mapping[int, Target]
    senders: Mapping[str, Target]
    names: Mapping[str, Target]
    keys: Mapping[bytes, AppKey]
    until: int | None
    hooks: Mapping[str, Target]


class Directory:
    """Looks keys and apps up without touching the store. `refresh` brings it up to date, from any thread."""

    def __init__(
        self, control: Control, clock: Clock, *, dialect_dimensions: frozenset[str], retention_days: int
    ) -> None:
        self._control = control
        self._clock = clock
        self._used: set[str] = set()
        self._noted: dict[int, int] = {}
        self._dimensions = BUILT_IN | dialect_dimensions
        self._retention = retention_days
        self._veils = Veils(control, clock)
        self._held = self._load()

    def refresh(self) -> None:
        """Read the control data again if it changed or a key ended, and note which keys were used."""
        now, until = self._clock.now(), self._held.until
        if self._control.version() != self._held.version or (until is not None and now >= until):
            self._held = self._load()
        self._note_use(now)
        self._veils.refresh()

    def hash_address(self, address: str) -> str:
        """Return the keyed hash of a sender's address; its secret is another one every 30 days."""
        return self._veils.address(address)

    def _note_use(self, now: int) -> None:
        # A copy is made in one step: keys are used meanwhile.
        rows = {key: self._held.keys.get(key_digest(key)) for key in self._used.copy()}
        due = {row.id: now for row in rows.values() if row and now - self._noted.get(row.id, 0) >= USE_MS}
        self._used -= {key for key, row in rows.items() if row is None or row.id in due}
        if due:
            self._noted.update(due)
            self._control.note_use(due)

    def by_key(self, key: str) -> Target:
        """Return the app that a key may send to; raise `Refusal` when the key is unknown or may not send."""
        found = self._held.senders.get(key)
        if found is None:
            row = self._held.keys.get(key_digest(key))
            if row is None or row.scope != "bearer":
                raise Refusal("key_unknown" if row is None else "key_scope")
            found = self._held.targets[row.app]
        self._used.add(key)
        return found

    def by_hook(self, rest: str) -> Target:
        """Return the app and the webhook of the rest of a path, `KEY/TOKEN`; raise `Refusal` when there is none."""
        found = self._held.hooks.get(rest)
        if found is None:
            raise Refusal("webhook_unknown")
        return found

    def check_bearer(self, target: Target, token: str | None) -> None:
        """Raise `Refusal` when a token is not one of those that let pings of an app in."""
        if token is None:
            raise Refusal("bearer_missing")
        row = self._held.keys.get(key_digest(token))
        if row is None or row.scope != "bearer" or row.app != target.app:
            raise Refusal("bearer_wrong")
        self._used.add(token)

    def by_name(self, name: str) -> Target:
        """Return the app of that name, the oldest where several owners have one; raise `Refusal` when there is none."""
        found = self._held.names.get(name)
        if found is None:
            raise Refusal("key_unknown", f"This path belongs to the app {name!r}, and there is none of that name.")
        return found

    def reader(self, key: str) -> App | None:
        """Return the app whose reports a key opens."""
        row = self._held.keys.get(key_digest(key))
        if row is None or row.scope != "read":
            return None
        self._used.add(key)
        return self._held.apps[row.app]

    def known(self, key: str) -> bool:
        """Say whether a key exists, whatever it may do."""
        return key_digest(key) in self._held.keys

    def apps(self, owner: int) -> list[App]:
        """Return an owner's apps, oldest first."""
        return [app for app in self._held.apps.values() if app.owner == owner]

    def target(self, app: App) -> Target:
        """Return what the receiver takes in for an app, and how long it keeps it."""
        return self._held.targets[app.id]

    def app(self, target: Target) -> App:
        """Return the app of a target."""
        return self._held.apps[target.app]

    def send_key(self, app: App) -> str | None:
        """Return the key to send to an app with: the oldest of those that end last, or never."""
        rows = [row for row in self._held.keys.values() if row.app == app.id and row.plain]
        return max(rows, key=lambda row: (row.ends is None, row.ends, -row.id)).plain if rows else None

    def _load(self) -> _Held:
        version = self._control.version()
        # Keys before apps: an app is there before its keys are, whatever is added meanwhile.
        now = self._clock.now()
        keys = {row.digest: row for row in self._control.app_keys() if row.is_active(now)}
        webhooks = self._control.webhooks()
        apps = {app.id: app for app in self._control.apps()}
        targets = {app.id: self._target(app) for app in apps.values()}
        senders = {row.plain: targets[row.app] for row in keys.values() if row.plain and row.scope == "send"}
        names = {app.name: targets[app.id] for app in reversed(apps.values())}
        until = min((row.ends for row in keys.values() if row.ends is not None), default=None)
        hooks = {f"{row.key}/{row.token}": _hooked(targets[row.app], row) for row in webhooks}
        return _Held(version, apps, targets, senders, names, keys, until, hooks)

    def _target(self, app: App) -> Target:
        dimensions = self._dimensions | frozenset(app.dimensions)
        days = app.retention_days or self._retention
        return Target(
            app.id,
            app.retired,
            dimensions,
            days,
            self._veils.of(app.owner),
            demands_bearer=app.demands_bearer,
            keeps_addresses=app.keeps_addresses,
        )


def _hooked(target: Target, webhook: Webhook) -> Target:
    # The address is the secret; whoever knows it needs no token beside it.
    hook = Hook(webhook.active, webhook.event, webhook.persistent, webhook.includes_input)
    return target._replace(demands_bearer=False, hook=hook)
