"""Sets as plain values, and how they are flattened."""

import gc

from hypothesis import given
from hypothesis import strategies as st

from homing.server.counting.sets import LEAVES, Plan, Set, anyone, first, marked, plan, seen, union


def leaves() -> st.SearchStrategy[Set]:
    """Draw a leaf."""
    return st.one_of(
        st.builds(anyone, st.integers(1, 2), st.integers(0, 2)),
        st.builds(first, st.integers(1, 2), st.integers(0, 2)),
        st.builds(seen, st.just(1), st.integers(0, 2), st.just("version"), st.sampled_from(["1", "2", None])),
        st.builds(marked, st.just(1), st.sampled_from(["ci", "settled"])),
    )


def combined(parts: st.SearchStrategy[Set]) -> st.SearchStrategy[Set]:
    """Draw a combination of parts."""
    return st.one_of(
        st.builds(lambda a, b: a & b, parts, parts),
        st.builds(lambda a, b: a - b, parts, parts),
        st.builds(union, st.lists(parts, max_size=4)),
    )


def sets() -> st.SearchStrategy[Set]:
    """Draw any set."""
    return st.recursive(leaves(), combined, max_leaves=12)


def rebuilt(asked: Plan) -> list[Set]:
    """Put the sets together again from a plan."""
    made: list[Set] = []
    for op, *args in asked.nodes:
        made.append(Set(op, tuple(args) if op in LEAVES else tuple(made[place] for place in args)))
    return [made[root] for root in asked.roots]


@given(st.lists(sets(), max_size=6))
def test_a_plan_holds_the_sets(asked: list[Set]) -> None:
    """A flattened set can be put together again, parts always before what they are part of."""
    assert asked == rebuilt(plan(asked))


@given(st.lists(sets(), max_size=6))
def test_shared_parts_stand_once(asked: list[Set]) -> None:
    """No node of a plan is there twice."""
    nodes = plan([*asked, *asked]).nodes
    assert len(set(nodes)) == len(nodes)


def test_a_plan_is_let_go_of() -> None:
    """A question leaves nothing to the cycle collector: plans are large, and would pile up until it runs."""
    asked = [anyone(1, day) & seen(1, day, "version", "1") for day in range(9)]
    gc.collect()
    plan(asked)
    assert 0 == gc.collect()


def test_operators_read_as_sets() -> None:
    """Sets combine with the operators of Python's own."""
    one, other = anyone(1, 2), seen(1, 2, "version", "1")
    assert Set("or", (one, other)) == one | other
    assert Set("and", (one, other)) == one & other
    assert Set("minus", (one, other)) == one - other


def test_a_union_of_one_is_that_one() -> None:
    """A union adds no node for a single set, and is empty without any."""
    assert anyone(1, 2) == union([anyone(1, 2)])
    assert Set("or", ()) == union([])


def test_no_value_differs_from_any_text() -> None:
    """Asking for those that reported nothing is not asking for a value of that name."""
    assert seen(1, 2, "version", None) != seen(1, 2, "version", "None")
    assert 2 == len(plan([seen(1, 2, "version", None), seen(1, 2, "version", "")]).nodes)
