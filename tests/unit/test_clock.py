"""Time and chance."""

import time
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.clock import DAY_MS, SystemClock, day_of, iso_day, iso_time, parse_day, parse_time

LAST_DAY = 2_932_896
"""9999-12-31."""


@given(st.integers(0, LAST_DAY))
def test_days_are_read_back(day: int) -> None:
    """A day's name names that day."""
    assert day == parse_day(iso_day(day))


@given(st.integers(0, LAST_DAY), st.integers(0, DAY_MS - 1))
def test_times_are_read_back(day: int, since: int) -> None:
    """A time's name names that millisecond, on the day it belongs to."""
    ms = day * DAY_MS + since
    assert ms == parse_time(iso_time(ms))
    assert iso_day(day_of(ms)) == iso_time(ms)[:10]


def test_names_of_days_and_times() -> None:
    """Days and times have the names of ISO 8601."""
    assert ("1970-01-01", "2024-10-04") == (iso_day(0), iso_day(20_000))
    assert "1970-01-01T00:00:00.001Z" == iso_time(1)


NO_DAYS = ["", "2026-1-1", "20261122", "2026-02-30", "2026-W47-7", "2026-11-22 ", "22.11.2026", "heute"]


@pytest.mark.parametrize("text", NO_DAYS)
def test_other_days_are_refused(text: str) -> None:
    """Only the one form of a date is read, and only dates that exist."""
    with pytest.raises(ValueError, match=r"date|format|offset|day is out"):
        parse_day(text)


def test_offsets_are_honoured() -> None:
    """A time with an offset is the same moment as in UTC; one without is refused."""
    assert parse_time("2026-11-22T10:00:00Z") == parse_time("2026-11-22T11:30:00+01:30")
    assert parse_time("2026-11-22T10:00:00.123456Z") == parse_time("2026-11-22T10:00:00.123Z")
    for text in ("2026-11-22T10:00:00", "2026-11-22", "yesterday", ""):
        with pytest.raises(ValueError, match=r"date|format|offset|day is out"):
            parse_time(text)


def test_the_system_has_the_time() -> None:
    """The clock gives the system's time in whole milliseconds, and durations that never go back."""
    clock = SystemClock()
    assert abs(clock.now() - time.time() * 1000) < 1000
    first = clock.monotonic()
    assert first <= clock.monotonic()


@pytest.mark.parametrize("make", [SystemClock().id, SystemClock().token])
def test_chance_does_not_repeat(make: Callable[[], str]) -> None:
    """Ids and tokens differ each time."""
    assert 1000 == len({make() for _ in range(1000)})


def test_ids_and_tokens() -> None:
    """An id is a UUID4; a token is text for a URL, as long as was asked for at least."""
    assert 4 == uuid.UUID(SystemClock().id()).version
    token = SystemClock().token(16)
    assert len(token) >= 16
    assert token.replace("-", "").replace("_", "").isalnum()
