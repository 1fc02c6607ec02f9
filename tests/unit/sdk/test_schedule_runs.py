"""Runs of a program over weeks in which clocks jump, machines sleep, and the program starts again."""

import time
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.sdk.schedule import Schedule, Times
from homing.testing import FixedClock

HOUR: Final = 3600
DAY: Final = 24 * HOUR
ROUNDING: Final = 0.01


class World(FixedClock):
    """A wall clock that anybody may set, and a steady one that rests while the machine sleeps."""

    def __init__(self, start: int, chance: int) -> None:
        super().__init__(start, chance=chance)
        self.steady = 0.0

    def monotonic(self) -> float:
        return self.steady

    def move(self, what: str, seconds: float) -> None:
        """Let time pass, the machine sleep, or the wall clock be set."""
        self.advance(seconds=seconds)
        if what == "pass":
            self.steady += seconds


class Ping(NamedTuple):
    """One attempt on both clocks, and in which run it was."""

    wall: float
    steady: float
    run: int


class Program:
    """A program that sends whenever its schedule says so, and is started again now and then."""

    def __init__(self, world: World, times: Times, *, is_throttled: bool) -> None:
        self._world = world
        self._times = times
        self._is_throttled = is_throttled
        self._success: int | None = None
        self.pings: list[Ping] = []
        self.runs = 0
        self.start()

    def start(self) -> None:
        """Begin anew; only the last success is remembered, where the policy has it so."""
        self.runs += 1
        self.schedule = Schedule(self._world, self._times)
        self.schedule.resume(self._success if self._is_throttled else None)

    def work(self, *, is_taken: bool = True) -> None:
        """Send what is due; a ping that is not taken may be followed sooner."""
        if self.schedule.wait() > 0:
            return
        self.pings.append(Ping(self._world.now() / 1000, self._world.steady, self.runs))
        self.schedule.restart()
        if is_taken:
            self._success = self._world.now()
        else:
            self.schedule.shorten()


STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 3 * DAY)),
        st.tuples(st.just("sleep"), st.integers(1, 3 * DAY)),
        st.tuples(st.just("set"), st.one_of(st.integers(-30 * DAY, 30 * DAY), st.sampled_from([-HOUR, HOUR]))),
        st.tuples(st.just("start"), st.just(0)),
        st.tuples(st.just("fail"), st.just(0)),
    ),
    max_size=40,
)
TIMES: Final = st.builds(
    Times,
    first=st.sampled_from([0.0, 30.0, 3600.0]),
    interval=st.integers(1, 168).map(lambda hours: hours * HOUR),
    failure=st.sampled_from([None, HOUR]),
    jitter=st.sampled_from([0.0, 0.05]),
    has_random_minute=st.just(False),
)


def longest(times: Times) -> float:
    """Return the longest time between two pings."""
    return max(times.first, times.interval * (1 + times.jitter) + 1)


def run(world: World, program: Program, steps: list[tuple[str, int]], *, most: float) -> None:
    """Let everything happen; at no time may the next ping be further away than that."""
    is_taken = True
    for what, seconds in steps:
        if what == "start":
            program.start()
        elif what == "fail":
            is_taken = not is_taken
        else:
            world.move(what, seconds)
        program.work(is_taken=is_taken)
        assert 0 <= program.schedule.wait() <= most


@given(TIMES, STEPS, st.integers(0, 10**6), st.booleans())
def test_whatever_happens(times: Times, steps: list[tuple[str, int]], chance: int, is_throttled: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    """None is further away than an interval, none leaves before one of the clocks says so, and one does in the end."""
    world = World(10**12, chance)
    program = Program(world, times, is_throttled=is_throttled)
    run(world, program, steps, most=longest(times))
    least = min(times.interval, times.failure or times.interval)
    for before, after in pairwise(program.pings):
        if before.run == after.run:
            assert max(after.wall - before.wall, after.steady - before.steady) >= least - ROUNDING
    many = len(program.pings)
    world.move("pass", longest(times))
    program.work()
    assert many + 1 == len(program.pings)


@given(TIMES, STEPS, st.integers(0, 10**6))
def test_while_nobody_sets_the_clock(times: Times, steps: list[tuple[str, int]], chance: int) -> None:
    """What is remembered over restarts keeps successes an interval apart, however often the program starts."""
    world = World(10**12, chance)
    program = Program(world, times, is_throttled=True)
    honest = [step for step in steps if step[0] not in ("set", "fail")]
    run(world, program, honest, most=longest(times))
    walls = [ping.wall for ping in program.pings]
    assert all(after - before >= times.interval - ROUNDING for before, after in pairwise(walls))


@given(STEPS, st.integers(0, 1439), st.integers(0, 10**9))
def test_once_a_day(steps: list[tuple[str, int]], minute: int, start: int) -> None:
    """From one time that the picked minute begins to the next there is one ping, after the first of a run."""
    world = World(start * 1000, minute)
    program = Program(world, Times(30.0, DAY, has_random_minute=True), is_throttled=False)
    honest = [step for step in steps if step[0] in ("pass", "start")]
    run(world, program, honest, most=DAY)
    for number in range(1, program.runs + 1):
        days = [(ping.wall - minute * 60) // DAY for ping in program.pings if ping.run == number][1:]
        assert len(days) == len(set(days))
    world.move("pass", DAY)
    many = len(program.pings)
    program.work()
    assert many + 1 == len(program.pings)


@given(st.sampled_from(sorted(available_timezones())), st.integers(0, 2 * 10**9), STEPS)
def test_wherever_it_runs(zone: str, start: int, steps: list[tuple[str, int]]) -> None:
    """Summer time, and zones that skip a day, change nothing: pings leave as they do under UTC."""
    found = []
    for name in ("UTC", zone):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", name)
            time.tzset()
            world = World(start * 1000, 90)
            program = Program(world, Times(30.0, DAY, has_random_minute=True), is_throttled=False)
            run(world, program, steps, most=DAY)
            found.append(program.pings)
        time.tzset()
    assert found[0] == found[1]
