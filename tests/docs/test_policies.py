"""Every statement about a sender stands on its page: with tests that are there and name it, or as open."""

import re
from typing import Final

import pytest

from tests.docs.pages import rows_of, text_of
from tests.docs.test_receiver import problems

PAGE: Final = "policies.md"
MOST_OPEN: Final = 0
"""May be lowered, never raised."""

STATEMENTS: Final = {
    "000": (*range(1, 11), *range(12, 24)),
    "001": range(1, 25),
    "002": (11, 12),
    "003": (*range(1, 10), *range(11, 21)),
    "004": (*range(1, 6), *range(7, 15)),
}
"""The statements about the sending side, by document."""

NUMBERS: Final = [f"{document}-{number:02}" for document, all_of in STATEMENTS.items() for number in all_of]


def shown() -> dict[str, list[str]]:
    """Return the tests that the page names for each statement that is shown."""
    rows = [row for row in rows_of(text_of(PAGE)) if len(row) == 3]
    return {number: re.findall(r"`([^`]+\.py::\w+)`", tests) for number, _statement, tests in rows}


def still_open() -> list[str]:
    """Return the statements that no test shows."""
    return [row[0] for row in rows_of(text_of(PAGE)) if len(row) == 2]


def test_every_statement_has_its_row() -> None:
    """Each stands there once, as shown or as open, in order, and none is made up."""
    named = [row[0] for row in rows_of(text_of(PAGE)) if len(row) == 3]
    assert sorted(named) == named
    assert sorted(NUMBERS) == sorted([*named, *still_open()])


def test_what_is_open_only_shrinks() -> None:
    """Nothing that was shown becomes open again."""
    assert len(still_open()) <= MOST_OPEN


@pytest.mark.parametrize("number", sorted(shown()))
def test_statements_are_shown(number: str) -> None:
    """Each test that is named exists and says which statement it shows."""
    assert [] == problems(number, shown()[number])
