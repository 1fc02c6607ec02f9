"""The clock that ships for tests."""

import uuid

import pytest

from homing.clock import DAY_MS, Clock, SystemClock
from homing.sdk.endpoint import parse
from homing.sdk.transports.base import Deadline, Reply, Request
from homing.testing import FixedClock, MemoryTransport


def test_it_stands_still() -> None:
    """Time passes only when it is told to, in both directions."""
    clock: Clock = FixedClock(5000)
    assert (5000, 5.0) == (clock.now(), clock.monotonic())
    moved = FixedClock(5000)
    moved.advance(seconds=1.5, days=2)
    assert 6500 + 2 * DAY_MS == moved.now()
    moved.advance(days=-2)
    assert (6500, 6.5) == (moved.now(), moved.monotonic())


def test_it_begins_on_a_day() -> None:
    """Unless it is told otherwise it begins at midnight."""
    assert 0 == FixedClock().now() % DAY_MS


def test_chance_repeats() -> None:
    """Two clocks make the same ids and tokens, each of them once."""
    one, other = FixedClock(), FixedClock()
    made = [one.id(), one.token(), one.id(), one.token(40)]
    assert made == [other.id(), other.token(), other.id(), other.token(40)]
    assert 4 == len(set(made))
    assert 4 == uuid.UUID(made[0]).version
    assert [len(SystemClock().token()), len(SystemClock().token(40))] == [len(made[1]), len(made[3])]


def test_chance_is_chosen() -> None:
    """It is the number that was given, or the largest that is below the limit."""
    assert [0, 0] == [FixedClock().chance(10), FixedClock().chance(1)]
    assert [7, 4] == [FixedClock(chance=7).chance(10), FixedClock(chance=7).chance(5)]


def test_requests_are_kept() -> None:
    """Nothing is sent; replies come in turn, errors are raised, the last one stays."""
    clock, request = FixedClock(), Request(parse("http://a.example.com"), {}, b"{}")
    transport = MemoryTransport(Reply(503), ValueError("x"), Reply(200))
    assert Reply(503) == transport.send(request, Deadline(clock))
    with pytest.raises(ValueError, match="x"):
        transport.send(request, Deadline(clock))
    assert [Reply(200)] * 2 == [transport.send(request, Deadline(clock)) for _ in range(2)]
    assert ([request] * 4, [b"{}"] * 4) == (transport.requests, transport.bodies)
    assert Reply(200) == MemoryTransport().send(request, Deadline(clock))
