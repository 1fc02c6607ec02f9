"""Events by their names: how often each came, and from how many instances, in total and by day."""

from collections.abc import Mapping
from typing import Any, Final

from homing.clock import iso_day
from homing.ping import KIND
from homing.server.counting.sets import plan
from homing.server.query.question import Query
from homing.server.query.report import Asking, Sets, counts_requests, each
from homing.server.stores.base import Store

MOST_EVENTS: Final = 100


def events(store: Store, query: Query) -> dict[str, Any]:
    """Count each kind of ping as plain values, most clients first: at most 100 of them, `more` says how many others.

    `requests` are None where the filters cannot be applied to plain requests.
    """
    with store.snapshot():
        kinds = store.values(query.apps, query.days, dimension=KIND)
        totals = _clients(store, query, kinds)
        shown = sorted(kinds, key=lambda kind: (-totals[kind], kind))[:MOST_EVENTS]
        sets, asking = Sets(query), Asking()
        places = {kind: [asking.add(sets.bearing(KIND, kind, days=day)) for day in each(query.days)] for kind in shown}
        counts = store.count(query.owner, plan(asking.sets))
        requests = _requests(store, query)
        return {
            "as_of": counts.as_of,
            "from": iso_day(query.first),
            "to": iso_day(query.last),
            "events": [
                {
                    "kind": kind,
                    "requests": _total(requests, kind),
                    "clients": totals[kind],
                    "daily": [
                        {
                            "day": iso_day(day),
                            "requests": _on_day(requests, day, kind),
                            "clients": counts.numbers[place],
                        }
                        for day, place in zip(query.days, places[kind], strict=True)
                    ],
                }
                for kind in shown
            ],
            "more": len(kinds) - len(shown),
        }


def _clients(store: Store, query: Query, kinds: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Count who sent each kind, over the days on which it came: most of many kinds live for a few days."""
    sets = Sets(query)
    asked = [sets.bearing(KIND, kind, days=range(first, last + 1)) for kind, (first, last) in kinds.items()]
    counted = store.count(query.owner, plan(asked))
    return dict(zip(kinds, counted.numbers, strict=True))


def _requests(store: Store, query: Query) -> dict[int, dict[str, int]] | None:
    if not counts_requests(query):
        return None
    filters = dict(query.filters)
    return {day: store.requests(query.owner, query.apps, days=[day], filters=filters, by=KIND) for day in query.days}


def _total(requests: dict[int, dict[str, int]] | None, kind: str) -> int | None:
    return None if requests is None else sum(counted.get(kind, 0) for counted in requests.values())


def _on_day(requests: dict[int, dict[str, int]] | None, day: int, kind: str) -> int | None:
    return None if requests is None else requests[day].get(kind, 0)
