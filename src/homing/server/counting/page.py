"""Segments folded together as one reader sees them, and which of them are worth merging."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from pyroaring import BitMap

from homing.server.counting.segment import Segment, absorb, merge

FEWEST: Final = 8
"""A run of fewer segments than this is left alone while its day lasts."""


MOST_COUNTED: Final = 16
"""So many questions about a page's requests are remembered with their answers."""

Chosen = tuple[tuple[int, frozenset[str | None]], ...]
"""Places of a combination and the values it must have there."""


class Page:
    """Everything of one (app, day, bucket) up to the commit numbered `last`, with what was worked out from it.

    It takes the segments over. `state` is a new object whenever something was folded in: what was worked out for the
    same one still holds.
    """

    def __init__(self, last: int, segments: Sequence[Segment]) -> None:
        self.last = last
        # Nearly every page is one segment of a day that is over: nothing is copied then.
        self.folded = segments[0] if len(segments) == 1 else merge(segments)
        self.state = object()
        self._unreported: dict[str, BitMap] = {}
        self._counted: dict[tuple[Chosen, int | None], Mapping[str | None, int]] = {}

    def absorb(self, last: int, newer: Segment) -> None:
        """Fold in what was committed next."""
        absorb(self.folded, newer)
        self.last = last
        self.state = object()
        self._unreported.clear()
        self._counted.clear()

    def having(self, dimension: str, value: str) -> BitMap:
        """Return the ordinals under a value; not to be changed by the caller."""
        return self.folded.dimensions.get(dimension, {}).get(value) or BitMap()

    def unreported(self, dimension: str) -> BitMap:
        """Return the ordinals that gave no value; not to be changed by the caller."""
        found = self._unreported.get(dimension)
        if found is None:
            values = self.folded.dimensions.get(dimension, {}).values()
            found = self.folded.anyone - BitMap.union(*values) if values else self.folded.anyone
            self._unreported[dimension] = found
        return found

    def requests(self, chosen: Chosen, *, by: int | None) -> Mapping[str | None, int]:
        """Count the requests whose combination has the chosen values, by one of its places; under None without."""
        found = self._counted.get((chosen, by))
        if found is None:
            if len(self._counted) >= MOST_COUNTED:
                self._counted.clear()
            found = self._counted[(chosen, by)] = self._count(chosen, by)
        return found

    def _count(self, chosen: Chosen, by: int | None) -> Mapping[str | None, int]:
        counts: Counter[str | None] = Counter()
        for key, n in self.folded.requests.items():
            if all(key[place] in wanted for place, wanted in chosen):
                counts[None if by is None else key[by]] += n
        return counts


def run_to_merge(sizes: Sequence[int], *, over: bool) -> tuple[int, int] | None:
    """Return which contiguous run (start, end) of one (app, day, bucket) to merge, given sizes in commit order.

    A day that is `over` ends as one page. While it lasts, the newest segments are merged once they are many, with an
    older page only where that is at most twice as large as what is merged into it: every byte is then rewritten a
    logarithmic number of times.
    """
    count = len(sizes)
    if over:
        return (0, count) if count > 1 else None
    start, total = count, 0
    while start > 0 and (total == 0 or sizes[start - 1] <= 2 * total):
        start -= 1
        total += sizes[start]
    return (start, count) if count - start >= FEWEST else None
