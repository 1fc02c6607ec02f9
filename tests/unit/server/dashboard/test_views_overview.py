"""What the overview shows, from plain answers."""

from typing import Any

import pytest

from homing.clock import iso_day, parse_day
from homing.ping import NOT_REPORTED, OTHER
from homing.server.dashboard.views_address import Address
from homing.server.dashboard.views_overview import (
    MOST_ROWS,
    TOP_ROWS,
    Overview,
    Panel,
    overview,
)
from homing.server.query.question import Query, parse

TODAY = parse_day("2026-11-22")
APPS = {"one": 1, "two": 2}
SUMMARY = {"requests": 2000, "clients": 1000, "latest": 600, "outdated": 300, "active_apps": 1}
EARLIER = {"requests": 1000, "clients": 1000, "latest": 800, "outdated": 0, "active_apps": 1}


def answer(query: Query, **changes: Any) -> dict[str, Any]:
    """Return an answer of the reader, with some of its report changed."""
    day = {"requests": 9, "clients": 5, "latest": 3, "outdated": 2}
    report = {
        "summary": SUMMARY,
        "daily": [{"day": iso_day(each), **day} for each in query.days],
        "splits": {name: [] for name in query.split},
        "notes": ["A note."],
        **changes,
    }
    return {"report": report, "before": EARLIER, "active": [1 for _ in query.days], "heard": True}


def shown(address: str = "range=week", *, before: dict[str, int] | None = EARLIER, **changes: Any) -> Overview:
    """Return the view of an answer to the question at an address."""
    at = address_of(address)
    query = parse(1, APPS, given=at.given(), today=TODAY)
    return overview({**answer(query, **changes), "before": before}, query, address=at, today=TODAY)


def address_of(text: str) -> Address:
    """Return the address with these parameters."""
    given: dict[str, list[str]] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        given.setdefault(name, []).append(value)
    return Address.of(given)


def panel(rows: list[tuple[str, int]], address: str = "range=week") -> Panel:
    """Return the panel of versions."""
    made = shown(address, splits={"version": [{"value": value, "clients": count} for value, count in rows]})
    return made.columns[0][0]


# The summary.


def test_cards() -> None:
    """Each number stands with its change, its part of the clients, and a line."""
    cards = {card.name: card for card in shown().cards}
    assert ["Requests", "Unique clients", "Using latest", "Outdated", "Active apps"] == [
        c.title for c in cards.values()
    ]
    assert ("2\u202f000", "up", "+100.0%") == (cards["requests"].figure, *cards["requests"].change[:2])
    assert ("600", "60.0% of clients, on some day", "down") == (
        cards["latest"].figure,
        cards["latest"].note,
        cards["latest"].change.way,
    )
    assert ("1", "of 2", "same") == (
        cards["active_apps"].figure,
        cards["active_apps"].note,
        cards["active_apps"].change.way,
    )
    assert all(card.spark for card in cards.values())


def test_one_day_has_no_other_day() -> None:
    """On one day a client stands under one state only, so the part of clients needs no more words."""
    assert "60.0% of clients" == {card.name: card for card in shown("range=today").cards}["latest"].note


def test_clients_that_do_not_tell() -> None:
    """Where no client says whether it is up to date, that is said, and no share that would look like an answer."""
    made = shown("range=today", summary={**SUMMARY, "latest": 0, "outdated": 0})
    assert {"no client says so"} == {card.note for card in made.cards if card.name in ("latest", "outdated")}
    some = shown("range=today", summary={**SUMMARY, "latest": 0})
    assert "0%" in {card.name: card for card in some.cards}["latest"].note


def test_requests_that_cannot_be_counted() -> None:
    """Requests are a dash with the reason where a filter is on something they are not counted by."""
    made = shown("filter=edition:pro&update_state=latest&platform=linux", summary={**SUMMARY, "requests": None})
    card = made.cards[0]
    assert (None, "–", "not counted by update state, edition") == (card.number, card.figure, card.note)
    assert made.trend["requests"] is None


def test_compared() -> None:
    """The page says which days it compares with, that today goes on, and when there is nothing to compare with."""
    assert "Changes are against 7–14 Nov 2026; today is not over yet." == shown().compared
    past = shown("from=2026-11-10&to=2026-11-11")
    assert ("10–11 Nov 2026", "2 days", "Changes are against 8–9 Nov 2026.") == past[:3]
    alone = shown(before=None)
    assert "No change is shown: not all of 7–14 Nov 2026 was heard and kept." == alone.compared
    assert {None} == {card.change.way for card in alone.cards}


def test_nothing() -> None:
    """A period is empty when nobody was heard and nothing counted; shares of nothing are not shown."""
    nothing = dict.fromkeys(SUMMARY, 0)
    assert shown(summary=nothing).is_empty
    assert shown(summary={**nothing, "requests": None}).is_empty
    assert not shown(summary={**nothing, "requests": 3}).is_empty
    assert {"", "of 2"} == {card.note for card in shown(summary=nothing).cards}


def test_trend() -> None:
    """The chart and the table have the same days, the table the newest first."""
    made = shown()
    assert 8 == len(made.trend["days"]) == len(made.trend["clients"]) == len(made.days)
    assert made.trend["days"] == [day.day for day in reversed(made.days)]
    assert ("2026-11-22", "22 Nov 2026", ["5", "3", "2", "9"]) == made.days[0]


# The lists of values.


def test_rows() -> None:
    """A row has its count and its share of the clients, and leads to the page with it as a filter."""
    row = panel([("1.0", 250), ("2.0", 1)]).top[0]
    assert ("1.0", "250", "25.0%", "25.00", "/?range=week&version=1.0", False, "value") == row


def test_a_chosen_row() -> None:
    """A value that is filtered by leads to the page without that filter."""
    row = panel([("1.0", 250)], "range=week&version=1.0").top[0]
    assert ("/?range=week", True) == (row.address, row.chosen)


def test_what_is_no_value() -> None:
    """`(not reported)` and `(other)` stand apart from values, and are always shown."""
    made = panel([(NOT_REPORTED, 500), *((str(n), 9) for n in range(40)), (OTHER, 1)])
    assert [(NOT_REPORTED, "missing"), (OTHER, "other")] == [(row.value, row.sort) for row in made.special]
    assert (TOP_ROWS, 40 - TOP_ROWS, 40) == (len(made.top), len(made.rest), made.values)


@pytest.mark.parametrize(
    ("values", "top", "rest", "cut"),
    [
        (TOP_ROWS, TOP_ROWS, 0, 0),
        (TOP_ROWS + 1, TOP_ROWS + 1, 0, 0),
        (TOP_ROWS + 2, TOP_ROWS, 2, 0),
        (MOST_ROWS + 5, TOP_ROWS, MOST_ROWS - TOP_ROWS, 5),
    ],
)
def test_long_lists(values: int, top: int, rest: int, cut: int) -> None:
    """The first values are shown, the others on demand, a single one more at once; far too many are cut off."""
    made = panel([(str(n), 1) for n in range(values)])
    assert (top, rest, cut) == (len(made.top), len(made.rest), made.cut)


def test_columns() -> None:
    """A long list stands beside several short ones; none is lost."""
    rows = [{"value": str(n), "clients": 1} for n in range(12)]
    made = shown(splits={"version": rows, "channel": rows[:2], "platform": rows[:3], "edition": rows[:1]})
    names = [[each.title for each in column] for column in made.columns]
    assert [["Versions"], ["Channels", "Platforms", "edition"]] == names
