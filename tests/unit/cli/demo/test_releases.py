"""The releases of the simulated app."""

from itertools import pairwise

from homing.cli.demo.fleet import WHOLE_DAYS
from homing.cli.demo.releases import BETA, BETA_DAYS, STABLE, releases

FIRST = 20_000
KNOWN = releases(FIRST, FIRST + WHOLE_DAYS)


def test_one_about_every_nine_days() -> None:
    """Releases follow each other after seven to eleven days, newest first, and none lies in the future."""
    days = [each.day for each in KNOWN[STABLE]]
    gaps = [later - earlier for later, earlier in pairwise(days)]
    assert all(7 <= gap <= 11 for gap in gaps)
    assert 6 <= sum(day > FIRST for day in days) <= 8
    assert FIRST + WHOLE_DAYS >= days[0]


def test_each_is_tried_as_a_beta() -> None:
    """Beta has every release, and a trial of it some days earlier."""
    beta = {each.version: each.day for each in KNOWN[BETA]}
    for version, _channel, day in KNOWN[STABLE]:
        assert (day, day - BETA_DAYS) == (beta[version], beta[f"{version}-beta.1"])


def test_the_newest_does_not_depend_on_the_day() -> None:
    """A history as long that begins on another day has the same versions, so a later start still knows them."""
    later = releases(FIRST + 100, FIRST + 100 + WHOLE_DAYS)
    assert [each.version for each in KNOWN[BETA]] == [each.version for each in later[BETA]]
