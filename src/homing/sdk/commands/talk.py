"""How commands speak: aligned and with a little weight at a terminal, plain in a pipe, JSON where asked."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TextIO

from homing.errors import HomingError, SettingsError
from homing.settings import environment_values

OK: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
"""Exit codes: it was done, it could not be done, it was asked in a wrong way or settings forbid it."""

UNKNOWN: Final = "–"
BOLD: Final = "\x1b[1m{}\x1b[0m"
PLAIN: Final = ("NO_COLOR",)
"""Variables that ask for text without weight."""

YES: Final = frozenset({"y", "yes"})
GAP: Final = "  "


class Table(NamedTuple):
    """Rows under a head; a table without a head has names in its first column."""

    rows: Sequence[Sequence[Any]]
    head: Sequence[str] = ()


Part = str | Table
"""What people read: a paragraph or a table."""


class Answer(NamedTuple):
    """What a command has to say: `value` in JSON, `parts` for people, `problems` on standard error; its exit code."""

    value: Any
    parts: Sequence[Part] = ()
    problems: Sequence[str] = ()
    code: int = OK


class Declined(HomingError):
    """Somebody was asked, and did not say yes."""


class Talk:
    """Speaks for one command: `name` is what it is called on the command line."""

    def __init__(self, name: str, *, is_json: bool = False, is_sure: bool = False) -> None:
        self._name = name
        self._is_json = is_json
        self._is_sure = is_sure

    def show(self, parts: Iterable[Part]) -> None:
        """Let people read something before the answer; with JSON it stands on standard error."""
        _write(sys.stderr if self._is_json else sys.stdout, parts)

    def ask(self, question: str) -> None:
        """Ask unless somebody is sure; raise `Declined` for all but yes, `SettingsError` where nobody can answer."""
        if self._is_sure:
            return
        if sys.stdin is None or not sys.stdin.isatty():
            raise SettingsError(["Nobody is here to be asked: repeat it with -y."])
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in YES:
            raise Declined("Nothing was changed.")

    def tell(self, answer: Answer) -> int:
        """Give the answer; return its exit code."""
        if self._is_json:
            sys.stdout.write(f"{json.dumps(answer.value, ensure_ascii=False, indent=2)}\n")
        else:
            _write(sys.stdout, answer.parts)
        sys.stdout.flush()
        return self.complain(answer.problems, answer.code)

    def complain(self, problems: Iterable[str], code: int) -> int:
        """Say what is wrong, a line for each problem; return the exit code."""
        for problem in problems:
            sys.stderr.write(f"{self._name}: {_harmless(problem)}\n")
        return code


def _write(file: TextIO, parts: Iterable[Part]) -> None:
    is_terminal = file.isatty()
    has_weight = is_terminal and not environment_values(PLAIN)
    for number, part in enumerate(parts):
        if number and is_terminal:
            file.write("\n")
        if isinstance(part, str):
            file.write(f"{_lines(part)}\n")
        elif is_terminal:
            file.writelines(f"{line}\n" for line in _aligned(part, has_weight=has_weight))
        else:
            rows = [part.head, *part.rows] if part.head else part.rows
            file.writelines("\t".join(map(_cell, row)) + "\n" for row in rows)


def _aligned(table: Table, *, has_weight: bool) -> Iterable[str]:
    rows = [[_cell(each) for each in row] for row in ([table.head] if table.head else []) + [*table.rows]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [each.ljust(width) for each, width in zip(row, widths, strict=True)]
        if has_weight and table.head and not number:
            cells = [BOLD.format(each) for each in cells]
        elif has_weight and not table.head:
            cells[0] = BOLD.format(cells[0])
        yield GAP.join(cells).rstrip()


def _cell(value: Any) -> str:
    return UNKNOWN if value in (None, "") else _harmless(str(value))


def _lines(text: str) -> str:
    return "\n".join(map(_harmless, text.split("\n")))


def _harmless(text: str) -> str:
    # Some of it was said by strangers: nothing of it may steer the terminal or break a line.
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
