"""Numbers over a fleet: what its instances report of themselves, narrowed as a report is."""

from typing import Any

from homing.clock import iso_day
from homing.errors import QueryError
from homing.server.counting.sets import plan
from homing.server.query.question import MOST_NAME, Query
from homing.server.query.report import Sets
from homing.server.stores.base import Store


def measure(store: Store, query: Query, *, name: str) -> dict[str, Any]:
    """Summarise the number under a name, as plain values, of those the question counts as clients.

    Each counts once, with the number in its last report. Raises `QueryError` unless the question is about one app.
    """
    app = one_app(query)
    if not 0 < len(name) <= MOST_NAME:
        message = f"property is the name of a number, of 1 to {MOST_NAME} characters."
        raise QueryError(message)
    with store.snapshot():
        clients = plan([Sets(query).clients()])
        measured = store.measure(query.owner, app, asked=clients, name=name)
        return {
            "as_of": measured.as_of,
            "from": iso_day(query.first),
            "to": iso_day(query.last),
            "property": name,
            "clients": store.count(query.owner, clients).numbers[0],
            "n": measured.n,
            "total": measured.total,
            "median": measured.median,
            "p95": measured.p95,
            "buckets": [{"from": each.low, "to": each.high, "n": each.n} for each in measured.buckets],
        }


def numbers(store: Store, query: Query) -> dict[str, Any]:
    """Return the names of what can be measured."""
    return {"properties": store.numbers(query.owner, one_app(query))}


def one_app(query: Query) -> int:
    """Return the app of a question that is about one; raise `QueryError` for any other."""
    if len(query.apps) != 1:
        raise QueryError("Name one app.")
    return query.apps[0]
