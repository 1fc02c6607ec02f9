"""The simulated fleet: as many as promised, and believable."""

from collections import Counter
from itertools import pairwise

import pytest

from homing.cli.demo.fleet import BUILD, INSTANCES, WHOLE_DAYS, Fleet, Sent, fleet_until, is_weekend
from homing.cli.demo.releases import BETA, STABLE
from homing.clock import DAY_MS, parse_day, parse_time

TODAY = parse_day("2026-11-22")
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """The fleet of the demo."""
    return fleet_until(TODAY)


@pytest.fixture(scope="module")
def history(fleet: Fleet) -> dict[int, list[Sent]]:
    """All that it sends, by day."""
    return {day: fleet.pings(day) for day in fleet.days}


def clients(pings: list[Sent]) -> set[str]:
    """Return who sent them."""
    return {sent.body["instance_id"] for sent in pings}


def share(history: dict[int, list[Sent]], day: int, **dimensions: str) -> float:
    """Return how many of a day's clients have these values."""
    has = [sent for sent in history[day] if dimensions.items() <= sent.body["dimensions"].items()]
    return len(clients(has)) / len(clients(history[day]))


def test_exactly_two_thousand(history: dict[int, list[Sent]]) -> None:
    """Every instance is heard from by the end of yesterday, and there are 2,000."""
    past = [sent for day, pings in history.items() if day < TODAY for sent in pings]
    assert 2_000 == INSTANCES == len(clients(past))
    assert (TODAY - WHOLE_DAYS, TODAY) == (min(history), max(history))


@pytest.mark.parametrize("size", [10, 57, 500])
def test_exactly_as_many_as_asked(size: int) -> None:
    """A fleet of another size has just that many."""
    fleet = fleet_until(TODAY, size=size)
    assert size == len({name for day in fleet.days[:-1] for name in clients(fleet.pings(day))})


def test_the_same_twice(history: dict[int, list[Sent]]) -> None:
    """Made again, the fleet sends the very same, whichever day is asked first."""
    again = fleet_until(TODAY)
    assert all(history[day] == again.pings(day) for day in reversed(again.days))


def test_times_lie_in_their_day(history: dict[int, list[Sent]]) -> None:
    """A day's pings are in order, within the day, and say so themselves."""
    for day, pings in history.items():
        times = [sent.at for sent in pings]
        assert sorted(times) == times
        assert day * DAY_MS <= times[0] <= times[-1] < (day + 1) * DAY_MS
        assert times == [parse_time(sent.body["at"]) for sent in pings]


def test_it_grows(history: dict[int, list[Sent]]) -> None:
    """Week by week there are more clients, on the whole: a fifth more at the end."""
    weeks = [
        sum(len(clients(history[day])) for day in range(first, first + 7))
        for first in range(min(history), TODAY - 6, 7)
    ]
    assert weeks[-1] > 1.2 * weeks[0]
    assert sum(later > earlier for earlier, later in pairwise(weeks)) >= len(weeks) - 2


def test_it_rests_at_weekends(history: dict[int, list[Sent]]) -> None:
    """On each Saturday fewer are heard from than on the Friday before, and servers stay."""
    for day in filter(is_weekend, range(min(history) + 1, TODAY)):
        if not is_weekend(day - 1):
            assert 0.65 < len(clients(history[day])) / len(clients(history[day - 1])) < 0.9


def test_some_go_silent(fleet: Fleet, history: dict[int, list[Sent]]) -> None:
    """Some were there for weeks and are not heard from any more, others are new."""
    early = {name for day in range(fleet.first, fleet.first + 7) for name in clients(history[day])}
    late = {name for day in range(TODAY - 7, TODAY) for name in clients(history[day])}
    builds = {each.id for each in fleet.instances if each.kind is BUILD}
    assert 80 < len(early - late - builds) < 300
    assert 300 < len(late - early - builds) < 800


def test_versions_only_rise(fleet: Fleet) -> None:
    """No instance ever goes back; some never move, and most reach the newest or the one before."""
    ends = Counter[str]()
    for each in fleet.instances:
        order = [release.version for release in reversed(fleet.releases[each.channel or STABLE])]
        places = [order.index(fleet.version(each, day)) for day in range(each.begins, min(each.ends, TODAY) + 1)]
        assert sorted(places) == places
        if each.kind is not BUILD and each.ends >= TODAY:
            ends["stuck" if places[0] == places[-1] and each.installed < fleet.first - 20 else "moved"] += 1
    assert 0.02 < ends["stuck"] / ends.total() < 0.15


def test_a_release_is_taken_up_over_days(fleet: Fleet, history: dict[int, list[Sent]]) -> None:
    """From its day on a release spreads, day by day, until the next one is out: quickly, but not at once."""
    for following, release in pairwise(fleet.releases[STABLE][:6]):
        shares = [share(history, day, version=release.version) for day in range(release.day, following.day)]
        assert shares[0] < 0.1
        assert 0.35 < shares[-1] < 0.8
        assert all(later > earlier - 0.08 for earlier, later in pairwise(shares))


def test_the_state_follows_from_the_version(fleet: Fleet, history: dict[int, list[Sent]]) -> None:
    """Whoever has what is newest in its channel is up to date; so is who has not heard of today's release yet."""
    channels = {each.id: each.channel or STABLE for each in fleet.instances}
    for day, pings in history.items():
        for sent in pings:
            known = fleet.releases[channels[sent.body["instance_id"]]]
            newest = {next(each.version for each in known if each.day <= heard) for heard in (day, day - 1)}
            dimensions = sent.body["dimensions"]
            assert (dimensions["version"] in newest) == (dimensions["update_state"] == "latest")


def test_platforms_and_architectures_go_together(history: dict[int, list[Sent]]) -> None:
    """There is no Windows on other processors than its own, and macOS is mostly arm64."""
    seen = Counter(
        (sent.body["dimensions"]["platform"], sent.body["dimensions"]["arch"]) for sent in history[TODAY - 3]
    )
    assert {"linux", "win32", "darwin", "freebsd"} == {platform for platform, _arch in seen}
    assert seen["darwin", "arm64"] > 2 * seen["darwin", "x64"]
    assert seen["linux", "x64"] == max(seen.values())
    assert 0 == seen["freebsd", "arm64"]


def test_some_do_not_say_their_channel(history: dict[int, list[Sent]]) -> None:
    """Most are stable, some beta, and a few give no channel at all."""
    day = TODAY - 3
    told = {name: share(history, day, channel=name) for name in (STABLE, BETA)}
    assert 0.7 < told[STABLE] < 0.9
    assert 0.05 < told[BETA] < 0.2
    assert 0.03 < 1 - sum(told.values()) < 0.12


def test_builds_come_once(history: dict[int, list[Sent]]) -> None:
    """A CI's build says so, comes on one weekday and never again; there are new ones each weekday."""
    seen: dict[str, set[int]] = {}
    for day, pings in history.items():
        for sent in pings:
            if sent.body["properties"].get("ci"):
                seen.setdefault(sent.body["instance_id"], set()).add(day)
    assert INSTANCES * BUILD.share // 100 == len(seen)
    assert all(len(days) == 1 for days in seen.values())
    by_day = Counter(day for days in seen.values() for day in days)
    assert {day for day in history if day < TODAY and not is_weekend(day)} == set(by_day)


def test_containers_run_linux(history: dict[int, list[Sent]]) -> None:
    """Many on linux run in a container, nobody else does."""
    contained = [sent.body for sent in history[TODAY - 3] if "container" in sent.body["properties"]]
    assert {"linux"} == {body["dimensions"]["platform"] for body in contained}
    assert 0.2 < len(contained) / len(history[TODAY - 3]) < 0.6


def test_days_have_their_curve(history: dict[int, list[Sent]]) -> None:
    """More is sent around noon than at night, and at no hour nothing."""
    hours = Counter(sent.at % DAY_MS // HOUR_MS for pings in history.values() for sent in pings)
    assert set(range(24)) == set(hours)
    assert hours[12] > 2 * hours[1]
