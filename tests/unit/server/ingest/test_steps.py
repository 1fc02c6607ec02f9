"""The steps every ping goes through."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.clock import DAY_MS
from homing.outcomes import OUTCOMES, Refusal
from homing.ping import MOST_VALUE, NOT_REPORTED, OTHER, Ping
from homing.server.ingest.steps import (
    BUILT_IN,
    MOST_ID,
    MOST_KIND,
    MOST_PROPERTIES,
    STEPS,
    Context,
    judge,
    judge_all,
    take,
)
from homing.server.ingest.veil import Veil

NOW = 20_000 * DAY_MS + 12 * 3_600_000
CONTEXT = Context(size=MOST_PROPERTIES * 2, dimensions=BUILT_IN | {"edition"}, retention_days=30, veil=Veil(b"secret"))
CONTROL = ["\x00", "\n", "\x1f", "\x7f", "\x80", "\x9f", "\u2028", "\u2029", "\ud800", "\udfff"]


def ping(**changes: Any) -> Ping:
    """Return a ping that passes every step, with some fields changed."""
    return Ping(app=1, instance="a", kind="check", at=NOW, received=NOW)._replace(**changes)


def outcome(**changes: Any) -> str:
    """Return the outcome a ping leaves the steps with."""
    try:
        take(ping(**changes), CONTEXT)
    except Refusal as refusal:
        return refusal.outcome.name
    return "accepted"


def dimension(value: Any) -> dict[str, Any]:
    """Return the change that gives a ping this version."""
    return {"dimensions": {"version": value}}


NAMES: list[tuple[str, str, int, Callable[[str], dict[str, Any]]]] = [
    ("instance", "instance_id", MOST_ID, lambda text: {"instance": text}),
    ("id", "ping_id", MOST_ID, lambda text: {"id": text}),
    ("kind", "kind", MOST_KIND, lambda text: {"kind": text}),
    ("dimension", "dimension", MOST_VALUE, dimension),
]


@pytest.mark.parametrize(("refused", "most", "change"), [pytest.param(*row[1:], id=row[0]) for row in NAMES])
class TestNames:
    """Whatever names something has 1 to so many characters, none of them a control character."""

    def test_length(self, refused: str, most: int, change: Callable[[str], dict[str, Any]]) -> None:
        """The limit counts characters, not bytes."""
        assert "accepted" == outcome(**change("😀" * most))
        assert refused == outcome(**change("x" * (most + 1)))
        assert refused == outcome(**change(""))

    @pytest.mark.parametrize("character", CONTROL)
    def test_control_characters(
        self, refused: str, most: int, change: Callable[[str], dict[str, Any]], character: str
    ) -> None:
        """Control characters, line separators and surrogates are refused wherever they stand."""
        assert refused == outcome(**change(f"a{character}"[:most]))
        assert refused == outcome(**change(f"{character}a"))

    @given(text=st.text(max_size=120))
    def test_any_text(self, refused: str, most: int, change: Callable[[str], dict[str, Any]], text: str) -> None:
        """Any text is either taken or refused by its own name."""
        assert outcome(**change(text)) in {"accepted", refused}
        assert len(text) <= most or outcome(**change(text)) == refused


def test_nothing_is_required() -> None:
    """A ping of nobody, without an id and without dimensions, passes."""
    assert "accepted" == outcome(instance=None, id=None)


@pytest.mark.parametrize("name", [OTHER, NOT_REPORTED])
def test_reserved_names(name: str) -> None:
    """Nobody can claim the names that reports use for the rest."""
    assert "kind" == outcome(kind=name)
    assert "dimension" == outcome(**dimension(name))


@pytest.mark.parametrize("value", [None, 1, True, 1.5, [], {}])
def test_dimensions_are_text(value: object) -> None:
    """A dimension is text and nothing else."""
    assert "dimension" == outcome(**dimension(value))


def test_update_state_has_three_values() -> None:
    """`update_state` is latest, outdated or ahead."""
    for value in ("latest", "outdated", "ahead"):
        assert "accepted" == outcome(dimensions={"update_state": value})
    assert "dimension" == outcome(dimensions={"update_state": "Latest"})


def test_days_that_are_kept() -> None:
    """A ping may be for any day that is kept, and no more than 24 hours ahead."""
    midnight = NOW - NOW % DAY_MS
    assert "accepted" == outcome(at=midnight - 29 * DAY_MS)
    assert "too_old" == outcome(at=midnight - 29 * DAY_MS - 1)
    assert "accepted" == outcome(at=NOW + DAY_MS)
    assert "from_future" == outcome(at=NOW + DAY_MS + 1)


def test_undeclared_dimensions_become_properties() -> None:
    """A dimension the app does not have is kept as a property, whatever it is; a property of that name wins."""
    taken = take(ping(dimensions={"edition": "pro", "memory": 8, "x": "y"}, properties={"x": 1}), CONTEXT)
    assert ({"edition": "pro"}, {"memory": 8, "x": 1}) == (taken.dimensions, taken.properties)


def test_an_undeclared_dimension_that_is_an_id() -> None:
    """It is hidden like any other property."""
    taken = take(ping(dimensions={"device_id": "ann@example.com"}), CONTEXT)
    assert "ann@example.com" not in str(taken)


def test_size_of_properties() -> None:
    """Properties have at most 64 KiB of JSON, undeclared dimensions among them."""
    room = MOST_PROPERTIES - len('{"x":""}')
    assert "accepted" == outcome(properties={"x": "p" * room})
    assert "properties" == outcome(properties={"x": "p" * (room + 1)})
    assert "properties" == outcome(properties={"x": "p" * (room - 10)}, dimensions={"more": "than that"})


def test_a_small_body_cannot_hold_too_much() -> None:
    """Properties are weighed only when the body was large enough."""
    assert take(ping(properties={"x": 1}), CONTEXT._replace(size=10)).properties == {"x": 1}


names = st.one_of(
    st.text(max_size=5),
    st.sampled_from(
        [
            *("3920606d-a8be-4b50-a4d0-5237229d2f5c", "ann@example.com", "/srv/ann/app", "192.0.2.7", "x" * 101),
            *("x" * 201, "heartbeat", "latest", "Latest", OTHER, NOT_REPORTED, *CONTROL),
        ]
    ),
)
values: st.SearchStrategy[Any] = st.one_of(names, st.sampled_from([None, 1, True, 1.5, [], {}]))
properties = st.dictionaries(st.sampled_from(["instance_id", "distinct_id", "$user_id", "x", "address_hash"]), values)
times = st.sampled_from([0, 1, -1, DAY_MS, DAY_MS + 1, -29 * DAY_MS, -30 * DAY_MS]).map(lambda off: NOW + off)
any_ping = st.builds(
    Ping,
    app=st.just(1),
    instance=st.one_of(st.none(), names),
    kind=names,
    at=st.one_of(times, st.integers(NOW - 31 * DAY_MS, NOW + 2 * DAY_MS)),
    received=st.just(NOW),
    id=st.one_of(st.none(), names),
    dimensions=st.dictionaries(st.sampled_from(["version", "edition", "update_state", "memory", "device_id"]), values),
    properties=properties,
)


@given(st.lists(st.one_of(any_ping, st.just(Refusal("shape"))), max_size=4), st.booleans(), st.booleans())
def test_items_are_judged_together_as_alone(items: list[Ping | Refusal], large: bool, kept: bool) -> None:  # noqa: FBT001 - drawn
    """What is told by one look is what the steps would have told, whatever the items and in whichever order."""
    context = CONTEXT._replace(size=CONTEXT.size if large else 10, address="hash" if kept else None)
    shared = [each if isinstance(each, Refusal) else each._replace(kind="end") for each in items]
    for those in (items, [*items, *shared], [*shared, *items]):
        assert [as_text(judge(each, context)) for each in those] == [
            as_text(each) for each in judge_all(those, context)
        ]


def as_text(judged: Ping | Refusal) -> str:
    """Return what can be compared of a judged item."""
    return f"{judged.outcome.name}: {judged.sentence}" if isinstance(judged, Refusal) else repr(judged)


@pytest.mark.parametrize("step", STEPS, ids=[step.__name__ for step in STEPS])
def test_a_good_ping_is_left_alone(step: Callable[[Ping, Context], Ping]) -> None:
    """No step touches a ping that has nothing wrong with it."""
    good = ping(dimensions={"version": "1", "edition": "pro"}, properties={"x": [1]})
    assert step(good, CONTEXT) is good


def test_every_refusal_is_on_the_list() -> None:
    """Each step that refuses does so by a name of the closed list, none of which is a bug."""
    names = {"instance_id", "ping_id", "kind", "from_future", "too_old", "dimension", "properties"}
    assert {400, 413} == {OUTCOMES[name].status for name in names}
