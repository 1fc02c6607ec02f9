"""Whether instances are alive, by the intervals learned from their own pings."""

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.server.stores.base import Instance, Sort, State
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Engine
from tests.contract.site import Site, everything

HOUR = 3_600
DAY_MS = 86_400_000
MOST_MS = 31 * DAY_MS
STATES: tuple[State, ...] = get_args(State)
SORTS: tuple[Sort, ...] = get_args(Sort)


def shown(site: Site, name: str = "a") -> Instance:
    """Return an instance as the reader knows it."""
    found = site.reader.instance(site.app, name)
    assert found is not None
    return found


def report(site: Site, gaps: Sequence[int], name: str = "a", kind: str = "heartbeat") -> None:
    """Send a ping, and another one after each gap in seconds."""
    site.record(site.ping(name, kind=kind))
    site.store.settle()
    for gap in gaps:
        site.clock.advance(seconds=gap)
        site.record(site.ping(name, kind=kind))
        site.store.settle()


def learned(gaps: Sequence[int]) -> int:
    """Return the interval that gaps in seconds teach, worked out by hand."""
    interval = DAY_MS
    for gap in gaps:
        nearest = min(max(gap * 1000, interval * 3 // 4), 2 * interval)
        interval = min(max(nearest, 300_000), MOST_MS)
    return interval


@settings(max_examples=15, suppress_health_check=STORE_CHECKS)
@given(st.lists(st.sampled_from([1, 60, 1800, HOUR, 8 * HOUR, 24 * HOUR, 168 * HOUR, 5000 * HOUR]), max_size=12))
def test_the_interval_is_learned(engine: Engine, gaps: list[int]) -> None:
    """Each gap moves the interval towards it, to at most the double and at least three quarters, within bounds."""
    site = Site(engine)
    report(site, gaps)
    assert learned(gaps) == shown(site).interval
    site.close()


@pytest.mark.parametrize("hours", [1, 8, 24, 168])
def test_regular_heartbeats(site: Site, hours: int) -> None:
    """Whoever reports regularly has its interval exactly; neither one absence nor a restart spoils that for long."""
    report(site, [hours * HOUR] * 15)
    assert hours * HOUR * 1000 == shown(site).interval
    report(site, [30 * hours * HOUR, *[hours * HOUR] * 3, 20, *[hours * HOUR] * 3])
    assert hours * HOUR * 1000 == shown(site).interval


def test_alive_late_silent_ended(site: Site) -> None:
    """Alive up to 1.5 intervals, late up to 3, then silent; ended when that was said last; a new start ends the end."""
    report(site, [HOUR] * 15)
    states = []
    for seconds in (0, 5400, 1, 5399, 1):
        site.clock.advance(seconds=seconds)
        states.append(shown(site).state)
    assert ["alive", "alive", "late", "late", "silent"] == states
    for kind, state in {"shutdown": "ended", "begin": "alive", "end": "ended", "heartbeat": "alive"}.items():
        site.record(site.ping("a", kind=kind))
        assert state == shown(site).state


@pytest.mark.parametrize("kind", ["begin", "end", "startup", "shutdown", "license-state-change"])
def test_a_turn_is_shown_at_once(site: Site, kind: str) -> None:
    """What changes with a start, an end or a licence is seen with its commit, the time of its receipt too."""
    site.record(site.ping("a", kind="update", license="valid"))
    site.clock.advance(seconds=2)
    site.record(site.ping("a", kind=kind, license="expired"))
    found = shown(site)
    assert (kind, {"license": "expired"}, site.clock.now()) == (found.kind, found.dimensions, found.last_seen)


def test_an_end_that_was_held_back(site: Site) -> None:
    """What ended two days ago was started since: an ending that comes late is kept, and ends nothing."""
    site.record(site.ping("a", kind="begin", license="valid"))
    site.record(site.ping("a", kind="shutdown", days=-2))
    found = shown(site)
    assert ("begin", {"license": "valid"}, "alive") == (found.kind, found.dimensions, found.state)
    assert ["begin", "shutdown"] == sorted(entry.kind for entry in site.reader.history(site.app).items)
    site.record(site.ping("a", kind="shutdown"))
    assert "ended" == shown(site).state


def test_what_is_counted_alone(site: Site) -> None:
    """A ping that is not kept leaves the instance's last report as it is; the next report counts as itself."""
    site.record(site.ping("a", license="valid"))
    site.record(site.ping("a", kind="told")._replace(is_kept=False))
    site.record(site.ping("a", license="valid"))
    found = shown(site)
    assert ("heartbeat", {"license": "valid"}) == (found.kind, found.dimensions)
    kinds = site.reader.requests(site.owner, [site.app], days=[site.today], filters={}, by="kind")
    assert {"heartbeat": 2, "told": 1} == kinds


def test_nothing_is_known_yet(site: Site) -> None:
    """One ping is taken for one of a day."""
    site.record(site.ping("a"))
    assert (DAY_MS, "alive") == (shown(site).interval, shown(site).state)
    site.clock.advance(days=2)
    assert "late" == shown(site).state


@settings(max_examples=10, suppress_health_check=STORE_CHECKS)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["heartbeat", "end"]), st.integers(0, 30))),
    st.integers(0, 60),
)
def test_lists_by_state(engine: Engine, heard: list[tuple[str, str, int]], hours: int) -> None:
    """A list of one state is the whole list without the others, in every order, and each instance is in one of them."""
    site = Site(engine)
    for name, kind, gap in heard:
        site.clock.advance(seconds=gap * HOUR)
        report(site, [], name, kind)
    site.clock.advance(seconds=hours * HOUR)

    def names(sort: Sort, state: State | None) -> list[tuple[str, State]]:
        found = everything(
            lambda after: site.reader.instances(
                site.owner, site.app, state=state, search="", sort=sort, after=after, limit=2
            )
        )
        return [(each.instance_id, each.state) for each in found]

    for sort in SORTS:
        every = names(sort, None)
        for state in STATES:
            assert [each for each in every if each[1] == state] == names(sort, state)
    site.close()
