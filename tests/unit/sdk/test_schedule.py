"""When pings are due."""

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
