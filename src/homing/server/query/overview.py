"""What the overview page asks: a report, the same days before it, and what there is to filter by."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from homing.ping import KIND
from homing.server.counting.sets import plan
from homing.server.query.question import Query
from homing.server.query.report import Asking, Sets, report
from homing.server.stores.base import Store

AHEAD_DAYS: Final = 2
"""How far ahead of today a ping's own day may lie, and one more: clocks ahead of ours are let in."""


class Kept(NamedTuple):
    """Which days can be looked at: the oldest that any app keeps, the first that all of them keep, and the last."""

    oldest: int
    whole: int
    today: int


def overview(store: Store, query: Query, *, kept: Kept) -> dict[str, Any]:
    """Answer a question for the overview page, all of it of one snapshot.

    `report` is the report itself. `before` is the summary of as many days right before it, None where some of them are
    not kept, or lie before the first day that was heard of. `active` counts the apps heard from on each day. `heard`
    says whether there was ever a ping.
    """
    with store.snapshot():
        begin = _first_heard(store, query, kept)
        made = report(store, query)
        return {
            "report": made,
            "before": _before(store, query, None if begin is None else max(begin, kept.whole)),
            "active": _active(store, query, made["daily"]),
            "heard": begin is not None,
        }


def before(query: Query) -> Query:
    """Return the question about as many days right before, without splits."""
    return query._replace(first=query.first - len(query.days), last=query.first - 1, split=())


def _before(store: Store, query: Query, begin: int | None) -> dict[str, int | None] | None:
    earlier = before(query)
    if begin is None or earlier.first < begin:
        return None
    summary: dict[str, int | None] = report(store, earlier)["summary"]
    return summary


def _first_heard(store: Store, query: Query, kept: Kept) -> int | None:
    """Return the first day with a ping; every ping has a kind, so the days of kinds are all days."""
    found = store.values(query.apps, range(kept.oldest, kept.today + AHEAD_DAYS), dimension=KIND)
    return min((first for first, _last in found.values()), default=None)


def _active(store: Store, query: Query, daily: Sequence[dict[str, Any]]) -> list[int]:
    if len(query.apps) == 1:
        return [int(day["clients"] > 0) for day in daily]
    sets, asking = Sets(query), Asking()
    places = [
        [asking.add(sets.clients(apps=[app], days=range(day, day + 1))) for app in query.apps] for day in query.days
    ]
    numbers = store.count(query.owner, plan(asking.sets)).numbers
    return [sum(numbers[place] > 0 for place in day) for day in places]


def choices(store: Store, query: Query, *, dimensions: Sequence[str], search: str, limit: int) -> dict[str, list[str]]:
    """Return the values, of each dimension that has any, to filter by: those that contain `search`, newest first.

    At most `limit` of each dimension; where its name contains `search` all its values count as found.
    """
    found = {name: _found(store, query, name, search.casefold()) for name in dimensions}
    return {name: values[:limit] for name, values in found.items() if values}


def _found(store: Store, query: Query, dimension: str, search: str) -> list[str]:
    days = store.values(query.apps, query.days, dimension=dimension)
    whole = search in dimension.casefold()
    values = [value for value in days if whole or search in value.casefold()]
    return sorted(values, key=lambda value: (-days[value][1], -days[value][0], value))
