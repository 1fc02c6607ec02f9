"""Evaluates planned sets against the pages of one bucket."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pyroaring import BitMap

from homing.server.counting.memo import Key, Memo
from homing.server.counting.page import Page
from homing.server.counting.sets import AND, ANYONE, FIRST, MARKED, MINUS, OR, SEEN, Plan

Pages = Callable[[int, int], Page | None]
"""Finds the page of an (app, day) in the bucket at hand; None when nothing was heard."""

Marks = Callable[[int, str], BitMap]
"""Finds who bears a label in the bucket at hand."""

Node = tuple[Any, ...]
"""An operator and what it works on, as a plan has it."""

_DATED: Final = frozenset({SEEN, ANYONE, FIRST})


def days_asked(asked: Plan) -> set[tuple[int, int]]:
    """Return every (app, day) that the plan needs a page of."""
    return {(node[1], node[2]) for node in asked.nodes if node[0] in _DATED}


def evaluate(asked: Plan, pages: Pages, *, marks: Marks, memo: Memo) -> list[BitMap]:
    """Return the ordinals of each set asked. The bitmaps may belong to pages or the memo and are not to be changed."""
    evaluation = _Evaluation(asked.nodes, pages, marks=marks, memo=memo)
    return [evaluation.found(root) for root in asked.roots]


class _Evaluation:
    """Works out the nodes of one plan, each at most once, and unions only where the memo does not have them."""

    def __init__(self, nodes: Sequence[Node], pages: Pages, *, marks: Marks, memo: Memo) -> None:
        self._nodes = nodes
        self._pages = pages
        self._marks = marks
        self._memo = memo
        self._found: dict[int, BitMap] = {}
        self._keys: dict[int, Key | None] = {}

    def found(self, index: int) -> BitMap:
        """Return the ordinals of a node."""
        known = self._found.get(index)
        if known is None:
            known = self._found[index] = self._worked_out(self._nodes[index], index)
        return known

    def _worked_out(self, node: Node, index: int) -> BitMap:
        if node[0] in _DATED:
            page = self._pages(node[1], node[2])
            return BitMap() if page is None else _leaf(node, page)
        if node[0] == MARKED:
            return self._marks(node[1], node[2])
        key = self._key(index) if node[0] == OR else None
        known = None if key is None else self._memo.get(key)
        if known is not None:
            return known
        parts = [self.found(part) for part in node[1:]]
        made: BitMap = _OPERATORS[node[0]](*parts) if parts else BitMap()
        if key is not None:
            self._memo.put(key, made)
        return made

    def _key(self, index: int) -> Key | None:
        """Return what a node's ordinals follow from; None where that may change unnoticed."""
        if index not in self._keys:
            self._keys[index] = self._made_key(self._nodes[index])
        return self._keys[index]

    def _made_key(self, node: Node) -> Key | None:
        if node[0] == MARKED:
            return None
        if node[0] in _DATED:
            page = self._pages(node[1], node[2])
            return (node[0], page and page.state, *node[3:])
        parts = tuple(self._key(part) for part in node[1:])
        return None if None in parts else (node[0], parts)


def _leaf(node: Node, page: Page) -> BitMap:
    if node[0] == ANYONE:
        return page.folded.anyone
    if node[0] == FIRST:
        return page.folded.first
    _op, _app, _day, dimension, value = node
    return page.unreported(dimension) if value is None else page.having(dimension, value)


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
    chosen = tuple(filters.items())
    counts: dict[Any, int] = {}
    for day, page in pages:
        for name, n in page.requests(chosen, by=by).items():
            key = day if by is None else name
            counts[key] = counts.get(key, 0) + n
    return counts
