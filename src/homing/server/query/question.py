"""The question: which apps, which days, which filters, which splits. One value, one parser for API and command line."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from homing.clock import iso_day, parse_day
from homing.errors import QueryError
from homing.ping import CORE_DIMENSIONS, KIND, NOT_REPORTED, UPDATE_STATE
from homing.server.counting.labels import LABELS

RANGES: Final[Mapping[str, int]] = MappingProxyType({"today": 0, "week": 7, "month": 30})
"""How many days before today a range begins: a week lists 8 dates and a month 31, as document 002 has it."""

LABEL: Final = "label"
"""The parameter that narrows to clients with a label, or with a minus before it to those without."""

NAMED_FILTERS: Final = (*CORE_DIMENSIONS, UPDATE_STATE, KIND)
"""Dimensions with a parameter of their own; any other is filtered with `filter=name:value`."""

MOST_DAYS: Final = 400
MOST_FILTER_VALUES: Final = 100
MOST_SPLITS: Final = 20
MOST_NAME: Final = 100

Filters = tuple[tuple[str, tuple[str | None, ...]], ...]


class Query(NamedTuple):
    """A question about apps of one owner.

    `apps` are numbers; `first` and `last` are days, both included. `filters` are (dimension, values) of which a client
    must bear one each within the same app and day; the value None stands for `(not reported)`. `split` names the
    dimensions to list values of. `labels` are those a client must bear on whichever day, and after a minus those it
    must not; all of them hold together.
    """

    owner: int
    apps: tuple[int, ...]
    first: int
    last: int
    filters: Filters
    split: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def days(self) -> range:
        """Every day asked about, in order."""
        return range(self.first, self.last + 1)


class Parameter(NamedTuple):
    """A row: one parameter of a question, as it stands in an address."""

    name: str
    repeats: bool
    help: str
    example: str


PARAMETERS: Final = (
    Parameter("app", True, "Only this app; all of the owner's when left out.", "my-app"),
    Parameter("range", False, "Today alone (today), the last 8 dates (week) or 31 dates (month).", "week"),
    Parameter("from", False, "The first day, a UTC date.", "2026-11-01"),
    Parameter("to", False, "The last day, a UTC date; today when left out.", "2026-11-22"),
    *(Parameter(name, True, f"Only clients with this {name}.", "") for name in NAMED_FILTERS),
    Parameter("filter", True, "Only clients with this value of any other dimension: name:value.", "database:sqlite"),
    Parameter(
        LABEL, True, f"Only clients that bear this label, -label for the others: {', '.join(LABELS)}.", "settled"
    ),
    Parameter("split", True, "A dimension to list the values of; the core ones when left out.", "version"),
)
"""Everything that can be asked for."""


class Asked(NamedTuple):
    """The parameters as given, each a list since it may be repeated."""

    given: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str | None:
        """Return the value of a parameter that may stand once; raise `QueryError` when it stands twice."""
        values = self.given.get(name, ())
        if len(values) > 1:
            message = f"{name} may be given once."
            raise QueryError(message)
        return values[0] if values else None


def parse(owner: int, apps: Mapping[str, int], *, given: Mapping[str, Sequence[str]], today: int) -> Query:
    """Return the question that parameters ask.

    `apps` are the owner's apps by name. Raises `QueryError` with one sentence for whatever cannot be understood.
    """
    strange = given.keys() - {row.name for row in PARAMETERS}
    if strange:
        message = f"There is no parameter {min(strange)!r}."
        raise QueryError(message)
    asked = Asked(given)
    first, last = _days(asked, today)
    chosen = tuple(_app(apps, name) for name in given.get("app", ())) or tuple(apps.values())
    split = tuple(dict.fromkeys(_name(name) for name in given.get("split", ()))) or CORE_DIMENSIONS
    if len(split) > MOST_SPLITS:
        message = f"Ask for at most {MOST_SPLITS} splits at once."
        raise QueryError(message)
    return Query(owner, tuple(dict.fromkeys(chosen)), first, last, _filters(given), split, _labels(given))


def _app(apps: Mapping[str, int], name: str) -> int:
    if name not in apps:
        message = f"There is no app {name!r}."
        raise QueryError(message)
    return apps[name]


def _name(name: str) -> str:
    if not name or len(name) > MOST_NAME or not name.isprintable() or ":" in name:
        message = "The name of a dimension has 1 to 100 printable characters, none of them a colon."
        raise QueryError(message)
    return name


def _days(asked: Asked, today: int) -> tuple[int, int]:
    named = asked.one("range")
    begin, end = asked.one("from"), asked.one("to")
    if named is not None:
        if named not in RANGES or begin or end:
            message = f"range is one of {', '.join(RANGES)}, and stands without from and to."
            raise QueryError(message)
        return today - RANGES[named], today
    last = today if end is None else _day("to", end)
    first = last if begin is None else _day("from", begin)
    if not 0 <= last - first < MOST_DAYS:
        message = f"from {iso_day(first)} to {iso_day(last)} must be 1 to {MOST_DAYS} days in order."
        raise QueryError(message)
    return first, last


def _day(name: str, text: str) -> int:
    try:
        day = parse_day(text)
    except ValueError:
        message = f"{name} must be a date of the form 2026-11-22."
        raise QueryError(message) from None
    if day < 0:
        message = f"{name} lies before 1970-01-01, when time begins here."
        raise QueryError(message)
    return day


def _filters(given: Mapping[str, Sequence[str]]) -> Filters:
    wanted: dict[str, list[str | None]] = {}
    for name in NAMED_FILTERS:
        for value in given.get(name, ()):
            wanted.setdefault(name, []).append(_value(value))
    for pair in given.get("filter", ()):
        name, colon, value = pair.partition(":")
        if not colon:
            message = "filter has the form name:value."
            raise QueryError(message)
        wanted.setdefault(_name(name), []).append(_value(value))
    if sum(map(len, wanted.values())) > MOST_FILTER_VALUES:
        message = f"Give at most {MOST_FILTER_VALUES} filter values."
        raise QueryError(message)
    return tuple((name, tuple(dict.fromkeys(values))) for name, values in wanted.items())


def _labels(given: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(given.get(LABEL, ())))
    for label in wanted:
        if label.removeprefix("-") not in LABELS:
            message = f"label is one of {', '.join(LABELS)}, with a minus before it for those without."
            raise QueryError(message)
    return wanted


def _value(text: str) -> str | None:
    return None if text == NOT_REPORTED else text
