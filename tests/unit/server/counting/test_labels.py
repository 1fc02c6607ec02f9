"""What an instance's labels follow from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.ping import Ping
from homing.server.counting.labels import (
    CLONED,
    LABELS,
    LATE_MS,
    RETURNS,
    SETTLED,
    Trace,
    bit,
    follow,
    labelled,
    names,
    pin,
    read_trace,
    shown_by,
    write_trace,
)

DAY_MS = 86_400_000


def ping(at: int, *, held_back: int = 0, **dimensions: Any) -> Ping:
    """Make a ping that is received at a time."""
    return Ping(1, "x", "heartbeat", at - held_back, at, None, dimensions)


def followed(*pings: Ping) -> Trace:
    """Return the trace that pings leave."""
    trace: Trace | None = None
    for each in pings:
        trace = follow(trace, each, day=each.at // DAY_MS, shown=shown_by(each.dimensions))
    assert trace is not None
    return trace


def is_cloned(*versions: str, apart: int = DAY_MS // 2, held_back: int = 0) -> bool:
    """Say whether an instance that sends these versions is thought to be two."""
    pings = (ping(n * apart, version=version, held_back=held_back) for n, version in enumerate(versions, start=1))
    return CLONED in names(followed(*pings).labels)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ("ABABAB", True),
        ("AABBAABBAABB", True),
        ("AAAABAAAABAAAABA", True),
        ("ABABA", False),
        ("ABABCABAB", False),
        ("ABCABCABCABC", False),
        ("AAAABBBB", False),
        ("AABBAABB", False),
        ("ABCDEFGH", False),
    ],
)
def test_two_states_that_alternate(versions: str, *, expected: bool) -> None:
    """Going straight back four times makes two of one; upgrades, one that was taken back and done again, do not."""
    assert expected == is_cloned(*versions)


def test_slow_returns_are_no_clone() -> None:
    """Who goes back and forth over months is one machine."""
    assert not is_cloned(*"AB" * 20, apart=8 * DAY_MS)


def test_pairs_that_report_weekly() -> None:
    """Two machines with the longest interval that can be set are noticed."""
    assert is_cloned(*"ABABAB", apart=7 * DAY_MS // 2)


def test_pings_that_were_held_back_are_no_turn() -> None:
    """What comes late says nothing of how an instance is now."""
    assert not is_cloned(*"ABABABABAB", held_back=LATE_MS + 1)
    assert is_cloned(*"ABABABABAB", held_back=LATE_MS)


def test_what_is_not_said_is_as_it_was() -> None:
    """Events that leave a dimension out alternate nothing; nor does a dimension that machines do not differ by."""
    full: dict[str, Any] = {"version": "1", "platform": "linux"}
    bare: dict[str, Any] = {"version": "1"}
    pings = [ping(n, **(full if n % 2 else bare), edition="ab"[n % 2]) for n in range(20)]
    assert () == names(followed(*pings).labels)


def test_each_dimension_may_turn() -> None:
    """Whichever of the four differs is noticed, beside any others that stay."""
    for name in ("version", "platform", "arch", "database"):
        same: dict[str, Any] = {"version": "1", "platform": "linux", "arch": "x64", "database": "sqlite"}
        pings = [ping(n, **{**same, name: "ab"[n % 2]}) for n in range(RETURNS + 2)]
        assert (CLONED,) == names(followed(*pings).labels)


def test_a_second_day_settles() -> None:
    """Seen on two days, in whichever order they come."""
    assert () == names(followed(ping(DAY_MS), ping(2 * DAY_MS - 1)).labels)
    assert (SETTLED,) == names(followed(ping(2 * DAY_MS), ping(2 * DAY_MS, held_back=1)).labels)


def test_nothing_new_is_the_same_trace() -> None:
    """Nothing is written for a ping that changes nothing."""
    trace = followed(ping(1, version="1"))
    assert follow(trace, ping(2, version="1"), day=0, shown=shown_by({"version": "1"})) is trace


@given(st.builds(Trace, *(st.integers(0, 2**60) for _ in Trace._fields)))
def test_a_trace_is_read_as_it_was_written(trace: Trace) -> None:
    """A trace comes back from its text, and one that was never written is empty."""
    assert trace == read_trace(write_trace(trace))
    assert Trace() == read_trace("[]")


def test_pinned_labels_stay() -> None:
    """What the owner says is not changed by what is sent."""
    free = pin(followed(ping(1)), SETTLED, on=False)
    assert () == names(follow(free, ping(DAY_MS), day=1, shown=shown_by({})).labels)
    assert LABELS == names(pin(Trace(labels=(1 << len(LABELS)) - 1), CLONED, on=True).labels)


def test_labelled_holds_what_changed() -> None:
    """A segment of labels has everyone in it, and under each label those who got or lost it."""
    made = labelled([(1, 0, bit("ci") | bit("cloned")), (2, bit("ci"), 0), (3, bit("ci"), bit("ci"))])
    assert [1, 2, 3] == list(made.anyone)
    found = {name: {value: list(each) for value, each in values.items()} for name, values in made.dimensions.items()}
    assert {"ci": {"on": [1], "off": [2]}, "cloned": {"on": [1]}} == found
