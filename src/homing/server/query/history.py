"""The history as it is asked for: whose entries, and the plain values of each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homing.clock import iso_time
from homing.errors import QueryError
from homing.server.query.question import Asked, Parameter
from homing.server.stores.base import Entry

MOST_ENTRIES: Final = 1_000
ENTRIES: Final = (
    Parameter("app", False, "The app; may be left out where there is one.", "my-app"),
    Parameter("instance", False, "Only what this instance sent.", ""),
    Parameter("kind", False, "Only this kind of ping.", "startup"),
    Parameter("after", False, "Where to go on: what the page before gave as after.", ""),
    Parameter("limit", False, f"How many entries, 1 to {MOST_ENTRIES}; 50 when left out.", "100"),
)
"""Everything that a history can be asked for."""


def parse_listing(
    apps: Mapping[str, int], *, given: Mapping[str, Sequence[str]]
) -> tuple[int, dict[str, str | int | None]]:
    """Return the app that parameters name and how `Store.history` is asked; raise `QueryError` for mistakes.

    `apps` are those that may be asked about, by name.
    """
    strange = given.keys() - {row.name for row in ENTRIES}
    if strange:
        message = f"There is no parameter {min(strange)!r}."
        raise QueryError(message)
    asked = Asked(given)
    name = asked.one("app")
    if name is None and len(apps) != 1:
        raise QueryError("Name one app.")
    if name is not None and name not in apps:
        message = f"There is no app {name!r}."
        raise QueryError(message)
    how = {"instance_id": asked.one("instance"), "kind": asked.one("kind"), "after": asked.one("after") or None}
    return next(iter(apps.values())) if name is None else apps[name], {**how, "limit": _limit(asked.one("limit"))}


def _limit(text: str | None) -> int:
    if text is None:
        return 50
    if text not in map(str, range(1, MOST_ENTRIES + 1)):
        message = f"limit is a number from 1 to {MOST_ENTRIES}."
        raise QueryError(message)
    return int(text)


def entry_row(entry: Entry) -> dict[str, Any]:
    """Return an entry as plain values, its times as text."""
    return {**entry._asdict(), "at": iso_time(entry.at), "received": iso_time(entry.received)}
