"""The pages under docs/, and the parts of them that are made from rows.

`python -m tests.docs.pages` writes those parts anew.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from homing.outcomes import OUTCOMES
from homing.server.api import reports
from homing.server.config import PREFIX, ROWS
from homing.server.dialects.seqdesk import KEYS
from homing.server.query.question import PARAMETERS
from tests.golden.cases import DIALECTS, WEBHOOK, cases

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"

EVERYWHERE: Final = frozenset(
    {
        *("rate_address", "rate_app", "too_slow", "overloaded", "unavailable", "unstorable", "internal"),
        *("instance_erased", "token_missing"),
    }
)
"""Outcomes of every dialect that no golden case shows: they need more than one request and a fresh store."""

BEARER: Final = frozenset({"bearer_missing", "bearer_wrong"})
"""And those of an app that demands a bearer token, which webhooks do without."""


TOLD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "as_of": "the owner's commit that all numbers are of",
        "from": "the first day",
        "to": "the last day",
        "filters": "what was filtered by: for each dimension a list of values",
        "labels": "the labels that clients had to bear, after a minus those they had not to",
        "summary": "over all days and apps: {}",
        "daily": "for each day: {}",
        "splits": "for each dimension a list, in it for each value: {}",
        "notes": "sentences about the numbers, for people",
    }
)
"""What each field of the report is, in words."""


def text_of(page: str) -> str:
    """Return the text of a page."""
    return (DOCS / page).read_text(encoding="utf-8")


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of every table row in a text, without heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    heads = {number - 1 for number, row in enumerate(cells) if set("".join(row)) <= {"-"}}
    return [row for number, row in enumerate(cells) if number not in heads and number - 1 not in heads]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _settings() -> str:
    rows = ([f"`{row.name}`", f"`{PREFIX}{row.name.upper()}`", _shown(row.default), row.help] for row in ROWS)
    return table(("in the file", "in the environment", "default", "what it is for"), rows)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "off" if not default else "on"
    return f"`{default}`" if default not in ("", ()) else "none"


def _parameters() -> str:
    rows = [
        (f"`{row.name}`", "yes" if row.repeats else "no", row.help, f"`{row.example}`" if row.example else "")
        for row in PARAMETERS
    ]
    rows.append(("`format`", "no", "json or csv; takes precedence over the Accept header.", "`csv`"))
    return table(("parameter", "may repeat", "what it asks", "example"), rows)


def fields(struct: type[msgspec.Struct]) -> list[str]:
    """Return the names a struct has in JSON."""
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _response() -> str:
    parts: dict[str, type[msgspec.Struct]] = {"summary": reports.Summary, "daily": reports.Day, "splits": reports.Share}
    rows = []
    for name in fields(reports.Report):
        inner = ", ".join(f"`{each}`" for each in fields(parts[name])) if name in parts else ""
        rows.append((f"`{name}`", TOLD[name].format(inner)))
    return table(("field", "what stands in it"), rows)


def outcomes_of(dialect: str) -> set[str]:
    """Return the names of all outcomes that a dialect can answer with."""
    golden = {name for case in cases(dialect) for name in case.named}
    return golden | EVERYWHERE | (BEARER if dialect in DIALECTS else frozenset())


def _outcomes(dialect: str) -> str:
    can = outcomes_of(dialect)
    rows = ((f"`{row.name}`", str(row.status), row.sentence) for row in OUTCOMES.values() if row.name in can)
    return table(("outcome", "status", "sentence"), rows)


PARTS: Final[Mapping[tuple[str, str], Callable[[], str]]] = MappingProxyType(
    {
        ("settings.md", "settings"): _settings,
        ("api.md", "parameters"): _parameters,
        ("api.md", "response"): _response,
        **{(f"dialects/{name}.md", "outcomes"): partial(_outcomes, name) for name in DIALECTS},
        ("webhooks.md", "outcomes"): partial(_outcomes, WEBHOOK),
    }
)
"""Which part of which page is made by what."""


def part(page: str, name: str) -> str:
    """Return what stands in a made part of a page now."""
    begin, end = _marks(name)
    text = text_of(page)
    return text[text.index(begin) + len(begin) : text.index(end)].strip()


def write() -> None:
    """Write every made part anew."""
    for (page, name), make in PARTS.items():
        rewrite(page, {name: make})


def rewrite(page: str, parts: Mapping[str, Callable[[], str]]) -> None:
    """Write parts of a page anew, each made by the function of its name."""
    text = text_of(page)
    for name, make in parts.items():
        begin, end = _marks(name)
        text = f"{text[: text.index(begin)]}{begin}\n\n{make()}\n\n{text[text.index(end) :]}"
    (DOCS / page).write_text(text, encoding="utf-8")


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- made from rows: {name} -->", f"<!-- end: {name} -->"


def wire_fields() -> Iterator[str]:
    """Yield every field of SeqDesk's heartbeat as `update.available`."""
    for outer, keys in KEYS.items():
        for key in sorted(keys):
            if key not in KEYS:
                yield f"{outer}.{key}" if outer else key


if __name__ == "__main__":
    write()
