"""How commands speak: tables on a terminal, plain columns in a pipe, JSON where asked."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

UNKNOWN: Final = "–"
LINES: Final = 6
"""How many lines tell about progress in a pipe."""


def as_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say(value: Mapping[str, Any], sentence: str, *, json_: bool) -> None:
    """Print a value as JSON where asked, else a sentence."""
    if json_:
        as_json(value)
    else:
        click.echo(sentence)


def rows(found: Sequence[Mapping[str, Any]], columns: Sequence[str], *, json_: bool) -> None:
    """Print rows as JSON where asked, else as a table."""
    if json_:
        as_json(found)
    else:
        table(columns, found)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, title: str = "") -> None:
    """Print rows under columns; numbers to the right, what is unknown as a dash."""
    if sys.stdout.isatty():
        _rich(columns, rows, title)
        return
    if title:
        click.echo(f"# {title}")
    click.echo("\t".join(columns))
    for row in rows:
        click.echo("\t".join(_text(row.get(column)) for column in columns))


def _rich(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], title: str) -> None:
    shown = Table(title=title or None, title_justify="left")
    listed = list(rows)
    for column in columns:
        numbers = listed and all(isinstance(row.get(column), int | None) for row in listed)
        shown.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in listed:
        # As plain text: a stranger's square brackets are no markup.
        shown.add_row(*(Text(_text(row.get(column))) for column in columns))
    Console().print(shown)


def _text(value: Any) -> str:
    # Values come from strangers: nothing of them may steer the terminal or break a line.
    text = UNKNOWN if value is None else str(value)
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def busy(sentence: str) -> AbstractContextManager[Any]:
    """Show that something is going on, on a terminal."""
    return Console(stderr=True).status(sentence) if sys.stderr.isatty() else nullcontext()


@contextmanager
def progress(what: str, steps: int) -> Iterator[Callable[[], None]]:
    """Show how many of the steps are done: a bar on a terminal, a line now and then in a pipe."""
    if sys.stderr.isatty():
        with Progress(console=Console(stderr=True)) as shown:
            task = shown.add_task(what, total=steps)
            yield lambda: shown.advance(task)
        return
    click.echo(f"{what}…", err=True)
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done * LINES // steps > (done - 1) * LINES // steps:
            click.echo(f"{what}: {done} of {steps}", err=True)

    yield advance
