"""The report: a question becomes sets, the store counts them in one snapshot, and the numbers become plain values."""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import and_
from typing import Any, Final, NamedTuple

from homing.clock import iso_day
from homing.ping import CORE_DIMENSIONS, KIND, NOT_REPORTED, OTHER, UPDATE_STATE
from homing.server.counting.sets import Set, anyone, marked, plan, seen, union
from homing.server.query.question import Query
from homing.server.stores.base import Store

LATEST: Final = "latest"
OUTDATED: Final = "outdated"
BLOCK_DAYS: Final = 6
COUNTED_WITH_REQUESTS: Final = frozenset({KIND, *CORE_DIMENSIONS})


class Sets(NamedTuple):
    """Builds the sets of one question."""

    query: Query

    def clients(self, *, apps: Iterable[int] | None = None, days: range | None = None) -> Set:
        """Everyone that the filters let through."""
        return self._over(apps, days, None)

    def bearing(self, dimension: str, value: str | None, *, days: range | None = None) -> Set:
        """Everyone with a value that the filters let through."""
        return self._over(None, days, (dimension, value))

    def _over(self, apps: Iterable[int] | None, days: range | None, value: tuple[str, str | None] | None) -> Set:
        blocks = list(_blocks(self.query.days if days is None else days))
        return union(
            self._labelled(union(self._within(app, block, value) for block in blocks), app)
            for app in (self.query.apps if apps is None else apps)
        )

    def _labelled(self, clients: Set, app: int) -> Set:
        for label in self.query.labels:
            borne = marked(app, label.removeprefix("-"))
            clients = clients - borne if label.startswith("-") else clients & borne
        return clients

    def _within(self, app: int, days: range, value: tuple[str, str | None] | None) -> Set:
        if not self.query.filters:
            return _found(app, days, value)
        # A filter binds within one app and day; only then are apps and days united.
        return union(_found(app, day, value) & self._let_through(app, day) for day in each(days))

    def _let_through(self, app: int, day: range) -> Set:
        # The filters are joined first: so joined they are shared by every value.
        filters = self.query.filters
        return reduce(and_, [union(_found(app, day, (name, value)) for value in values) for name, values in filters])


def _found(app: int, days: range, value: tuple[str, str | None] | None) -> Set:
    return anyone(app, days[0], to=days[-1]) if value is None else seen(app, days[0], *value, to=days[-1])


def each(days: range) -> Iterator[range]:
    """Yield each of some days as a range of its own."""
    return (range(day, day + 1) for day in days)


def _blocks(days: range) -> Iterator[range]:
    """Yield days in blocks that begin at the same days whatever the range, so that ranges have unions in common."""
    begin = days.start
    while begin < days.stop:
        end = min(begin - begin % BLOCK_DAYS + BLOCK_DAYS, days.stop)
        yield range(begin, end)
        begin = end


class Asking:
    """Gathers sets and hands out, for each, the place where its number will stand."""

    def __init__(self) -> None:
        self.sets: list[Set] = []

    def add(self, wanted: Set) -> int:
        """Ask for a set; return its place among the numbers."""
        self.sets.append(wanted)
        return len(self.sets) - 1


def report(store: Store, query: Query) -> dict[str, Any]:
    """Answer a question as plain values, ready for JSON.

    All numbers are of one snapshot. `requests` is None where the filters cannot be applied to plain requests.
    """
    with store.snapshot():
        return _report(store, query)


def _report(store: Store, query: Query) -> dict[str, Any]:
    sets, asking = Sets(query), Asking()
    summary = {
        "clients": asking.add(sets.clients()),
        "latest": asking.add(sets.bearing(UPDATE_STATE, LATEST)),
        "outdated": asking.add(sets.bearing(UPDATE_STATE, OUTDATED)),
    }
    active = [asking.add(sets.clients(apps=[app])) for app in query.apps]
    daily = [_ask_day(asking, sets, day) for day in each(query.days)]
    splits = {name: _ask_split(asking, sets, store, name) for name in query.split}
    counts = store.count(query.owner, plan(asking.sets))
    number = counts.numbers
    requests = _requests(store, query)
    return {
        "as_of": counts.as_of,
        "from": iso_day(query.first),
        "to": iso_day(query.last),
        "filters": {name: [NOT_REPORTED if v is None else v for v in values] for name, values in query.filters},
        "labels": list(query.labels),
        "summary": {
            "requests": None if requests is None else sum(requests.values()),
            **{name: number[place] for name, place in summary.items()},
            "active_apps": sum(number[place] > 0 for place in active),
        },
        "daily": [_day(day, places, number, requests) for day, places in zip(query.days, daily, strict=True)],
        "splits": {name: _split(values, number) for name, values in splits.items()},
        "notes": _notes(query, splits),
    }


def _ask_day(asking: Asking, sets: Sets, day: range) -> dict[str, int]:
    return {
        "clients": asking.add(sets.clients(days=day)),
        "latest": asking.add(sets.bearing(UPDATE_STATE, LATEST, days=day)),
        "outdated": asking.add(sets.bearing(UPDATE_STATE, OUTDATED, days=day)),
    }


def _ask_split(asking: Asking, sets: Sets, store: Store, name: str) -> dict[str | None, int]:
    """Ask for who had each value, over the days on which it was seen: most of many values live for a few days."""
    found = store.values(sets.query.apps, sets.query.days, dimension=name)
    asked: dict[str | None, int] = {
        value: asking.add(sets.bearing(name, value, days=range(first, last + 1)))
        for value, (first, last) in found.items()
    }
    return asked | {None: asking.add(sets.bearing(name, None))}


def counts_requests(query: Query) -> bool:
    """Whether plain requests can be counted under a question's filters."""
    return not query.labels and {name for name, _values in query.filters} <= COUNTED_WITH_REQUESTS


def _requests(store: Store, query: Query) -> dict[int, int] | None:
    if not counts_requests(query):
        return None
    found = store.requests(query.owner, query.apps, days=query.days, filters=dict(query.filters), by="day")
    return {day: found.get(day, 0) for day in query.days}


def _day(day: int, places: dict[str, int], number: Sequence[int], requests: dict[int, int] | None) -> dict[str, Any]:
    counted = {name: number[place] for name, place in places.items()}
    return {"day": iso_day(day), "requests": None if requests is None else requests[day], **counted}


def _split(values: dict[str | None, int], number: Sequence[int]) -> list[dict[str, Any]]:
    """Return the values that have clients, most clients first."""
    rows = [
        {"value": NOT_REPORTED if value is None else value, "clients": number[place]}
        for value, place in values.items()
        if number[place]
    ]
    return sorted(rows, key=lambda row: (-row["clients"], row["value"]))


def _notes(query: Query, splits: dict[str, dict[str | None, int]]) -> list[str]:
    notes = []
    if len(query.days) > 1 or len(query.apps) > 1:
        notes.append(
            "Over several days or apps a client counts once under each value it had: a split may exceed the total."
        )
    if not counts_requests(query):
        notes.append("Requests cannot be counted under these filters.")
    crowded = [name for name, values in splits.items() if OTHER in values]
    if crowded:
        notes.append(f"More values than are kept apart were reported for {', '.join(crowded)}; the rest is {OTHER}.")
    return notes
