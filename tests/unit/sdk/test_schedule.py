"""When pings are due."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.sdk.schedule import Schedule, Times
from homing.testing import FixedClock

HOUR = 3600


class TwoClocks(FixedClock):
    """A clock whose steady part can be moved alone."""

    def __init__(self) -> None:
        super().__init__()
        self.steady = 0.0

    def monotonic(self) -> float:
        return self.steady


def test_first_and_next() -> None:
    """The first ping is due soon after the start, each further one an interval after the attempt before."""
    clock = FixedClock()
    schedule = Schedule(clock, Times(30, 24 * HOUR))
    assert (30, clock.now() + 30_000) == (schedule.wait(), schedule.due)
    clock.advance(seconds=30)
    assert 0 == schedule.wait()
    schedule.restart()
    assert 24 * HOUR == schedule.wait()


def test_a_sleeping_machine() -> None:
    """The wall clock went on while the steady one rested: the ping is due."""
    clock = TwoClocks()
    schedule = Schedule(clock, Times(HOUR, HOUR))
    clock.advance(seconds=HOUR)
    assert 0 == schedule.wait()


def test_a_clock_put_back() -> None:
    """The wall clock went back a year: the steady one decides."""
    clock = TwoClocks()
    schedule = Schedule(clock, Times(HOUR, HOUR))
    clock.advance(days=-365)
    assert HOUR == schedule.wait()
    clock.steady += HOUR
    assert 0 == schedule.wait()


@given(st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(0, 10**6))), st.integers(1, 168))
def test_no_jump_blocks(moves: list[tuple[int, int]], hours: int) -> None:
    """However the wall clock jumps, nobody waits longer than one interval of the steady clock."""
    clock = TwoClocks()
    schedule = Schedule(clock, Times(30, hours * HOUR))
    for wall, steady in moves:
        clock.advance(seconds=wall)
        clock.steady += steady
        assert 0 <= schedule.wait() <= hours * HOUR
        if schedule.wait() == 0:
            schedule.restart()
    clock.steady += hours * HOUR
    assert 0 == schedule.wait()


JUMPS = st.lists(st.tuples(st.integers(-(10**8), 10**8), st.integers(0, 10**6)))


@given(st.integers(-(10**12), 10**12), st.integers(1, 168), st.integers(0, HOUR))
def test_going_on_after_a_restart(age: int, hours: int, first: int) -> None:
    """The next ping keeps its distance from the last success, and no time in the future, however far, delays it."""
    clock = FixedClock(10**13)
    schedule = Schedule(clock, Times(first, hours * HOUR))
    schedule.resume(clock.now() - age)
    left = hours * HOUR - age / 1000
    wanted = max(first, left) if 0 <= age < hours * HOUR * 1000 else first
    assert abs(schedule.wait() - wanted) < 0.01
    assert schedule.wait() <= max(hours * HOUR, first)


def test_nothing_to_go_on_from() -> None:
    """Without a success before, the first ping is due as at any start."""
    schedule = Schedule(FixedClock(), Times(30, HOUR))
    schedule.resume(None)
    assert 30 == schedule.wait()


@given(st.integers(0, 10**14), st.integers(0, 1439), JUMPS)
def test_a_random_minute(now: int, minute: int, moves: list[tuple[int, int]]) -> None:
    """Whenever it begins and however the clock jumps, the next ping is due at that UTC minute within a day.

    UTC days have no summer time: each has 1440 minutes, so each has this one, once.
    """
    clock = TwoClocks()
    clock.advance(seconds=now // 1000 - clock.now() // 1000)
    clock._chance = minute  # noqa: SLF001 - our own double
    schedule = Schedule(clock, Times(30, 24 * HOUR, has_random_minute=True))
    for wall, steady in [(0, 0), *moves]:
        clock.advance(seconds=wall)
        clock.steady += steady
        schedule.restart()
        assert minute * 60_000 == schedule.due % 86_400_000
        assert 0 < schedule.due - clock.now() <= 86_400_000
        assert 0 < schedule.wait() <= 86_400


@given(st.integers(0, 10**6), st.integers(1, 168))
def test_jitter(chance: int, hours: int) -> None:
    """Chance adds to the interval, never takes from it, and no more than its part."""
    clock = FixedClock(chance=chance)
    schedule = Schedule(clock, Times(30, hours * HOUR, jitter=0.05))
    schedule.restart()
    assert hours * HOUR <= schedule.wait() <= hours * HOUR * 1.05


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
def test_time_zones(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """Where the machine stands, and whether clocks are put forward there tonight, makes no difference."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    # Half an hour before clocks are put forward in Berlin.
    clock = FixedClock(1_774_744_200_000, chance=90)
    schedule = Schedule(clock, Times(30, 24 * HOUR, has_random_minute=True))
    dues = []
    for _ in range(3):
        schedule.restart()
        dues.append(schedule.due)
        clock.advance(seconds=schedule.wait())
    monkeypatch.undo()
    time.tzset()
    assert [1_774_747_800_000 + day * 86_400_000 for day in range(3)] == dues


def test_after_a_failure() -> None:
    """Where the policy says so the next try comes sooner, never later than it would have come anyway."""
    clock = FixedClock()
    schedule = Schedule(clock, Times(30, 24 * HOUR, failure=HOUR))
    schedule.restart()
    schedule.shorten()
    assert HOUR == schedule.wait()
    clock.advance(seconds=HOUR - 1)
    schedule.shorten()
    assert 1 == schedule.wait()
    plain = Schedule(clock, Times(30, 24 * HOUR))
    plain.restart()
    plain.shorten()
    assert 24 * HOUR == plain.wait()
