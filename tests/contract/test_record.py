"""What a store makes of a batch: each ping once, all or nothing, and nothing learnt from what failed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.errors import StoreRejected
from homing.outcomes import ACCEPTED, Refusal, outcome_of
from homing.server.counting.sets import anyone, first, seen
from homing.server.stores.base import Batch
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Engine
from tests.contract.site import POISON, Site

TOKEN, OTHER_TOKEN = "1" * 64, "2" * 64


def test_an_id_counts_once_within_a_batch(site: Site) -> None:
    """The second ping of an id is a duplicate, whoever sends it."""
    assert ["accepted", "duplicate", "duplicate"] == site.record(
        site.ping(id="p"), site.ping(id="p"), site.ping("y", id="p")
    )
    assert [1] == site.count(anyone(site.app, site.today))
    assert {site.today: 1} == site.requests()


def test_an_id_counts_once_across_batches(site: Site) -> None:
    """An id is known to both writers, and to a store opened later."""
    site.record(site.ping(id="p"))
    for store in (*site.writers, site.opened()):
        assert ["duplicate"] == site.record(site.ping("y", id="p"), by=store)
    assert ["x"] == site.instances()


def test_an_id_belongs_to_an_app(site: Site) -> None:
    """The same id in another app is no duplicate."""
    pings = [site.ping(id="p", app=app) for app in (site.app, site.other_app, site.foreign_app)]
    assert ["accepted"] * 3 == site.record(*pings)


def test_an_id_is_kept_seven_days(site: Site) -> None:
    """After seven days an id may be used anew, and is claimed again by then."""
    site.record(site.ping(id="p"))
    site.clock.advance(days=7, seconds=-1)
    assert ["duplicate"] == site.record(site.ping(id="p"))
    site.clock.advance(seconds=1)
    assert ["accepted", "duplicate"] == site.record(site.ping(id="p"), site.ping(id="p"))
    site.clock.advance(days=6)
    assert ["duplicate"] == site.record(site.ping(id="p"), by=site.writers[1])


def test_a_ping_without_an_instance_claims_its_id(site: Site) -> None:
    """Requests that name nobody are deduplicated too."""
    assert ["accepted", "duplicate"] == site.record(site.ping(None, id="p"), site.ping(None, id="p"))
    assert {site.today: 1} == site.requests()


def test_a_refused_ping_claims_nothing(site: Site) -> None:
    """The id of a refused ping is still free."""
    site.record(site.ping(credential=TOKEN))
    assert ["token_wrong", "accepted"] == site.record(
        site.ping(id="p", credential=OTHER_TOKEN), site.ping(id="p", credential=TOKEN)
    )


def test_a_batch_comes_twice(site: Site) -> None:
    """A retried batch gets the same verdicts, word for word, from either writer and changes nothing."""
    site.record(site.ping(credential=TOKEN))
    pings = [site.ping(), site.ping(id="p", credential=TOKEN), site.ping(id="p"), site.ping("y", kind="begin")]
    batch = Batch("again", pings)
    verdicts = site.store.record(batch)
    assert ["token_missing", "accepted", "duplicate", "accepted"] == [outcome_of(each).name for each in verdicts]
    before = (site.requests(), site.members(anyone(site.app, site.today)), site.reader.history(site.app))
    for store in (*site.writers, site.opened()):
        again = store.record(batch)
        assert [outcome_of(each) for each in verdicts] == [outcome_of(each) for each in again]
        assert isinstance(again[0], Refusal)
    assert before == (site.requests(), site.members(anyone(site.app, site.today)), site.reader.history(site.app))


def test_an_empty_batch(site: Site) -> None:
    """A batch without pings is recorded."""
    assert [] == site.store.record(Batch("empty", []))


def test_a_batch_of_several_owners(site: Site) -> None:
    """Verdicts come in the order of the pings, whoever owns the apps."""
    site.record(site.ping(app=site.foreign_app, credential=TOKEN))
    assert ["accepted", "token_missing", "accepted"] == site.record(
        site.ping(), site.ping(app=site.foreign_app), site.ping(app=site.other_app)
    )


def test_an_instance_is_first_once(site: Site) -> None:
    """An instance is new to an app the first time in a batch only, and to each app anew."""
    site.record(site.ping(), site.ping(app=site.other_app), site.ping(days=1), site.ping())
    site.record(site.ping(days=-1), by=site.writers[1])
    today = site.today
    assert [1, 0, 0, 1] == site.count(
        first(site.app, today), first(site.app, today + 1), first(site.app, today - 1), first(site.other_app, today)
    )
    assert [1] == site.count(first(site.app, today) | first(site.other_app, today))


def test_the_day_is_that_of_the_ping(site: Site) -> None:
    """A ping's own time chooses its day, and only that: commit order decides which value is the last."""
    older = site.ping(version="old")
    newer = site.ping(version="new")._replace(at=older.at + 1000)
    site.record(newer, older, site.ping(days=-1, version="late"))
    assert [1, 0, 1] == site.count(
        seen(site.app, site.today, "version", "old"),
        seen(site.app, site.today, "version", "new"),
        seen(site.app, site.today - 1, "version", "late"),
    )


def test_a_late_ping_on_a_closed_day(site: Site) -> None:
    """A day that was compacted takes a late ping, before and after it is compacted again."""
    site.record(site.ping(version="1"), site.ping("y", version="1"))
    yesterday = site.today
    site.clock.advance(days=1)
    site.compact()
    asked = [anyone(site.app, yesterday), seen(site.app, yesterday, "version", "1"), first(site.app, yesterday)]
    assert [2, 2, 2] == site.count(*asked)
    site.record(site.ping("y", days=-1, version="2"), site.ping("z", days=-1))
    assert [3, 1, 3] == site.count(*asked)
    site.compact(site.writers[1])
    assert [3, 1, 3] == site.count(*asked)
    assert [3, 1, 3] == site.count(*asked, by=site.opened())


def test_nothing_of_a_failed_commit_stays(site: Site) -> None:
    """What a failing batch brought is unknown afterwards: instances, ids, tokens, values, counts."""
    brought = [site.ping("new", id="p", credential=TOKEN, version="1"), site.ping(None, kind="begin")]
    site.fail(*brought)
    assert [] == site.instances()
    assert {} == site.requests()
    assert {} == site.reader.values([site.app], list(site.days()), dimension="version")
    assert ["accepted", "accepted"] == site.record(site.ping("other"), site.ping("new", id="p", credential=OTHER_TOKEN))
    assert [2, 0] == site.count(first(site.app, site.today), seen(site.app, site.today, "version", "1"))


def test_a_failed_commit_changes_no_known_instance(site: Site) -> None:
    """An instance's state, token and last receipt are what they were."""
    site.record(site.ping(version="1"))
    before = site.reader.instance(site.app, "x")
    site.fail(site.ping(version="2", credential=TOKEN))
    site.clock.advance(seconds=10)
    site.record(site.ping("y"))
    site.store.settle()
    assert before == site.reader.instance(site.app, "x")
    assert ["accepted"] == site.record(site.ping(version="1", credential=OTHER_TOKEN))


def test_a_batch_that_failed_may_come_again(site: Site) -> None:
    """Only a batch that was stored counts as recorded."""
    with pytest.raises(StoreRejected):
        site.store.record(Batch("b", [site.ping(), site.ping("y")._replace(received=POISON)]))
    assert [ACCEPTED] == site.store.record(Batch("b", [site.ping()]))


@pytest.mark.parametrize(
    "change",
    [
        {"received": POISON},
        {"received": 2**63, "id": "p"},
        {"at": POISON},
        {"at": -POISON},
        {"instance": "\ud800"},
        {"id": "\ud800"},
        {"kind": "\ud800"},
        {"dimensions": {"version": "\ud800"}},
        {"properties": {"name": "\ud800"}},
        {"properties": {"\ud800": 1}},
        {"credential": "\ud800"},
    ],
    ids=str,
)
def test_what_cannot_be_held_is_rejected(site: Site, change: dict[str, Any]) -> None:
    """Numbers beyond 64 bits and lone surrogates reject the batch; the innocent go through without the guilty."""
    guilty = site.ping("guilty")._replace(**change)
    with pytest.raises(StoreRejected):
        site.store.record(Batch("b", [site.ping(), guilty]))
    assert ["accepted"] == site.record(site.ping())
    assert ["x"] == site.instances()


@pytest.mark.parametrize("name", ["a'b\"c\\", "%_", "🏠 ü", "null", "123", "[1]", "{}", " ", "x" * 200, "a:b.c"])
def test_any_name_is_an_instance(site: Site, name: str) -> None:
    """Instance ids, values, kinds and ping ids are opaque text."""
    said = site.ping(name, id=name, kind=name, properties={name: name}, version=name)
    assert ["accepted", "duplicate"] == site.record(said, said)
    assert ["accepted"] == site.record(said._replace(id=None), by=site.writers[1])
    found = site.reader.instance(site.app, name)
    assert found is not None
    assert (name, name, {"version": name}, {name: name}) == (
        found.instance_id,
        found.kind,
        found.dimensions,
        found.properties,
    )
    assert [name] == [each.instance_id for each in site.reader.instances(site.owner, site.app, search=name).items]
    assert {name: 2} == site.requests("version", filters={"kind": [name]})
    assert 2 == len(site.reader.history(site.app, instance_id=name, kind=name).items)
    assert site.reader.erase(site.owner, name)
    assert [] == site.instances()


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=20, suppress_health_check=STORE_CHECKS)
@given(NAMES, NAMES, st.dictionaries(ANYTHING, ANYTHING, max_size=3))
def test_any_text_comes_back(engine: Engine, name: str, value: str, properties: dict[str, str]) -> None:
    """Text is kept as it was sent, control characters in properties and all."""
    site = Site(engine)
    site.record(site.ping(name, id=value, kind=value, properties=properties, version=value))
    found = site.reader.instance(site.app, name)
    assert found is not None
    assert (name, value, {"version": value}, properties) == (
        found.instance_id,
        found.kind,
        found.dimensions,
        found.properties,
    )
    assert [1] == site.count(seen(site.app, site.today, "version", value))
    assert [properties] == [each.properties for each in site.reader.history(site.app, instance_id=name).items]
    site.close()


def test_large_integers_in_properties_come_back(site: Site) -> None:
    """Every number that fits into 64 bits comes back as it was sent."""
    numbers = {"low": -(2**63), "high": 2**63 - 1, "odd": 2**53 + 1, "half": 0.5}
    site.record(site.ping(properties=numbers))
    found = site.reader.instance(site.app, "x")
    assert found is not None
    assert numbers == found.properties


def test_many_pings_in_one_batch(site: Site) -> None:
    """A batch of thousands is recorded whole, over many buckets."""
    assert {"accepted"} == set(site.record(*(site.ping(f"{n}", id=f"{n}") for n in range(2500))))
    assert [2500] == site.count(anyone(site.app, site.today))
    assert [str(n) for n in range(2500)] == site.members(anyone(site.app, site.today))
