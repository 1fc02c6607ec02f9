"""The one parser of questions."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.clock import parse_day
from homing.errors import QueryError
from homing.ping import CORE_DIMENSIONS, NOT_REPORTED
from homing.server.query.question import MOST_DAYS, MOST_FILTER_VALUES, MOST_SPLITS, PARAMETERS, Query, parse

TODAY = parse_day("2026-11-22")
APPS = {"one": 1, "two": 2}


def asked(given_: Mapping[str, Sequence[str]] | None = None, **more: Sequence[str]) -> Query:
    """Parse the question of an owner with two apps."""
    return parse(7, APPS, given={**(given_ or {}), **more}, today=TODAY)


def days(**given_: Sequence[str]) -> tuple[int, int]:
    """Return how many days before today the first and the last day asked about are."""
    found = asked({name.rstrip("_"): value for name, value in given_.items()})
    return TODAY - found.first, TODAY - found.last


def problem(given_: Mapping[str, Sequence[str]]) -> str:
    """Return the sentence a question is refused with."""
    with pytest.raises(QueryError) as caught:
        asked(given_)
    return str(caught.value)


def question_or_sentence(given_: Mapping[str, Sequence[str]]) -> Query | str:
    """Return the question asked, or the sentence it is refused with."""
    try:
        return asked(given_)
    except QueryError as error:
        return str(error)


def test_nothing_asked() -> None:
    """Without parameters the question is about today, all apps, and the core dimensions."""
    assert Query(7, (1, 2), TODAY, TODAY, (), CORE_DIMENSIONS) == asked()


def test_ranges() -> None:
    """A week is 8 dates, a month 31, as document 002 has it."""
    assert [(0, 0), (7, 0), (30, 0)] == [days(range=[name]) for name in ("today", "week", "month")]
    assert 8 == len(asked(range=["week"]).days)


def test_dates() -> None:
    """`from` and `to` are both included; without `to` it is today, without `from` one day."""
    assert (21, 20) == days(from_=["2026-11-01"], to=["2026-11-02"])
    assert (21, 0) == days(from_=["2026-11-01"])
    assert (20, 20) == days(to=["2026-11-02"])
    assert (-1, -1) == days(to=["2026-11-23"])


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"from": ["2026-11-02"], "to": ["2026-11-01"]}, "days in order"),
        ({"from": ["2020-01-01"]}, f"1 to {MOST_DAYS} days"),
        ({"from": ["2026-12-01"]}, "days in order"),
        ({"from": ["20261101"]}, "from must be a date of the form 2026-11-22."),
        ({"from": ["2026-W47-1"]}, "from must be a date"),
        ({"to": ["2026-02-30"]}, "to must be a date of the form 2026-11-22."),
        ({"to": [""]}, "to must be a date"),
        ({"range": ["year"]}, "range is one of today, week, month"),
        ({"range": ["week"], "from": ["2026-11-01"]}, "stands without from and to"),
        ({"range": ["week", "week"]}, "range may be given once."),
        ({"from": ["2026-11-01", "2026-11-02"]}, "from may be given once."),
        ({"app": ["three"]}, "There is no app 'three'."),
        ({"nope": ["x"]}, "There is no parameter 'nope'."),
        ({"split": [""]}, "1 to 100 printable characters"),
        ({"split": ["a\x00"]}, "1 to 100 printable characters"),
        ({"split": [f"d{n}" for n in range(MOST_SPLITS + 1)]}, f"at most {MOST_SPLITS} splits"),
        ({"filter": ["database"]}, "filter has the form name:value."),
        ({"filter": [":sqlite"]}, "1 to 100 printable characters"),
        ({"version": [str(n) for n in range(MOST_FILTER_VALUES + 1)]}, f"at most {MOST_FILTER_VALUES} filter values"),
    ],
)
def test_what_cannot_be_understood(given_: Mapping[str, Sequence[str]], sentence: str) -> None:
    """Each mistake is answered with a sentence that names it."""
    assert sentence in problem(given_)


def test_apps_by_name() -> None:
    """Apps are asked for by name, each once however often it is named."""
    assert (2,) == asked(app=["two"]).apps
    assert (2, 1) == asked(app=["two", "one", "two"]).apps


def test_filters() -> None:
    """Values of one dimension stand together; a value may hold colons; `(not reported)` is nobody's value."""
    found = asked({"version": ["1", "2", "1"], "filter": ["database:sqlite", "build:a:b", f"database:{NOT_REPORTED}"]})
    expected = (("version", ("1", "2")), ("database", ("sqlite", None)), ("build", ("a:b",)))
    assert expected == found.filters


def test_a_filter_by_its_long_name() -> None:
    """`filter=version:1` says what `version=1` says."""
    assert asked(version=["1"]).filters == asked(filter=["version:1"]).filters


def test_labels() -> None:
    """Labels are those there are, a minus before one asks for the others; each stands once."""
    assert ("settled", "-ci") == asked(label=["settled", "-ci", "settled"]).labels
    for label in ("", "-", "--ci", "CI", "ci,settled"):
        assert "label is one of ci, container, cloned, settled, with a minus" in problem({"label": [label]})


def test_splits() -> None:
    """Asked-for splits take the place of the core ones, each once."""
    assert ("node", "version") == asked(split=["node", "version", "node"]).split


def test_every_parameter_is_read() -> None:
    """Each row of the table is understood when it is given its example, or any value."""
    for row in PARAMETERS:
        value = {"app": "one"}.get(row.name, row.example or "x")
        assert asked({row.name: [value]})


names = st.one_of(st.sampled_from([row.name for row in PARAMETERS]), st.text(max_size=8))
texts = st.one_of(
    st.text(max_size=12), st.sampled_from(["one", "week", "2026-11-01", "9999-12-31", "0001-01-01", "a:b"])
)


@given(st.dictionaries(names, st.lists(texts, min_size=1, max_size=3), max_size=5))
def test_any_parameters(given_: dict[str, Any]) -> None:
    """Any parameters are a question with a reasonable number of days, or one sentence."""
    found = question_or_sentence(given_)
    assert found.endswith(".") if isinstance(found, str) else 1 <= len(found.days) <= MOST_DAYS


def test_before_time_begins() -> None:
    """Days are counted from 1970 on; what lies before is refused."""
    assert "from lies before 1970-01-01, when time begins here." == problem(
        {"from": ["1969-12-31"], "to": ["1970-01-01"]}
    )


def test_a_dimension_has_no_colon() -> None:
    """In a filter the colon ends the dimension's name, so no name has one."""
    assert "none of them a colon" in problem({"split": ["a:b"]})
