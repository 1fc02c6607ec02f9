"""A report as rows."""

import csv
import io
from typing import Any

import pytest

from homing.server.query.table import COLUMNS, rows, to_csv

MADE: dict[str, Any] = {
    "summary": {"requests": None, "clients": 3, "latest": 1, "outdated": 2, "active_apps": 1},
    "daily": [{"day": "2026-11-22", "requests": 7, "clients": 3, "latest": 1, "outdated": 2}],
    "splits": {"version": [{"value": "1, 2", "clients": 2}, {"value": "(not reported)", "clients": 1}], "arch": []},
}


def table(made: dict[str, Any]) -> list[dict[str, str]]:
    """Read a report's CSV back."""
    return list(csv.DictReader(io.StringIO(to_csv(made))))


def test_rows() -> None:
    """The summary, each day and each value is one row."""
    assert ["summary", "daily", "split", "split"] == [row["section"] for row in rows(MADE)]


def test_csv() -> None:
    """The table has one header, the same columns in every row, and nothing where nothing is known."""
    read = table(MADE)
    assert {COLUMNS} == {tuple(row) for row in read}
    assert ("", "3", "") == (read[0]["requests"], read[0]["clients"], read[0]["value"])
    assert ("version", "1, 2", "2") == (read[2]["dimension"], read[2]["value"], read[2]["clients"])


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_formulas(value: str) -> None:
    """What a spreadsheet would take for a formula is text."""
    made = {**MADE, "splits": {"version": [{"value": value, "clients": 1}]}}
    assert f"'{value}" == table(made)[-1]["value"]


def test_awkward_values() -> None:
    """Quotes, commas and newlines come back as they were."""
    made = {**MADE, "splits": {"version": [{"value": 'a"b,c\nd', "clients": 1}]}}
    assert 'a"b,c\nd' == table(made)[-1]["value"]
