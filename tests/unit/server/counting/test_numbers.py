"""Numbers summarised over a fleet."""

import math
import statistics
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.server.counting.numbers import FAR, MOST_BUCKETS, Numbers, names_of_numbers, number_in, summary

TREE: dict[str, Any] = {
    "platform": {"counts": {"users": 7, "teams": 2.5}, "driver": "docker", "ok": True},
    "platform.counts": {"users": 8, "seats": 9},
    "$lib.version": 3,
    "far": 1e300,
    "near": 1e-301,
    "zero": 0,
    "none": None,
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("platform.counts.users", 7.0),
        ("platform.counts.teams", 2.5),
        ("platform.counts.seats", 9.0),
        ("$lib.version", 3.0),
        ("zero", 0.0),
        *((name, None) for name in ("platform", "platform.counts", "platform.driver", "platform.ok", "none", "far")),
        *((name, None) for name in ("near", "", ".", "platform.", "platform..counts", "users", "a.b.c")),
    ],
)
def test_numbers_by_name(name: str, expected: float | None) -> None:
    """Names lie within each other by dots, and may have dots of their own; what is no number is none."""
    assert expected == number_in(TREE, name)


def test_names() -> None:
    """Every name that is listed has a number, and no other has one."""
    found = set(names_of_numbers(TREE))
    assert {*(f"platform.counts.{name}" for name in ("users", "teams", "seats")), "$lib.version", "zero"} == found


numbers = st.one_of(
    st.lists(st.integers(0, 50)),
    st.lists(st.integers(-(2**63), 2**63)),
    st.lists(st.floats(-FAR, FAR, allow_nan=False, exclude_min=True, exclude_max=True)),
    st.lists(st.floats(0, 1e6)),
    st.lists(st.floats(1e9, 1e9 + 1)),
)


@given(numbers)
def test_every_number_counts_once(drawn: list[float]) -> None:
    """Total, median and p95 are what they are by definition, and the buckets hold each number once, side by side."""
    values = [found for each in drawn if (found := number_in({"x": each}, "x")) is not None]
    made = summary(values)
    assert len(values) == made.n == sum(bucket.n for bucket in made.buckets)
    assert len(made.buckets) <= MOST_BUCKETS
    assert all(a.high == b.low for a, b in zip(made.buckets, made.buckets[1:], strict=False))
    assert all(bucket.low < bucket.high for bucket in made.buckets)
    for bucket in made.buckets:
        assert bucket.n == sum(bucket.low <= each < bucket.high for each in values)
    if values:
        exact = sum(map(Fraction, values))
        assert made.total == float(exact)
        assert made.p95 == sorted(values)[math.ceil(len(values) * 0.95) - 1]
        assert made.median == pytest.approx(statistics.median(values), rel=1e-15, abs=1e-300)


def test_nothing() -> None:
    """Without numbers there is nothing to say."""
    assert Numbers(0, None, None, None, []) == summary([])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0], [(5, 6, 1)]),
        ([1.0, 2.0, 2.0, 4.0], [(1, 2, 1), (2, 3, 2), (3, 4, 0), (4, 5, 1)]),
        ([-2.0, 0.0, 1.0], [(-2, -1, 1), (-1, 0, 0), (0, 1, 1), (1, 2, 1)]),
        ([0.0, 0.0, 0.0, 3.0, 40.0], [(0, 2, 3), (2, 5, 1), (5, 10, 0), (10, 20, 0), (20, 50, 1)]),
    ],
)
def test_buckets_are_round(values: list[float], expected: list[tuple[float, float, int]]) -> None:
    """Numbers close together get buckets of equal width, those with a long tail ever wider ones; edges are round."""
    assert expected == [tuple(bucket) for bucket in summary(values).buckets]
