"""Evaluates planned sets against the pages of one bucket."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pyroaring import BitMap

from homing.server.counting.memo import Key, Memo
from homing.server.counting.page import Page
from homing.server.counting.sets import AND, ANYONE, LEAVES, MINUS, OR, SEEN, Plan

Pages = Callable[[int, int], Page | None]
"""Finds the page of an (app, day) in the bucket at hand; None when nothing was heard."""

Node = tuple[Any, ...]
"""An operator and what it works on, as a plan has it."""


def days_asked(asked: Plan) -> set[tuple[int, int]]:
    """Return every (app, day) that the plan needs a page of."""
    spans = {node[1:4] for node in asked.nodes if node[0] in LEAVES}
    return {(app, day) for app, begin, end in spans for day in range(begin, end + 1)}


def evaluate(asked: Plan, pages: Pages, *, memo: Memo) -> list[BitMap]:
    """Return the ordinals of each set asked. The bitmaps may belong to pages or the memo and are not to be changed."""
    evaluation = _Evaluation(asked.nodes, pages, memo)
    return [evaluation.found(root) for root in asked.roots]


class _Evaluation:
    """Works out the nodes of one plan, each at most once, and unions only where the memo does not have them."""

    def __init__(self, nodes: Sequence[Node], pages: Pages, memo: Memo) -> None:
        self._nodes = nodes
        self._pages = pages
        self._memo = memo
        self._found: dict[int, BitMap] = {}
        self._keys: dict[int, Key] = {}
        self._states: dict[tuple[int, int, int], Key] = {}

    def found(self, index: int) -> BitMap:
        """Return the ordinals of a node."""
        known = self._found.get(index)
        if known is None:
            known = self._found[index] = self._worked_out(self._nodes[index], index)
        return known

    def _worked_out(self, node: Node, index: int) -> BitMap:
        if node[0] in LEAVES:
            return self._dated(node)
        return self._remembered(self._key(index) if node[0] == OR else None, lambda: self._combined(node))

    def _dated(self, node: Node) -> BitMap:
        op, app, begin, end, *rest = node
        if begin == end:
            return _leaf(op, self._pages(app, begin), *rest)
        return self._remembered(
            (op, self._state(app, begin, end), *rest),
            lambda: BitMap.union(*(_leaf(op, self._pages(app, day), *rest) for day in range(begin, end + 1))),
        )

    def _combined(self, node: Node) -> BitMap:
        parts = [self.found(part) for part in node[1:]]
        made: BitMap = _OPERATORS[node[0]](*parts) if parts else BitMap()
        return made

    def _remembered(self, key: Key | None, make: Callable[[], BitMap]) -> BitMap:
        known = None if key is None else self._memo.get(key)
        if known is None:
            known = make()
            if key is not None:
                self._memo.put(key, known)
        return known

    def _state(self, app: int, begin: int, end: int) -> Key:
        """Return what everything that is taken from the pages of these days follows from."""
        span = (app, begin, end)
        if span not in self._states:
            pages = [self._pages(app, day) for day in range(begin, end + 1)]
            self._states[span] = tuple(page and page.state for page in pages)
        return self._states[span]

    def _key(self, index: int) -> Key:
        """Return what a node's ordinals follow from."""
        if index not in self._keys:
            self._keys[index] = self._made_key(self._nodes[index])
        return self._keys[index]

    def _made_key(self, node: Node) -> Key:
        if node[0] in LEAVES:
            return (node[0], self._state(*node[1:4]), *node[4:])
        return (node[0], tuple(self._key(part) for part in node[1:]))


def _leaf(op: str, page: Page | None, dimension: str = "", value: str | None = None) -> BitMap:
    if page is None:
        return BitMap()
    if op == SEEN:
        return page.unreported(dimension) if value is None else page.having(dimension, value)
    return page.folded.anyone if op == ANYONE else page.folded.first


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
