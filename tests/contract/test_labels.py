"""Labels are right, hold for all days, and go with the instance."""

from collections.abc import Iterator
from typing import Any

import pytest

from homing.errors import QueryError
from homing.ping import Ping
from homing.server.counting.labels import CI, CLONED, CONTAINER, LABELS, SETTLED
from homing.server.counting.sets import anyone, marked, seen
from tests.contract.site import Site

HOURS = 3_600


def labels_of(site: Site, name: str) -> list[str]:
    """Return the labels that an instance bears as it is shown."""
    found = site.reader.instance(site.app, name)
    assert found is not None
    return list(found.labels)


def bearing(site: Site) -> dict[str, list[str]]:
    """Return the ids of everyone under each label."""
    return {label: sorted(site.members(marked(site.app, label))) for label in LABELS}


def settled(site: Site, day: int) -> Iterator[Ping]:
    """Make the pings of a thousand installations: each upgrades on its day, and some take it back and try again."""
    for n in range(1000):
        upgraded = day > n % 5
        back = n % 10 == 0 and day == n % 5 + 2
        yield site.ping(f"settled-{n}", version="2" if upgraded and not back else "1", platform="linux")


def passing(site: Site, day: int) -> Iterator[Ping]:
    """Make the pings of those that come once, with new ids: 200 CI runs, and 50 containers."""
    yield from (site.ping(f"ci-{day}-{n}", version="2", properties={"ci": True}) for n in range(25))
    many = 7 if day < 2 else 6
    yield from (site.ping(f"container-{day}-{n}", version="2", properties={"container": True}) for n in range(many))


def pairs(site: Site, version: str) -> Iterator[Ping]:
    """Make the pings of ten ids, each used by two machines that differ."""
    for n in range(10):
        told: dict[str, Any] = {"version": "1", "platform": version} if n % 2 else {"version": version}
        yield site.ping(f"cloned-{n}", **told)


def test_every_mark_is_right(site: Site) -> None:
    """Of 1,000 settled, 200 CI, 50 container and 10 cloned pairs every one has its mark, and nobody another one."""
    for day in range(8):
        site.record(*settled(site, day), *passing(site, day), *pairs(site, "1"))
        site.clock.advance(seconds=12 * HOURS)
        site.record(*pairs(site, "2"))
        site.compact()
        site.clock.advance(seconds=12 * HOURS)
    cloned = [f"cloned-{n}" for n in range(10)]
    expected = {
        CI: sorted(f"ci-{day}-{n}" for day in range(8) for n in range(25)),
        CONTAINER: sorted(f"container-{day}-{n}" for day in range(8) for n in range(7 if day < 2 else 6)),
        CLONED: cloned,
        SETTLED: sorted([*(f"settled-{n}" for n in range(1000)), *cloned]),
    }
    assert [200, 50] == [len(expected[CI]), len(expected[CONTAINER])]
    assert expected == bearing(site)
    site.compact()
    assert expected == bearing(site)
    assert [CLONED, SETTLED] == labels_of(site, "cloned-3")
    assert [CI] == labels_of(site, "ci-0-1")


def test_a_label_holds_for_all_days(site: Site) -> None:
    """What is learned today is so for yesterday."""
    site.record(site.ping("a", version="1"), site.ping("b", version="1"))
    yesterday = seen(site.app, site.today, "version", "1") - marked(site.app, SETTLED)
    site.clock.advance(days=1)
    assert ["a", "b"] == site.members(yesterday)
    site.record(site.ping("a", version="1"))
    assert ["b"] == site.members(yesterday)


def test_labels_are_of_one_app(site: Site) -> None:
    """An instance that is settled in one app is not so in another."""
    for _ in range(2):
        site.record(site.ping("a"))
        site.clock.advance(days=1)
    site.record(site.ping("a", app=site.other_app))
    assert [1, 0] == site.count(marked(site.app, SETTLED), marked(site.other_app, SETTLED))


@pytest.mark.parametrize("said", [False, "true", 1, None])
def test_only_true_is_a_label(site: Site, said: object) -> None:
    """A property that merely bears the name gives no label."""
    site.record(site.ping("a", properties={"ci": said}))
    assert [] == labels_of(site, "a")


def test_what_the_owner_says_stands(site: Site) -> None:
    """A label that the owner gives or takes stays so, whatever the instance sends, at whichever writer."""
    site.record(*(site.ping(name, properties={"ci": True}) for name in "abc"))
    assert 2 == site.store.mark(site.app, CI, ids=["a", "b", "nobody"], on=False)
    assert 1 == site.store.mark(site.app, CLONED, ids=["c"], on=True)
    for writer in site.writers:
        site.record(*(site.ping(name, properties={"ci": True}) for name in "abc"), by=writer)
    assert {CI: ["c"], CONTAINER: [], CLONED: ["c"], SETTLED: []} == bearing(site)
    assert [[], [CI, CLONED]] == [labels_of(site, name) for name in "ac"]


def test_a_label_that_there_is_not(site: Site) -> None:
    """Only the labels that there are can be given."""
    with pytest.raises(QueryError, match="no label 'good'"):
        site.store.mark(site.app, "good", ids=["a"], on=True)


def test_labels_go_with_the_instance(site: Site) -> None:
    """Erased or pruned, an instance bears no label any more, and the receipt counts the days alone."""
    for _ in range(2):
        site.record(site.ping("a", properties={"ci": True}), site.ping("b", properties={"ci": True}))
        site.clock.advance(days=1)
    assert ["a", "b"] == site.members(marked(site.app, CI))
    receipt = site.store.erase(site.owner, "a")
    assert receipt is not None
    assert 2 == receipt.days
    assert ["b"] == bearing(site)[SETTLED]
    site.clock.advance(days=9)
    site.store.prune()
    assert 0 == site.count(anyone(site.app, site.today), marked(site.app, CI))[1]
    site.record(site.ping("b"))
    assert {label: [] for label in LABELS} == bearing(site)
