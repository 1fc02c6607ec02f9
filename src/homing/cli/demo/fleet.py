"""The fleet that the demo simulates: who is there on a day, with what, and what it sends.

Everything follows from the first and last day and the number of instances: asked twice it is the same.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from homing.cli.demo.chance import between, chance, pick, random_id
from homing.cli.demo.releases import BETA, STABLE, releases
from homing.clock import DAY_MS, iso_time

APP: Final = "lantern"
INSTANCES: Final = 2_000
WHOLE_DAYS: Final = 62
"""Days of history before today: a month, the month before it, and nothing is cut off."""

HOUR_MS: Final = 3_600_000
WEEKEND: Final = (2, 3)
"""The remainders of Saturdays and Sundays: the day 0 was a Thursday."""


class Kind(NamedTuple):
    """A kind of installation: how many of the fleet, on what, how it behaves.

    `systems` are platforms with their architectures. `present` is how likely it is heard from on a weekday and on a day
    of the weekend. `contained` is how many of those on linux run in a container.
    """

    share: int
    systems: Sequence[tuple[tuple[str, str], int]]
    present: tuple[float, float]
    contained: float
    leaving: float


SERVER: Final = Kind(
    52,
    ((("linux", "x64"), 60), (("linux", "arm64"), 27), (("win32", "x64"), 8), (("freebsd", "x64"), 5)),
    (0.98, 0.98),
    0.65,
    0.2,
)
DESKTOP: Final = Kind(
    28,
    (
        *((("win32", "x64"), 46), (("win32", "arm64"), 4), (("darwin", "arm64"), 30)),
        *((("darwin", "x64"), 9), (("linux", "x64"), 11)),
    ),
    (0.86, 0.22),
    0.0,
    0.3,
)
BUILD: Final = Kind(20, ((("linux", "x64"), 86), (("linux", "arm64"), 10), (("darwin", "arm64"), 4)), (1, 1), 0.9, 0.0)
"""A build of somebody's CI: installed for one job, and never heard from again."""

CHANNELS: Final = ((STABLE, 80), (BETA, 13), (None, 7))
"""What installations say they follow; some are too old to say it."""

PACES: Final = (((0.2, 2.5), 45), ((2.0, 9.0), 33), ((9.0, 30.0), 14), ((math.inf, math.inf), 8))
"""How many days after a release installations take it: the quick, the usual, the slow, and those that never do."""

ON_BOARD: Final = 0.58
"""How many of the fleet are there before the history begins."""

AGE_DAYS: Final = 110
"""How old the oldest of them are."""


class Instance(NamedTuple):
    """One simulated installation: heard from between the days `begins` and `ends`, installed on `installed`."""

    id: str
    kind: Kind
    installed: int
    begins: int
    ends: int
    channel: str | None
    system: tuple[str, str]
    pace: float
    is_contained: bool


class Sent(NamedTuple):
    """A ping as it goes over the wire, and when, in milliseconds since 1970-01-01 UTC."""

    at: int
    body: dict[str, Any]


class Fleet:
    """All instances from the day `first` to the day `last`, which is today and not over."""

    def __init__(self, first: int, last: int, *, size: int = INSTANCES) -> None:
        self.first = first
        self.last = last
        self.releases = releases(first, last)
        self.instances = _instances(first, last, size)
        self._reached = {each.id: self._reaches(each) for each in self.instances}

    @property
    def days(self) -> range:
        """Every day of the history."""
        return range(self.first, self.last + 1)

    def pings(self, day: int) -> list[Sent]:
        """Return what the fleet sends on a day, in order."""
        present = (each for each in self.instances if is_present(each, day))
        return sorted((sent for each in present for sent in self._pings_of(each, day)), key=lambda sent: sent.at)

    def version(self, instance: Instance, day: int) -> str:
        """Return the version that an instance has on a day: the newest that was there, or has reached it since."""
        return next(version for reached, version in self._reached[instance.id] if reached <= day)

    def _state(self, instance: Instance, day: int) -> str:
        """Return how an instance stands to the newest release; that of today it has not heard of yet."""
        known = self.releases[instance.channel or STABLE]
        newest = {next(each.version for each in known if each.day <= heard) for heard in (day - 1, day)}
        return "latest" if self.version(instance, day) in newest else "outdated"

    def _reaches(self, instance: Instance) -> list[tuple[float, str]]:
        """Return when an instance has which version, newest first; it is installed with what is newest then."""
        known = self.releases[instance.channel or STABLE]
        later = [each for each in known if each.day > instance.installed]
        # Some releases take longer to reach an installation than others.
        delays = (instance.pace * between(0.6, 1.4, instance.id, each.version) for each in later)
        reached = [(each.day + delay, each.version) for each, delay in zip(later, delays, strict=True)]
        return [*reached, (-math.inf, known[len(later)].version)]

    def _pings_of(self, instance: Instance, day: int) -> Iterator[Sent]:
        dimensions = {
            "version": self.version(instance, day),
            **_dimensions(instance),
            "update_state": self._state(instance, day),
        }
        properties = _properties(instance)
        for at, kind in _times(instance, day):
            body = {"instance_id": instance.id, "kind": kind, "at": iso_time(at), "dimensions": dimensions}
            yield Sent(at, {**body, "properties": properties})


def fleet_until(today: int, *, size: int = INSTANCES) -> Fleet:
    """Return the fleet whose history ends today."""
    return Fleet(today - WHOLE_DAYS, today, size=size)


def is_weekend(day: int) -> bool:
    """Return whether a day is a Saturday or a Sunday."""
    return day % 7 in WEEKEND


def is_present(instance: Instance, day: int) -> bool:
    """Return whether an instance is heard from on a day; on its first day it always is."""
    if not instance.begins <= day <= instance.ends:
        return False
    return day == instance.begins or chance("present", instance.id, day) < instance.kind.present[is_weekend(day)]


def _instances(first: int, last: int, size: int) -> list[Instance]:
    weekdays = [day for day in range(first, last) if not is_weekend(day)]
    builds = size * BUILD.share // 100
    made = [_build(number, weekdays[number * len(weekdays) // builds]) for number in range(builds)]
    return made + [_lasting(number, first, last) for number in range(builds, size)]


def _build(number: int, day: int) -> Instance:
    return _instance(number, BUILD, installed=day, begins=day, ends=day)


def _lasting(number: int, first: int, last: int) -> Instance:
    """Return an instance that stays: there from the beginning or new on some day before the last, for good or not."""
    kind = pick(((SERVER, SERVER.share), (DESKTOP, DESKTOP.share)), "kind", number)
    if chance("on board", number) < ON_BOARD:
        installed, begins = first - 1 - int(between(0, AGE_DAYS, "age", number)), first
    else:
        installed = begins = int(between(first, last, "begins", number))
    leaves = chance("leaves", number) < kind.leaving
    ends = begins + int(between(2, WHOLE_DAYS, "ends", number)) if leaves else last
    return _instance(number, kind, installed=installed, begins=begins, ends=ends)


def _instance(number: int, kind: Kind, *, installed: int, begins: int, ends: int) -> Instance:
    system = pick(kind.systems, "system", number)
    return Instance(
        id=random_id(number),
        kind=kind,
        installed=installed,
        begins=begins,
        ends=ends,
        channel=STABLE if kind is BUILD else pick(CHANNELS, "channel", number),
        system=system,
        pace=between(*pick(PACES, "pace", number), "days", number),
        is_contained=system[0] == "linux" and chance("contained", number) < kind.contained,
    )


def _dimensions(instance: Instance) -> dict[str, str]:
    platform, arch = instance.system
    told = {} if instance.channel is None else {"channel": instance.channel}
    return {**told, "platform": platform, "arch": arch}


def _properties(instance: Instance) -> dict[str, Any]:
    contained = {"container": "docker"} if instance.is_contained else {}
    return {**({"ci": True} if instance.kind is BUILD else {}), **contained}


def _times(instance: Instance, day: int) -> list[tuple[int, str]]:
    """Return when an instance sends on a day, and why."""
    if instance.kind is SERVER:
        # It counts its 24 hours from the moment it was started, at whatever hour that was.
        return [(_at(day, between(0, 24, "hour", instance.id)), "heartbeat")]
    begun = _working_hour(instance, day)
    later = begun + between(0.5, 4, "later", instance.id, day)
    return [(_at(day, begun), "startup"), (_at(day, later), "heartbeat")]


def _working_hour(instance: Instance, day: int) -> float:
    """Return an hour of the day: mostly around noon in UTC, since the working days of the world overlap there."""
    return 3 + 5 * sum(chance("work", number, instance.id, day) for number in range(3))


def _at(day: int, hour: float) -> int:
    return day * DAY_MS + int(min(hour, 23.99) * HOUR_MS)
