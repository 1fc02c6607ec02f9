"""What can be asked: sets of clients, named and combined.

A set is a plain value. Nothing is looked up until a store evaluates it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

SEEN: Final = "seen"
ANYONE: Final = "anyone"
FIRST: Final = "first"
OR: Final = "or"
AND: Final = "and"
MINUS: Final = "minus"

LEAVES: Final = frozenset({SEEN, ANYONE, FIRST})

EVERY_DAY: Final = -1
"""Where a day is meant, the page of what holds for all days: labels, each a dimension with the value `ON` or `OFF`."""

ON: Final = "on"
OFF: Final = "off"


class Set(NamedTuple):
    """An operator and what it works on: plain values for a leaf, sets for a combination."""

    op: str
    args: tuple[Any, ...]

    def __or__(self, other: "Set") -> "Set":
        return Set(OR, (self, other))

    def __and__(self, other: "Set") -> "Set":
        return Set(AND, (self, other))

    def __sub__(self, other: "Set") -> "Set":
        return Set(MINUS, (self, other))


# wide: the four parts of a leaf, in the order in which the design and plans write them
def seen(app: int, day: int, dimension: str, value: str | None, *, to: int | None = None) -> Set:
    """Clients that stood under `value` at the end of the day, or of any day from it `to` another; None: no value."""
    return Set(SEEN, (app, day, day if to is None else to, dimension, value))


def anyone(app: int, day: int, *, to: int | None = None) -> Set:
    """Every client the app heard from that day, or from it `to` another."""
    return Set(ANYONE, (app, day, day if to is None else to))


def first(app: int, day: int, *, to: int | None = None) -> Set:
    """Clients the app heard from for the first time that day, or from it `to` another."""
    return Set(FIRST, (app, day, day if to is None else to))


def marked(app: int, label: str) -> Set:
    """Clients that bear a label, on whichever day."""
    return seen(app, EVERY_DAY, label, ON)


def union(sets: Iterable[Set]) -> Set:
    """Clients in any of the sets; nobody when there are none."""
    parts = tuple(sets)
    return parts[0] if len(parts) == 1 else Set(OR, parts)


class Plan(NamedTuple):
    """Sets flattened for travel: `nodes` in an order in which parts come first, `roots` the index of each set asked.

    A leaf node is (op, *values); any other is (op, *indexes of its parts). A part used twice stands once.
    """

    nodes: list[tuple[Any, ...]]
    roots: list[int]


def plan(sets: Sequence[Set]) -> Plan:
    """Flatten sets so that each shared part is evaluated once."""
    nodes: list[tuple[Any, ...]] = []
    places: dict[Set, int] = {}
    return Plan(nodes, [_place(each, nodes, places) for each in sets])


def _place(node: Set, nodes: list[tuple[Any, ...]], places: dict[Set, int]) -> int:
    # No function within `plan`: it would refer to itself, and leave every plan to the cycle collector.
    found = places.get(node)
    if found is None:
        args = node.args if node.op in LEAVES else [_place(part, nodes, places) for part in node.args]
        found = places[node] = len(nodes)
        nodes.append((node.op, *args))
    return found
