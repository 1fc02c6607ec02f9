"""What the pages of instances show, worked out from plain values: no request, no store, no HTML."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import quote, unquote, urlencode

from homing.clock import iso_time
from homing.errors import QueryError
from homing.ping import CORE_DIMENSIONS
from homing.server.dashboard.views_address import DAYS, FILTERS, Address
from homing.server.dashboard.views_controls import Chip, Option, filters_of, label_of
from homing.server.stores.base import Entry, Instance, Sort

PATH: Final = "/instances"
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
SORT: Final[Sort] = "last_seen"
OWN: Final = ("search", "sort", "after")
"""The parameters of the list that are none of the question's."""

MOST_SEARCH: Final = 200
UNKNOWN: Final = "–"

COLUMNS: Final[Mapping[str, str]] = {
    "instance_id": "Instance",
    "version": "Version",
    "platform": "Platform",
    "arch": "Architecture",
    "channel": "Channel",
    "kind": "Kind",
    "first_seen": "First seen",
    "last_seen": "Last seen",
}
"""The columns of the list; those that are named as a sort are headings to click."""

ORDERS: Final[Mapping[Sort, str]] = {
    "last_seen": "those heard from last come first",
    "first_seen": "the newest come first",
    "instance_id": "by id",
}
"""What the order of a list is, by its sort."""

UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
"""What times are told in: the seconds of each unit, and its name."""

_DOTS: Final = frozenset({".", ".."})
_parting: Final = re.compile(r"[%/\\]")


class Place(NamedTuple):
    """A place in the list as its address says it: the question's part, and the list's own."""

    address: Address
    search: str
    sort: Sort
    after: str | None

    @property
    def is_narrowed(self) -> bool:
        """Whether filters or days choose some of the instances."""
        return any(name in (*FILTERS, *DAYS) for name, _value in self.address.pairs)

    def link(self, **changes: Any) -> str:
        """Return the address of this place, or of one that differs in some parts."""
        at = self._replace(**changes)
        own = {
            "search": at.search,
            "sort": "" if at.sort == SORT else at.sort,
            "after": at.after or "",
        }
        pairs = [*at.address.pairs, *((name, value) for name, value in own.items() if value)]
        return f"{PATH}?{urlencode(pairs)}" if pairs else PATH


def place_of(given: Mapping[str, Sequence[str]]) -> Place:
    """Return the place that parameters name; raise `QueryError` for a sort that there is not."""
    search, sort, after = (given.get(name, [""])[-1] for name in OWN)
    if sort and sort not in SORTS:
        message = f"sort is one of {', '.join(SORTS)}."
        raise QueryError(message)
    order = next((each for each in SORTS if each == sort), SORT)
    address = Address.of({name: values for name, values in given.items() if name != "split"})
    return Place(address, search.strip()[:MOST_SEARCH], order, after or None)


class Moment(NamedTuple):
    """A time: as machines read it, exactly, and as seen from now."""

    iso: str
    exact: str
    ago: str


def moment(ms: int, now: int) -> Moment:
    """Return how a time is shown."""
    iso = iso_time(ms)
    return Moment(iso, f"{iso[:10]} {iso[11:19]} UTC", ago((now - ms) // 1000))


def ago(seconds: int) -> str:
    """Return how long ago something was, in its largest unit; clocks that run ahead are just now."""
    for size, unit in UNITS:
        number = seconds // size
        if number > 0:
            return f"{number} {unit} ago" if number == 1 else f"{number} {unit}s ago"
    return "just now"


class Heading(NamedTuple):
    """A column; `address` sorts by it where that can be done, `sorted` says in ARIA's words how it is sorted."""

    name: str
    text: str
    address: str | None
    sorted: str | None


class Row(NamedTuple):
    """An instance in the list."""

    instance_id: str
    address: str
    cells: list[tuple[str, str]]
    first_seen: Moment
    last_seen: Moment


def headings(place: Place) -> list[Heading]:
    """Return the columns' headings."""
    return [_heading(name, text, place) for name, text in COLUMNS.items()]


def _heading(name: str, text: str, place: Place) -> Heading:
    if name not in SORTS:
        return Heading(name, text, None, None)
    direction = "ascending" if name == "instance_id" else "descending"
    return Heading(name, text, place.link(sort=name, after=None), direction if name == place.sort else None)


def rows(app: str, found: Iterable[Instance], *, now: int) -> list[Row]:
    """Return the rows of instances."""
    return [_row(app, instance, now) for instance in found]


def _row(app: str, instance: Instance, now: int) -> Row:
    told = {**instance.dimensions, "kind": instance.kind}
    cells = [(name, told.get(name, UNKNOWN)) for name in COLUMNS if name in ("kind", *CORE_DIMENSIONS)]
    first, last = moment(instance.first_seen, now), moment(instance.last_seen, now)
    return Row(instance.instance_id, instance_path(app, instance.instance_id), cells, first, last)


def found_in_words(count: int, place: Place, *, has_more: bool) -> str:
    """Say how many instances are listed; the total of a list that goes on is not known."""
    number = "No instance" if not count else "1 instance" if count == 1 else f"{count} instances"
    if place.after is not None:
        return f"{number} more"
    return f"More than {number}; {ORDERS[place.sort]}" if has_more else number


class Controls(NamedTuple):
    """What the list is chosen with, and the ways back out of it. `hidden` is what a search keeps."""

    apps: list[Option]
    app: str
    chips: list[Chip]
    everything: str
    unsearched: str
    beginning: str
    hidden: list[tuple[str, str]]


def controls(place: Place, apps: Sequence[str], *, chosen: str) -> Controls:
    """Return the controls of the list of one app."""
    begin = place._replace(after=None)
    return Controls(
        apps=[Option(name, begin.link(address=place.address.putting("app", name)), name == chosen) for name in apps],
        app=chosen,
        chips=_chips(begin),
        everything=begin.link(address=place.address.without(*FILTERS, *DAYS), search=""),
        unsearched=begin.link(search=""),
        beginning=begin.link(),
        hidden=[*place.address.pairs, *([("sort", place.sort)] if place.sort != SORT else [])],
    )


def _chips(begin: Place) -> list[Chip]:
    pairs = filters_of(begin.address)
    before = [None, *(dimension for dimension, _value in pairs)]
    return [
        Chip(label_of(dimension), value, _unfiltered(begin, dimension, value), joined=dimension == earlier)
        for earlier, (dimension, value) in zip(before, pairs, strict=False)
    ]


def _unfiltered(begin: Place, dimension: str, value: str) -> str:
    kept = begin.address.unfiltered(dimension, value)
    # The days chose instances for the filters' sake; the last filter takes them along.
    return begin.link(address=kept if filters_of(kept) else kept.without(*DAYS))


def instance_path(app: str, instance_id: str) -> str:
    """Return the path of an instance's page.

    An id may be any text. What a server or browser would take for a part of the path is escaped twice, so that it
    arrives as one segment.

    >>> instance_path("my app", "a/b?c")
    '/instances/my%20app/a%252Fb%3Fc'
    """
    return f"{PATH}/{quote(app, safe='')}/{quote(_guarded(instance_id), safe='')}"


def _guarded(text: str) -> str:
    escaped = _parting.sub(lambda found: quote(found[0], safe=""), text)
    return escaped.replace(".", "%2E") if escaped in _DOTS else escaped


def instance_id_of(segment: str) -> str:
    """Return the instance id that a segment of a path, decoded once by the server, names."""
    return unquote(segment)


class Report(NamedTuple):
    """One thing that an instance sent: facts as label and value, and everything else as JSON."""

    at: Moment
    kind: str
    facts: list[tuple[str, str]]
    properties: str | None


def last_report(instance: Instance, now: int) -> Report:
    """Return what an instance said last; of what every app has, also what it did not say."""
    told = {**dict.fromkeys(CORE_DIMENSIONS, UNKNOWN), **instance.dimensions}
    facts = [*_facts(told), *_losses(instance.properties)]
    return Report(moment(instance.last_seen, now), instance.kind, facts, _pretty(instance.properties))


def timeline(entries: Iterable[Entry], now: int) -> list[Report]:
    """Return what an instance sent, as it is listed."""
    return [_report(entry, now) for entry in entries]


def _report(entry: Entry, now: int) -> Report:
    facts = [*_facts(entry.dimensions), *_losses(entry.properties)]
    return Report(moment(entry.received, now), entry.kind, facts, _pretty(entry.properties))


def _facts(dimensions: Mapping[str, str]) -> list[tuple[str, str]]:
    own = sorted(dimensions.keys() - set(CORE_DIMENSIONS))
    return [(label_of(name), dimensions[name]) for name in (*CORE_DIMENSIONS, *own) if name in dimensions]


def _losses(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return as a fact how many events a sender says it lost since it last said so, and why: docs/events.md."""
    told = properties.get("lost")
    counts = {reason: n for reason, n in told.items() if type(n) is int and n > 0} if isinstance(told, Mapping) else {}
    if not counts:
        return []
    reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items()))
    return [("Events lost", f"{sum(counts.values())} ({reasons})")]


def _pretty(properties: Mapping[str, Any]) -> str | None:
    return json.dumps(properties, indent=2, ensure_ascii=False) if properties else None
