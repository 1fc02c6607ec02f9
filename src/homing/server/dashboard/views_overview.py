"""What the overview shows, worked out from plain values: no request, no store, no HTML."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from homing.clock import parse_day
from homing.ping import KIND, NOT_REPORTED, OTHER, UPDATE_STATE
from homing.server.dashboard.views_address import Address
from homing.server.dashboard.views_controls import filters_of, label_of
from homing.server.dashboard.views_numbers import Change, change, day_in_words, days_in_words, figure, share, spark
from homing.server.query.overview import before
from homing.server.query.question import LABEL, Query
from homing.server.query.report import COUNTED_WITH_REQUESTS

TITLES: Final[Mapping[str, str]] = {
    "version": "Versions",
    "channel": "Channels",
    "platform": "Platforms",
    "arch": "Architectures",
    UPDATE_STATE: "Update states",
    KIND: "Kinds",
}
"""What a list of values is called; an app's own dimensions are called what the app calls them."""

CARDS: Final = (
    ("requests", "Requests"),
    ("clients", "Unique clients"),
    ("latest", "Using latest"),
    ("outdated", "Outdated"),
    ("active_apps", "Active apps"),
)
SHARED: Final = frozenset({"latest", "outdated"})
"""The numbers that are a part of the clients."""

MEASURES: Final = ("clients", "latest", "outdated", "requests")
SORTS: Final[Mapping[str, str]] = {NOT_REPORTED: "missing", OTHER: "other"}
VALUE: Final = "value"

TOP_ROWS: Final = 12
MOST_ROWS: Final = 500
HEAD_ROWS: Final = 3
"""How many rows the title of a list, and the space before it, are high."""


class Card(NamedTuple):
    """A number of the summary, None where it cannot be counted; `note` says why, or what it is a part of."""

    name: str
    title: str
    number: int | None
    figure: str
    note: str
    change: Change
    spark: str | None


class Row(NamedTuple):
    """A value of a dimension; `sort` is value, missing or other. The address sets it as a filter, or takes it off."""

    value: str
    clients: str
    share: str
    width: str
    address: str
    chosen: bool
    sort: str


class Panel(NamedTuple):
    """The values of one dimension: the first ones, the others, those that are no values, and how many were cut off."""

    name: str
    title: str
    top: list[Row]
    rest: list[Row]
    special: list[Row]
    values: int
    cut: int


class Day(NamedTuple):
    """One day of the table below the chart, with a number for each measure."""

    day: str
    words: str
    numbers: list[str]


class Overview(NamedTuple):
    """Everything on the page that numbers decide."""

    period: str
    length: str
    compared: str
    cards: list[Card]
    trend: dict[str, Any]
    days: list[Day]
    columns: list[list[Panel]]
    notes: list[str]
    is_empty: bool


def overview(answer: Mapping[str, Any], query: Query, *, address: Address, today: int) -> Overview:
    """Return the page of an answer of `query.overview`."""
    made = answer["report"]
    lists = Lists(made["summary"]["clients"], address, frozenset(filters_of(address)))
    return Overview(
        period=days_in_words(query.days),
        length="1 day" if len(query.days) == 1 else f"{len(query.days)} days",
        compared=_compared(query, answer, today),
        cards=_cards(answer, query),
        trend=_trend(made),
        days=[_day(day) for day in reversed(made["daily"])],
        columns=_columns([lists.panel(name, rows) for name, rows in made["splits"].items()]),
        notes=made["notes"],
        is_empty=not made["summary"]["clients"] and not made["summary"]["requests"],
    )


def _compared(query: Query, answer: Mapping[str, Any], today: int) -> str:
    earlier = days_in_words(before(query).days)
    if answer["before"] is None:
        return f"No change is shown: not all of {earlier} was heard and kept."
    ending = "; today is not over yet" if query.last >= today else ""
    return f"Changes are against {earlier}{ending}."


def _cards(answer: Mapping[str, Any], query: Query) -> list[Card]:
    summary, earlier = answer["report"]["summary"], answer["before"] or {}
    daily = {name: [day[name] for day in answer["report"]["daily"]] for name in MEASURES}
    lines: dict[str, list[int | None]] = {**daily, "active_apps": answer["active"]}
    return [
        Card(
            name,
            title,
            summary[name],
            figure(summary[name]),
            _card_note(name, summary, query),
            change(summary[name], earlier.get(name)),
            spark(lines[name]),
        )
        for name, title in CARDS
    ]


def _card_note(name: str, summary: Mapping[str, Any], query: Query) -> str:
    if name in SHARED and summary["clients"]:
        if not any(summary[each] for each in SHARED):
            # 0 % would say that they told; nothing may be known of any.
            return "no client says so"
        # A client that was updated in between stands under both.
        ending = ", on some day" if len(query.days) > 1 else ""
        return f"{share(summary[name], summary['clients'])} of clients{ending}"
    if name == "active_apps":
        return f"of {figure(len(query.apps))}"
    if name == "requests" and summary[name] is None:
        asked = [name for name, _values in query.filters if name not in COUNTED_WITH_REQUESTS]
        barring = [*asked, LABEL] if query.labels else asked
        return f"not counted by {', '.join(label_of(name).lower() for name in barring)}"
    return ""


def _trend(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the chart draws; requests are None where they cannot be counted."""
    daily = made["daily"]
    lines = {name: [day[name] for day in daily] for name in MEASURES}
    has_requests = made["summary"]["requests"] is not None
    return {"days": [day["day"] for day in daily], **lines, "requests": lines["requests"] if has_requests else None}


def _day(day: Mapping[str, Any]) -> Day:
    return Day(day["day"], day_in_words(parse_day(day["day"])), [figure(day[name]) for name in MEASURES])


class Lists(NamedTuple):
    """Makes the lists of values: `clients` is what shares are of, the address what the page shows now.

    `chosen` are the filters in the address.
    """

    clients: int
    address: Address
    chosen: frozenset[tuple[str, str]]

    def panel(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Panel:
        """Return the list of one dimension's values."""
        made = [self.row(name, row["value"], clients=row["clients"]) for row in rows]
        values = [row for row in made if row.sort == VALUE]
        special = [row for row in made if row.sort != VALUE]
        # One more than fits is shown rather than hidden: a line that opens one line is no help.
        top = TOP_ROWS if len(values) > TOP_ROWS + 1 else len(values)
        cut = max(0, len(values) - MOST_ROWS)
        title = TITLES.get(name, name)
        return Panel(name, title, values[:top], values[top:MOST_ROWS], special, len(values), cut)

    def row(self, name: str, value: str, *, clients: int) -> Row:
        """Return one value."""
        chosen = (name, value) in self.chosen
        leads = self.address.unfiltered(name, value) if chosen else self.address.filtered(name, value)
        width = f"{100 * clients / self.clients:.2f}"
        sort = SORTS.get(value, VALUE)
        return Row(value, figure(clients), share(clients, self.clients), width, str(leads), chosen, sort)


def _columns(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Return panels in two columns, each put where there is more room."""
    columns: list[list[Panel]] = [[], []]
    heights = [0, 0]
    for panel in panels:
        place = heights.index(min(heights))
        columns[place].append(panel)
        heights[place] += len(panel.top) + len(panel.special) + HEAD_ROWS
    return columns
