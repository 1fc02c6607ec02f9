"""How numbers and days look on pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.clock import parse_day
from homing.server.dashboard.views_numbers import (
    SPARK_HEIGHT,
    SPARK_WIDTH,
    Change,
    change,
    day_in_words,
    days_in_words,
    figure,
    share,
    spark,
)


@given(st.integers(0, 10**12))
def test_figures_are_exact(number: int) -> None:
    """Every digit is shown, in groups of three."""
    groups = figure(number).split("\u202f")
    assert str(number) == "".join(groups)
    assert all(len(group) == 3 for group in groups[1:])


def test_an_unknown_figure() -> None:
    """What is not known is a dash, which is not nothing."""
    assert ("–", "0") == (figure(None), figure(0))


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (1, 2, "50.0%"),
        (1, 3, "33.3%"),
        (0, 7, "0%"),
        (7, 7, "100%"),
        (1, 100_000, "<0.1%"),
        (99_999, 100_000, "99.9%"),
        (0, 0, "–"),
    ],
)
def test_shares(part: int, whole: int, text: str) -> None:
    """Only nothing is 0%, and only everything is 100%."""
    assert text == share(part, whole)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (110, 100, Change("up", "+10.0%", "100")),
        (90, 100, Change("down", "\u221210.0%", "100")),
        (7, 7, Change("same", "no change", "7")),
        (1234, 0, Change("up", "+1\u202f234", "0")),
        (5, None, Change(None, "–", "–")),
        (None, 5, Change(None, "–", "–")),
    ],
)
def test_changes(now: int | None, before: int | None, expected: Change) -> None:
    """A change has a direction and a sign; from nothing on it is a number, since there is no percentage of nothing."""
    assert expected == change(now, before)


def test_a_line() -> None:
    """A sparkline goes from the left to the right, between zero and its highest value."""
    assert "M0.0 26.0L50.0 14.0L100.0 2.0" == spark([0, 5, 10])


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=400))
def test_lines_stay_inside(values: list[int]) -> None:
    """Whatever the values, the line stays inside its box."""
    made = spark(values)
    assert made is not None
    points = [tuple(map(float, point.split())) for point in made.removeprefix("M").split("L")]
    assert len(values) == len(points)
    assert all(0 <= x <= SPARK_WIDTH and 0 <= y <= SPARK_HEIGHT for x, y in points)


def test_no_line() -> None:
    """One day makes no line, and neither do values that are not known."""
    assert [None, None, None] == [spark([3]), spark([]), spark([None, None])]


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2026-11-22", "2026-11-22", "22 Nov 2026"),
        ("2026-11-01", "2026-11-22", "1–22 Nov 2026"),
        ("2026-10-23", "2026-11-22", "23 Oct – 22 Nov 2026"),
        ("2025-12-30", "2026-01-02", "30 Dec 2025 – 2 Jan 2026"),
        ("2025-11-01", "2026-11-02", "1 Nov 2025 – 2 Nov 2026"),
    ],
)
def test_periods(first: str, last: str, text: str) -> None:
    """A period leaves out what both its ends have in common."""
    assert text == days_in_words(range(parse_day(first), parse_day(last) + 1))


def test_day() -> None:
    """A day is written for people."""
    assert "5 Jan 2026" == day_in_words(parse_day("2026-01-05"))
