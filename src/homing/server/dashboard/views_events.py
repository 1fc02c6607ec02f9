"""What the pages of events show, worked out from plain values: no request, no store, no HTML."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from homing.clock import parse_day
from homing.ping import CORE_DIMENSIONS, KIND
from homing.server.dashboard.views_address import DAYS, Address
from homing.server.dashboard.views_controls import DEFAULT_RANGE, Option
from homing.server.dashboard.views_instances import Moment, instance_path, moment
from homing.server.dashboard.views_numbers import day_in_words, days_in_words, figure, spark
from homing.server.dashboard.views_overview import Lists, Panel
from homing.server.query.history import entry_row
from homing.server.query.question import MOST_SPLITS, RANGES, Query
from homing.server.stores.base import Entry

PATH: Final = "/events"
AFTER: Final = "after"


class Controls(NamedTuple):
    """What the pages are chosen with."""

    apps: list[Option]
    app: str
    ranges: list[Option]
    period: str


class Event(NamedTuple):
    """An event in the list: its name, where it leads, and its numbers."""

    kind: str
    address: str
    requests: str
    clients: str
    spark: str | None


class Day(NamedTuple):
    """One day of an event, with its instances and requests."""

    day: str
    words: str
    clients: str
    requests: str


class Numbers(NamedTuple):
    """The numbers of one event."""

    clients: str
    requests: str
    trend: dict[str, Any]
    days: list[Day]
    panels: list[Panel]


class Payload(NamedTuple):
    """One event as it was received, as JSON."""

    at: Moment
    instance_id: str | None
    instance: str | None
    text: str


def address_of(given: Mapping[str, Sequence[str]], app: str) -> Address:
    """Return the address of a page: the app and the days alone."""
    kept = Address.of({name: values for name, values in given.items() if name in DAYS})
    return kept.putting("app", app)


def controls(address: Address, apps: Sequence[str], *, chosen: str, days: range) -> Controls:
    """Return the choices of apps and days."""
    given = address.given()
    named = "" if "from" in given or "to" in given else given.get("range", [DEFAULT_RANGE])[0]
    kind = address.given().get(KIND, [])
    others = address.without(KIND)
    return Controls(
        apps=[Option(name, others.putting("app", name).to(PATH), name == chosen) for name in apps],
        app=chosen,
        ranges=[
            Option(name.capitalize(), address.days(range=name).putting(KIND, *kind).to(PATH), name == named)
            for name in RANGES
        ],
        period=days_in_words(days),
    )


def listed(made: Mapping[str, Any], address: Address) -> list[Event]:
    """Return the rows of an answer of `query.events`."""
    return [
        Event(
            kind=row["kind"],
            address=address.putting(KIND, row["kind"]).to(PATH),
            requests=figure(row["requests"]),
            clients=figure(row["clients"]),
            spark=spark([day["clients"] for day in row["daily"]]),
        )
        for row in made["events"]
    ]


def numbers(made: Mapping[str, Any], address: Address) -> Numbers:
    """Return the numbers of one event, of a report that its kind narrows; values lead on to the overview."""
    lists = Lists(made["summary"]["clients"], address, frozenset())
    panels = [lists.panel(name, rows) for name, rows in made["splits"].items()]
    daily = made["daily"]
    return Numbers(
        clients=figure(made["summary"]["clients"]),
        requests=figure(made["summary"]["requests"]),
        trend={name: [day[key] for day in daily] for name, key in _LINES.items()},
        days=[_day(day) for day in reversed(daily)],
        panels=[panel for panel in panels if panel.values],
    )


_LINES: Final = {"days": "day", "clients": "clients", "requests": "requests"}


def _day(day: Mapping[str, Any]) -> Day:
    words = day_in_words(parse_day(day["day"]))
    return Day(day["day"], words, figure(day["clients"]), figure(day["requests"]))


def payloads(entries: Iterable[Entry], app: str, *, now: int) -> list[Payload]:
    """Return entries of the history as they are listed."""
    return [_payload(entry, app, now) for entry in entries]


def _payload(entry: Entry, app: str, now: int) -> Payload:
    text = json.dumps(entry_row(entry), indent=2, ensure_ascii=False)
    name = entry.instance_id
    return Payload(moment(entry.received, now), name, None if name is None else instance_path(app, name), text)


def older(address: Address, after: str | None) -> str | None:
    """Return the address of the payloads that follow; None where there are none."""
    return None if after is None else Address((*address.pairs, (AFTER, after))).to(PATH)


def with_splits(query: Query, dimensions: Iterable[str]) -> Query:
    """Return a question with a list of values for each of these dimensions, the core ones first; at most 20."""
    own = sorted(set(dimensions) - set(CORE_DIMENSIONS))
    return query._replace(split=(*CORE_DIMENSIONS, *own)[:MOST_SPLITS])
