"""Every statement about a receiver stands on its page, with tests that are there and name it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import ROOT, rows_of, text_of

STATEMENTS: Final = {
    "000": (*range(3, 12), 23),
    "001": (13, *range(16, 21), 25),
    "003": (1, *range(6, 11), 13),
    "004": tuple(range(1, 9)),
}
"""The statements about the receiving side, by document."""

NUMBERS: Final = [f"{document}-{number:02}" for document, all_of in STATEMENTS.items() for number in all_of]


def shown() -> dict[str, list[str]]:
    """Return the tests that the page names for each statement."""
    rows = rows_of(text_of("receiver.md"))
    return {number: re.findall(r"`([^`]+\.py::\w+)`", tests) for number, _statement, tests in rows}


def functions(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the source of each test of a file."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name, ast.get_source_segment(text, node) or ""


def problems(number: str, tests: list[str]) -> list[str]:
    """Return what is wrong with a statement's row."""
    found = [] if tests else [f"{number} names no test"]
    for named in tests:
        file, _, name = named.partition("::")
        path = ROOT / file
        source = dict(functions(path)).get(name) if path.is_file() else None
        if source is None:
            found.append(f"{number}: there is no test {named}")
        elif not re.search(rf"# .*\b{number}\b", source):
            found.append(f"{number}: {named} has no comment with the number")
    return found


def test_every_statement_has_its_row() -> None:
    """No statement is missing, none is there twice, and none is made up."""
    rows = rows_of(text_of("receiver.md"))
    assert NUMBERS == [row[0] for row in rows]
    assert [] == [row[0] for row in rows if len(row[1]) < 40]


@pytest.mark.parametrize("number", NUMBERS)
def test_statements_are_shown(number: str) -> None:
    """Each test that is named exists and says which statement it shows."""
    assert [] == problems(number, shown().get(number, []))


def test_what_is_missing_is_noticed() -> None:
    """A test that is gone, or that shows something else, is a problem."""
    here = "tests/docs/test_receiver.py"
    assert ["000-03 names no test"] == problems("000-03", [])
    assert [f"000-03: there is no test {here}::test_gone"] == problems("000-03", [f"{here}::test_gone"])
    assert ["000-03: there is no test tests/gone.py::test_x"] == problems("000-03", ["tests/gone.py::test_x"])
    [problem] = problems("000-03", [f"{here}::test_every_statement_has_its_row"])
    assert problem.endswith("has no comment with the number")
