"""The one builder."""

from typing import Any

import pytest

from homing.sdk.payload import (
    DATABASE,
    LARGEST,
    NUMBER,
    SWITCH,
    TEXT,
    Gathered,
    Moment,
    Row,
    encode,
    gather,
    narrowed,
    untold,
)

MOMENT = Moment("1.2.3", "i-1", "heartbeat", 0, "p-1")


def built(*rows: Row, **told: Any) -> Gathered:
    """Return the body's value and the failed fields."""
    return gather(rows, MOMENT, told=told)


def row(name: str, kind: str = TEXT, **more: Any) -> Row:
    """Return a row whose value the application gives."""
    return Row(name, kind, "why", None, untold, may_be_told=True, **more)


def test_places() -> None:
    """Dots make objects, and the order is that of the rows."""
    rows = (row("b.x"), row("a"), row("b.y"))
    made = gather(rows, MOMENT, told={"b.x": "1", "a": "2", "b.y": "ü"})
    assert ('{"b":{"x":"1","y":"ü"},"a":"2"}'.encode(), ()) == (encode(made.fields), made.failed)


def test_the_moment_is_at_hand() -> None:
    """A probe is given what is known when the ping is made."""
    assert ({"v": "1.2.3"}, ()) == built(Row("v", TEXT, "why", "1", lambda moment: moment.version))


def test_values_are_asked_for_each_time() -> None:
    """The application gives a value, or a function that is called at each send."""
    numbers = iter(range(5))
    answers = [built(row("n", NUMBER), n=lambda: next(numbers))[0]["n"] for _ in range(3)]
    assert [0, 1, 2] == answers


def test_a_failing_probe_leaves_null() -> None:
    """It is named, and the other fields are as they would be without it."""
    broken = Row("b", TEXT, "why", "1", lambda _moment: 1 / 0)
    assert ({"a": "1", "b": None, "c": "3"}, ("b",)) == built(row("a"), broken, row("c"), a="1", c="3")


def test_nothing_told_is_no_failure() -> None:
    """A field without a value is empty, or what its row says."""
    rows = (row("a"), row("b", SWITCH, otherwise=False), row("c"))
    assert ({"a": None, "b": False, "c": None}, ()) == built(*rows, c=None)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (TEXT, ["a", "a b", "ü" * 100], ["", "a" * 101, "a\nb", "\x00", "\ud800", 1, b"a", ["a"]]),
        (NUMBER, [0, 20, LARGEST], [-1, LARGEST + 1, True, 1.5, "1"]),
        (SWITCH, [True, False], [0, 1, "true"]),
        (DATABASE, ["postgresql", "sqlite", "unknown"], ["mysql", "", 3]),
    ],
)
def test_types(kind: str, good: list[Any], bad: list[Any]) -> None:
    """What is not of the row's type counts as a failure and does not leave."""
    for value in good:
        assert ({"a": value}, ()) == built(row("a", kind), a=value)
    for value in bad:
        assert ({"a": "other"}, ("a",)) == built(row("a", kind, otherwise="other"), a=value)


def test_what_the_host_leaves() -> None:
    """It may take fields out and empty them; what it adds or changes does not leave."""
    fields = {"a": "1", "b": {"c": 2, "d": 3}, "e": "4"}

    def change(body: dict[str, Any]) -> dict[str, Any]:
        body["b"] |= {"c": 9, "new": True}
        del body["e"]
        return {**body, "more": "x"}

    assert fields == narrowed(fields, None) == narrowed(fields, dict)
    assert {"a": "1", "b": {"c": None, "d": 3}} == narrowed(fields, change)
    assert {"a": None, "b": None} == narrowed(fields, lambda _body: {"a": None, "b": "x"})
    assert {} == narrowed(fields, lambda _body: {})
    assert {"a": "1", "b": {"c": 2, "d": 3}, "e": "4"} == fields


def test_fields_that_may_be_left_out() -> None:
    """An optional one without a value is not there, and rows of other kinds are not asked."""
    rows = (row("a", is_optional=True), row("b", kinds=("begin",)), row("c", kinds=("heartbeat", "begin")))
    assert ({"c": None}, ()) == built(*rows)
    assert ({"a": "1", "c": None}, ()) == built(*rows, a="1")
