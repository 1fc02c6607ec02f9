"""The releases of the app that the demo is about: one about every nine days, each tried as a beta some days before."""

from typing import Final, NamedTuple

from homing.cli.demo.chance import chance

STABLE: Final = "stable"
BETA: Final = "beta"

RHYTHM: Final = 9
"""Days from one release to the next, give or take one."""

BETA_DAYS: Final = 4
"""How long a release is tried before it is out."""

EARLIER: Final = 14
"""How many releases there were before the history begins."""

LEAD: Final = 5
"""By how many days all of them are early, so that a history of 62 days ends amid the adoption of one."""

PATCHES: Final = 3
"""How many releases have the same first two numbers."""


class Release(NamedTuple):
    """A version, the channel it is for, and the day it came out."""

    version: str
    channel: str
    day: int


def releases(first: int, last: int) -> dict[str, list[Release]]:
    """Return the releases of each channel for a history from `first` to `last`, newest first.

    The same number is out after the same number of days, whatever day the history begins on. Beta has them all.
    """
    stable, beta = [], []
    number = 0
    while (day := _day(first, number)) <= last + BETA_DAYS:
        version = f"2.{number // PATCHES}.{number % PATCHES}"
        stable.append(Release(version, STABLE, day))
        beta += [Release(f"{version}-beta.1", BETA, day - BETA_DAYS), Release(version, BETA, day)]
        number += 1
    return {STABLE: _out(stable, last), BETA: _out(beta, last)}


def _day(first: int, number: int) -> int:
    return first + RHYTHM * (number - EARLIER) - LEAD + round(2 * chance("release", number) - 1)


def _out(planned: list[Release], last: int) -> list[Release]:
    return sorted((each for each in planned if each.day <= last), key=lambda each: each.day, reverse=True)
