"""What the pages of apps show, worked out from plain values: no request, no store, no HTML."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from homing.server.dashboard.views_instances import UNITS, UNKNOWN, Moment, instance_path, moment
from homing.server.stores.base import App, AppKey, Entry, Instance

PATH: Final = "/apps"

SCOPES: Final[Mapping[str, tuple[str, str]]] = {
    "send": ("Send", "Travels inside the application: it lets pings in, and opens nothing."),
    "bearer": ("Bearer", "A token that lets pings in, also where the app demands one."),
    "read": ("Read", "Opens this app's numbers, events and history, for programs."),
}
"""What a key is for: its name, and a sentence."""

OVERLAPS: Final[Sequence[tuple[str, str]]] = (
    ("now", "Now"),
    ("1d", "In 1 day"),
    ("7d", "In 7 days"),
    ("30d", "In 30 days"),
)
"""When a key may end, as it is chosen and as it is said."""

_MS: Final = 1000


class Row(NamedTuple):
    """An app in the list."""

    name: str
    path: str
    retired: bool
    keys: int
    used: Moment | None
    dimensions: str


class Key(NamedTuple):
    """A key: what is shown of it, when it was used, and when it ends or ended."""

    number: int
    scope: str
    plain: str | None
    hint: str
    created: Moment
    used: Moment | None
    ends: Moment | None
    left: str


class Arrival(NamedTuple):
    """What an app heard last: from whom, where to look at it, what it was, and when. No instance: a bare request."""

    instance: str | None
    path: str | None
    kind: str
    version: str
    at: Moment


def app_path(name: str) -> str:
    """Return the path of an app's page."""
    return f"{PATH}/{quote(name, safe='')}"


def rows(apps: Iterable[App], keys: Sequence[AppKey], *, now: int) -> list[Row]:
    """Return the list of apps."""
    return [_row(app, [key for key in keys if key.app == app.id], now) for app in apps]


def _row(app: App, keys: Sequence[AppKey], now: int) -> Row:
    used = max((key.used for key in keys if key.used is not None and key.scope != "read"), default=None)
    active = sum(key.is_active(now) for key in keys)
    seen = None if used is None else moment(used, now)
    return Row(app.name, app_path(app.name), app.retired, active, seen, ", ".join(app.dimensions) or UNKNOWN)


def split_keys(keys: Iterable[AppKey], now: int) -> tuple[list[Key], list[Key]]:
    """Return the keys that open something, oldest first, and those that have ended, the last one first."""
    active: list[Key] = []
    ended: list[Key] = []
    for key in keys:
        (active if key.is_active(now) else ended).append(_key(key, now))
    return active, sorted(ended, key=lambda each: each.ends.iso if each.ends else "", reverse=True)


def _key(key: AppKey, now: int) -> Key:
    return Key(
        number=key.id,
        scope=key.scope,
        plain=key.plain,
        hint=key.hint,
        created=moment(key.created, now),
        used=None if key.used is None else moment(key.used, now),
        ends=None if key.ends is None else moment(key.ends, now),
        left="" if key.ends is None else until((key.ends - now) // _MS),
    )


def until(seconds: int) -> str:
    """Return how long it is until something, in its largest unit."""
    for size, unit in UNITS:
        # Seven days less a second are seven days.
        number = round(seconds / size)
        if number > 0:
            return f"in {number} {unit}" if number == 1 else f"in {number} {unit}s"
    return "in a moment"


def arrival(app: str, instance: Instance | None, *, entry: Entry | None, now: int) -> Arrival | None:
    """Return what was heard last, of the instance heard from last and the newest entry of the history.

    The history lacks heartbeats that changed nothing, the list of instances requests that named none.
    """
    if entry is not None and (instance is None or (entry.instance_id is None and entry.received > instance.last_seen)):
        return Arrival(None, None, entry.kind, entry.dimensions.get("version", UNKNOWN), moment(entry.received, now))
    if instance is None:
        return None
    at, path = moment(instance.last_seen, now), instance_path(app, instance.instance_id)
    return Arrival(instance.instance_id, path, instance.kind, instance.dimensions.get("version", UNKNOWN), at)


def names_of(text: str) -> list[str]:
    """Return the names in a field where they stand between commas or spaces."""
    return text.replace(",", " ").split()
