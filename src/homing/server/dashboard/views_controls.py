"""What asks on the overview: apps, days and filters, each choice an address."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from homing.clock import iso_day
from homing.ping import KIND, NOT_REPORTED, UPDATE_STATE
from homing.server.dashboard.views_address import FILTERS, Address
from homing.server.query.question import LABEL, RANGES

LABELS: Final[Mapping[str, str]] = {
    "version": "Version",
    "channel": "Channel",
    "platform": "Platform",
    "arch": "Architecture",
    UPDATE_STATE: "Update state",
    KIND: "Kind",
    LABEL: "Label",
}
"""What a value is introduced with; an app's own dimensions are called what the app calls them."""

DEFAULT_RANGE: Final = "month"
INSTANCES: Final = "/instances"


class Option(NamedTuple):
    """One of several choices, and where it leads."""

    text: str
    address: str
    chosen: bool


class Chip(NamedTuple):
    """A filter that is set, and the address without it; `joined` says that the one before is of the same dimension."""

    label: str
    value: str
    address: str
    joined: bool


class Choice(NamedTuple):
    """A dimension to filter by, and the values found."""

    name: str
    label: str
    options: list[Option]


class Controls(NamedTuple):
    """Everything on the page that the question decides.

    `first` and `last` stand in the form of dates, which is marked when `custom`; `hidden` is what else that form sends.
    `cleared` is the address without filters, `month` the one without days, `instances` that of the page which lists who
    is counted; there is one where a single app is asked about.
    """

    apps: list[Option]
    app: str
    ranges: list[Option]
    custom: bool
    first: str
    last: str
    hidden: list[tuple[str, str]]
    chips: list[Chip]
    cleared: str
    month: str
    instances: str | None


def label_of(dimension: str) -> str:
    """Return what a value of a dimension is introduced with."""
    return LABELS.get(dimension, dimension)


def controls(address: Address, apps: Sequence[str], *, days: range | None) -> Controls:
    """Return the controls for a question as it stands in the address; `days` is None where it is not understood."""
    given = address.given()
    chosen = given.get("app", [])
    first, last = (given.get(name, [""])[0] for name in ("from", "to"))
    custom = bool(first or last)
    named = "" if custom else given.get("range", [DEFAULT_RANGE])[0]
    if days is not None:
        first, last = iso_day(days[0]), iso_day(days[-1])
    return Controls(
        apps=_apps(address, apps, chosen),
        app=", ".join(chosen) if chosen else "All apps",
        ranges=[Option(name.capitalize(), str(address.days(range=name)), name == named) for name in RANGES],
        custom=custom,
        first=first,
        last=last,
        hidden=list(address.days().pairs),
        chips=_chips(address),
        cleared=str(address.without(*FILTERS)),
        month=str(address.days()),
        instances=_instances(address, chosen or apps),
    )


def _apps(address: Address, apps: Sequence[str], chosen: Sequence[str]) -> list[Option]:
    every = Option("All apps", str(address.without("app")), not chosen)
    return [every, *(Option(name, str(address.putting("app", name)), name in chosen) for name in apps)]


def _instances(address: Address, asked: Sequence[str]) -> str | None:
    return address.without("split").putting("app", *asked).to(INSTANCES) if len(asked) == 1 else None


def _chips(address: Address) -> list[Chip]:
    chips: list[Chip] = []
    for dimension, value in filters_of(address):
        label = label_of(dimension)
        joined = bool(chips) and chips[-1].label == label
        chips.append(Chip(label, value, str(address.unfiltered(dimension, value)), joined))
    return chips


def filters_of(address: Address) -> list[tuple[str, str]]:
    """Return the filters in an address as dimension and value, those of one dimension side by side."""
    pairs = [(name, value) for name, value in address.pairs if name in FILTERS]
    split = [_halves(value) if name == "filter" else (name, value) for name, value in pairs]
    order = {name: place for place, (name, _value) in reversed(list(enumerate(split)))}
    return sorted(dict.fromkeys(split), key=lambda pair: order[pair[0]])


def _halves(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition(":")
    return name, value


def choices(found: Mapping[str, Sequence[str]], address: Address, *, search: str) -> list[Choice]:
    """Return the values to filter by, and where the search allows it `(not reported)`."""
    chosen, wanted = set(filters_of(address)), search.casefold()
    made = []
    for name, values in found.items():
        nobody = [NOT_REPORTED] if name != KIND and (wanted in name.casefold() or wanted in NOT_REPORTED) else []
        options = [
            Option(value, str(address.filtered(name, value)), (name, value) in chosen) for value in [*values, *nobody]
        ]
        made.append(Choice(name, label_of(name), options))
    return made
