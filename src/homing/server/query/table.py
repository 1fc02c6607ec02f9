"""A report as rows, for CSV and for terminals."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

COLUMNS: Final = ("section", "day", "dimension", "value", "requests", "clients", "latest", "outdated", "active_apps")


def rows(made: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the summary, each day and each value of each split as one flat row."""
    yield {"section": "summary", **made["summary"]}
    for day in made["daily"]:
        yield {"section": "daily", **day}
    for name, values in made["splits"].items():
        for value in values:
            yield {"section": "split", "dimension": name, **value}


def to_csv(made: Mapping[str, Any]) -> str:
    """Return a report as CSV (RFC 4180) with one header line; what is unknown is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in rows(made):
        writer.writerow({name: _harmless(value) for name, value in row.items()})
    return text.getvalue()


def _harmless(value: Any) -> Any:
    # A spreadsheet takes a cell that begins like this for a formula, and values come from strangers.
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
