"""Takes in the file that the sending side's `export` writes for sites without a network: docs/commands.md."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec

from homing.cli.opening import Workplace
from homing.clock import DAY_MS, parse_time
from homing.errors import HomingError, StoreUnavailable
from homing.outcomes import Refusal, Verdict, outcome_of
from homing.ping import Ping
from homing.server.app import DIALECTS, directory_of
from homing.server.dialects.base import Dialect, Request
from homing.server.dialects.seqdesk import TOKEN_HEADER
from homing.server.ingest.lane import in_place
from homing.server.ingest.routes import Target
from homing.server.ingest.steps import Context, judge
from homing.server.stores.base import App, Batch
from homing.server.writer.scribe import Scribe

FORMAT: Final = 1
MOST_LINE: Final = 2 * 1024 * 1024
"""Bytes of a line; what would have been too large for a request is none that was written by an export."""

LINES: Final = 500
"""How many lines become durable together."""

GOOD: Final = frozenset({"accepted", "duplicate"})
IMPORTED: Final = "imported_before"
UNREADABLE: Final = "unreadable"


class Header(NamedTuple):
    """What a file says of itself: the name of the application, and the form of its bodies."""

    app: str
    form: str


class Line(NamedTuple):
    """One request of a file; `at` is when it was made, in milliseconds since 1970-01-01 UTC."""

    id: str
    at: int
    body: bytes


class Import(NamedTuple):
    """Where lines go to: an app, what it takes, and the dialect that reads them."""

    place: Workplace
    app: App
    target: Target
    dialect: Dialect

    def take(self, lines: Sequence[bytes]) -> Counter[str]:
        """Take lines in that were not taken in before, and return what became of them by the names of outcomes."""
        read = [line_of(each) for each in lines]
        whole = {line.id: line for line in read if line is not None}
        known = self.place.control.imported(self.app.id, list(whole))
        fresh = [line for name, line in whole.items() if name not in known]
        items = [(line, item) for line in fresh for item in self._read(line)]
        judged = [self._judge(line, item) for line, item in items]
        verdicts = self._record([each for each in judged if isinstance(each, Ping)])
        names = [outcome_of(each).name for each in in_place(judged, verdicts)]
        done = {line.id: line.at for (line, _item), name in zip(items, names, strict=True) if name in GOOD}
        # First the pings, whose ids are remembered for a week: what happens between the two is made good by a retry.
        self.place.control.note_imported(self.app.id, done, before=self._oldest())
        found = Counter(names)
        unreadable = read.count(None)
        return found + Counter({IMPORTED: len(read) - unreadable - len(fresh), UNREADABLE: unreadable})

    def _read(self, line: Line) -> Sequence[Ping | Refusal]:
        # As if it had been received when it was made: that is when a sender's clock is compared with ours.
        asked = Request({TOKEN_HEADER: "-"}, line.body, self.app.id, line.at, self.target.dimensions)
        try:
            found = self.dialect.read(asked).items
        except Refusal as refusal:
            return [refusal]
        names = (line.id if place == 0 else f"{line.id}/{place}" for place in range(len(found)))
        return [
            item if isinstance(item, Refusal) else item._replace(id=item.id or name)
            for item, name in zip(found, names, strict=True)
        ]

    def _judge(self, line: Line, item: Ping | Refusal) -> Ping | Refusal:
        if isinstance(item, Refusal):
            return item
        target = self.target
        context = Context(len(line.body), target.dimensions, target.retention_days, target.veil)
        found = judge(item._replace(received=self.place.clock.now(), credential=None), context)
        if isinstance(found, Refusal) or found.instance is None:
            return found
        # The file has no tokens: whoever may run commands here may hand it in, also for an instance that is bound.
        bound = self.place.store.bindings(self.app.owner, found.instance)
        return found._replace(credential=bound.get(self.app.id))

    def _record(self, pings: Sequence[Ping]) -> list[Verdict]:
        """Record pings as the receiver does; raise `StoreUnavailable` when the store cannot be written."""
        if not pings:
            return []
        recorded = Scribe(self.place.store, self.place.clock).record(Batch(self.place.clock.id(), pings))
        if recorded.trouble is not None:
            raise StoreUnavailable(recorded.trouble)
        return recorded.verdicts

    def _oldest(self) -> int:
        return self.place.clock.now() - (self.target.retention_days + 1) * DAY_MS


def import_file(place: Workplace, app: App, *, path: Path, advance: Callable[[], None]) -> Counter[str]:
    """Take a file in, and return what became of its lines; raise `HomingError` when it is no such file.

    `advance` is called for every `LINES` lines.
    """
    directory = directory_of(place.control, place.settings, clock=place.clock)
    with path.open("rb") as file:
        to = Import(place, app, directory.target(app), dialect_of(read_header(file, path)))
        total: Counter[str] = Counter()
        left = _lines(file)
        while lines := list(islice(left, LINES)):
            total += to.take(lines)
            advance()
    place.store.settle()
    return total


def header_of(path: Path) -> Header:
    """Return what a file says of itself; raise `HomingError` when it is no export that can be read."""
    with path.open("rb") as file:
        return read_header(file, path)


def read_header(file: BinaryIO, path: Path) -> Header:
    """Read the first line of a file; raise `HomingError` when it is not one of a format that is known."""
    found = _object(file.readline(MOST_LINE))
    if found.get("homing") != "export":
        raise HomingError(f"{path} is no export of Homing.")
    if found.get("format") != FORMAT:
        raise HomingError(f"{path} is of the format {found.get('format')}; this Homing reads {FORMAT}.")
    return Header(str(found.get("app")), str(found.get("form")))


def dialect_of(header: Header) -> Dialect:
    """Return what reads a file's bodies; raise `HomingError` when nothing does."""
    for dialect in DIALECTS:
        if dialect.name == header.form:
            return dialect
    raise HomingError(f"Bodies of the form {header.form!r} cannot be read here.")


def count_lines(path: Path) -> int:
    """Return how many lines a file has beside its header."""
    with path.open("rb") as file:
        return max(0, sum(1 for _line in _lines(file)) - 1)


def line_of(text: bytes) -> Line | None:
    """Return a line; None for one that was cut off, or is none."""
    found = _object(text)
    name, at, body = (found.get(each) for each in ("id", "at", "body"))
    try:
        made = parse_time(at) if isinstance(at, str) else None
    except (ValueError, OverflowError):
        return None
    if not isinstance(name, str) or made is None or not isinstance(body, dict):
        return None
    return Line(name, made, msgspec.json.encode(body))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(MOST_LINE):
        if line.strip():
            yield line


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
