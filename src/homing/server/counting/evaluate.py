"""Evaluates planned sets against the pages of one bucket."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pyroaring import BitMap

from homing.server.counting.page import Page
from homing.server.counting.sets import AND, ANYONE, FIRST, MARKED, MINUS, OR, SEEN, Plan

Pages = Callable[[int, int], Page | None]
"""Finds the page of an (app, day) in the bucket at hand; None when nothing was heard."""

Marks = Callable[[int, str], BitMap]
"""Finds who bears a label in the bucket at hand."""

_DATED: Final = frozenset({SEEN, ANYONE, FIRST})


def days_asked(asked: Plan) -> set[tuple[int, int]]:
    """Return every (app, day) that the plan needs a page of."""
    return {(node[1], node[2]) for node in asked.nodes if node[0] in _DATED}


def evaluate(asked: Plan, pages: Pages, *, marks: Marks) -> list[BitMap]:
    """Return the ordinals of each set asked. The bitmaps may belong to pages and are not to be changed."""
    found: list[BitMap] = []
    for node in asked.nodes:
        found.append(_leaf(node, pages) if node[0] in _DATED else _combined(node, found, marks))
    return [found[root] for root in asked.roots]


def _leaf(node: tuple[Any, ...], pages: Pages) -> BitMap:
    page = pages(node[1], node[2])
    if page is None:
        return BitMap()
    if node[0] == ANYONE:
        return page.folded.anyone
    if node[0] == FIRST:
        return page.folded.first
    _op, _app, _day, dimension, value = node
    return page.unreported(dimension) if value is None else page.having(dimension, value)


def _combined(node: tuple[Any, ...], found: list[BitMap], marks: Marks) -> BitMap:
    if node[0] == MARKED:
        return marks(node[1], node[2])
    parts = [found[index] for index in node[1:]]
    if not parts:
        return BitMap()
    made: BitMap = _OPERATORS[node[0]](*parts)
    return made


_OPERATORS: Final[Mapping[str, Callable[..., Any]]] = {
    OR: BitMap.union,
    AND: BitMap.intersection,
    MINUS: BitMap.difference,
}


def requests_by(
    pages: Iterator[tuple[int, Page]], filters: Mapping[int, frozenset[str | None]], *, by: int | None
) -> dict[Any, int]:
    """Add up plain request counts.

    `pages` yields (day, page). `filters` and `by` name places of a combination: 0 is the kind, then the core
    dimensions. Without `by` the key of each count is its day.
    """
    counts: dict[Any, int] = {}
    for day, page in pages:
        for key, n in page.folded.requests.items():
            if all(key[place] in wanted for place, wanted in filters.items()):
                name = day if by is None else key[by]
                counts[name] = counts.get(name, 0) + n
    return counts
