"""Numbers that instances report of themselves, summarised over a fleet: exact, of every one of them."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

MOST_BUCKETS: Final = 30
STEPS: Final = 12
"""About so many buckets of equal width are made of numbers that lie close together."""

TAIL: Final = 10
"""Where the largest number is more than so many times the median, buckets widen as the numbers grow."""

FAR: Final = 1e300
"""What lies as far from zero is no number that anybody counts or measures."""

WHOLE: Final = 2**53
"""Below this every whole number is a float of its own."""

Number = int | float


class Bucket(NamedTuple):
    """How many numbers lie from `low` up to `high`, without it."""

    low: Number
    high: Number
    n: int


class Numbers(NamedTuple):
    """`n` numbers: their total, the one in the middle, and the one that 95 in 100 do not exceed; all None without any.

    The median of an even count lies between the two in the middle; `p95` is a number that was reported (nearest rank).
    """

    n: int
    total: Number | None
    median: Number | None
    p95: Number | None
    buckets: list[Bucket]


def number_in(tree: Mapping[str, Any], name: str) -> float | None:
    """Return the number under a name, with dots between the names of what it lies within; None where there is none."""
    if name in tree:
        found = tree[name]
        return float(found) if _is_number(found) else None
    place = name.find(".")
    while place >= 0:
        inner = tree.get(name[:place])
        if isinstance(inner, dict) and (found := number_in(inner, name[place + 1 :])) is not None:
            return found
        place = name.find(".", place + 1)
    return None


def names_of_numbers(tree: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """Yield the names under which numbers lie."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from names_of_numbers(value, f"{within}{name}.")
        elif _is_number(value):
            yield f"{within}{name}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and (value == 0 or 1 / FAR < abs(value) < FAR)


def summary(values: Sequence[float]) -> Numbers:
    """Summarise numbers, given in any order."""
    if not values:
        return Numbers(0, None, None, None, [])
    ranked = sorted(values)
    n = len(ranked)
    low, high = ranked[(n - 1) // 2], ranked[n // 2]
    median = low if low == high else low / 2 + high / 2
    p95 = ranked[math.ceil(n * 95 / 100) - 1]
    buckets = [
        Bucket(_plain(a), _plain(b), bisect_left(ranked, b) - bisect_left(ranked, a))
        for a, b in pairwise(_edges(ranked, median))
    ]
    return Numbers(n, _plain(math.fsum(ranked)), _plain(median), _plain(p95), buckets)


def _plain(value: float) -> Number:
    return int(value) if value.is_integer() and abs(value) < WHOLE else value


def _edges(ranked: Sequence[float], median: float) -> list[float]:
    """Return where buckets begin and end, so that every number lies in one."""
    low, high = ranked[0], ranked[-1]
    has_tail = low >= 0 and high > TAIL * median and low != high
    return _rungs(ranked) if has_tail else _steps(low, high)


def _steps(low: float, high: float) -> list[float]:
    """Return edges of equal width: 1, 2 or 5 times a power of ten."""
    wide = max((high - low) / STEPS, max(abs(low), abs(high)) / WHOLE * 4, 1 / FAR)
    if low.is_integer() and high.is_integer():
        wide = max(wide, 1.0)
    power = math.floor(math.log10(wide))
    factor = next((each for each in (1, 2, 5) if float(f"{each}e{power}") >= wide), 10)
    first, last = (math.floor(each / float(f"{factor}e{power}")) for each in (low, high))
    edges = [float(f"{n * factor}e{power}") for n in range(first - 1, last + 3)]
    return edges[bisect_right(edges, low) - 1 : bisect_right(edges, high) + 1]


def _rungs(ranked: Sequence[float]) -> list[float]:
    """Return edges that widen with the numbers, none of which is below zero; zero itself begins the first bucket."""
    above = bisect_right(ranked, 0.0)
    first, last = (math.floor(math.log10(each)) for each in (ranked[above], ranked[-1]))
    step = math.ceil((last - first + 2) / (MOST_BUCKETS - 2))
    factors = (1, 2, 5) if 3 * (last - first + 2) <= MOST_BUCKETS - 2 else (1,)
    edges = [float(f"{factor}e{n}") for n in range(first - 1, last + 1 + step, step) for factor in factors]
    found = edges[bisect_right(edges, ranked[above]) - 1 : bisect_right(edges, ranked[-1]) + 1]
    return [0.0, *found] if above else found
