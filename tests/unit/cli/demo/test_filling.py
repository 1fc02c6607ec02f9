"""A store is filled with a history, whole or not at all."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from homing.cli.demo.filling import MINUTE_MS, RECENT_MS, SLICE_MS, fill, store_path
from homing.cli.demo.fleet import APP, Fleet, Sent
from homing.clock import DAY_MS, iso_day, parse_day
from homing.errors import StartError
from homing.ping import CORE_DIMENSIONS, NOT_REPORTED
from homing.server.accounts.accounts import FirstOwner
from homing.server.query.question import parse
from homing.server.query.report import report
from homing.server.stores.registry import Opened, open_store, options_of
from homing.settings import Resolved
from homing.testing import FixedClock
from tests.receiving import settings_of

TODAY = parse_day("2026-11-22")
NOW = TODAY * DAY_MS + DAY_MS // 2


@pytest.fixture
def settings(tmp_path: Path) -> Resolved:
    """Settings whose limits would never let two months through at once."""
    return settings_of(store=f"sqlite:///{tmp_path}/homing.db", rate_address=1, rate_app=1, queue_pings=1)


@pytest.fixture
def fleet() -> Fleet:
    """A small fleet over a few days."""
    return Fleet(TODAY - 8, TODAY, size=60)


@pytest.fixture
def opened(settings: Resolved, fleet: Fleet) -> Iterator[Opened]:
    """The store, filled up to noon of the last day."""
    assert filled(settings, fleet) is not None
    opened = open_store(settings["store"], FixedClock(NOW), options=options_of(settings))
    yield opened
    opened.store.close()


def filled(settings: Resolved, fleet: Fleet, *, days: int = 1000) -> FirstOwner | None:
    """Fill the store, but be told to stop after so many days."""
    done: list[None] = []
    return fill(settings, fleet, now=NOW, advance=lambda: done.append(None), is_stopped=lambda: len(done) >= days)


def past(fleet: Fleet) -> list[Sent]:
    """Return what the fleet sent up to now."""
    return [sent for day in fleet.days for sent in fleet.pings(day) if sent.at <= NOW]


def asked(opened: Opened, **given: str) -> dict[str, Any]:
    """Return the report on a time."""
    [app] = opened.control.apps()
    query = parse(app.owner, {APP: app.id}, given={name: [value] for name, value in given.items()}, today=TODAY)
    return report(opened.store, query)


def split(pings: list[Sent], name: str) -> dict[str, int]:
    """Return how many clients had each value of a dimension."""
    pairs = {(sent.body["instance_id"], sent.body["dimensions"].get(name, NOT_REPORTED)) for sent in pings}
    return dict(Counter(value for _client, value in pairs))


def test_the_report_says_what_was_simulated(fleet: Fleet, opened: Opened) -> None:
    """Requests, clients and every split are those of the simulation, in all and day by day, up to now."""
    made = asked(opened, **{"from": iso_day(fleet.first), "to": iso_day(TODAY)})
    pings = past(fleet)
    clients = {sent.body["instance_id"] for sent in pings}
    assert (len(pings), len(clients)) == (made["summary"]["requests"], made["summary"]["clients"])
    for day, row in zip(fleet.days, made["daily"], strict=True):
        of_day = [sent for sent in pings if sent.at // DAY_MS == day]
        states = split(of_day, "update_state")
        told = (states.get("latest", 0), states.get("outdated", 0))
        assert (len(of_day), sum(told), told) == (row["requests"], row["clients"], (row["latest"], row["outdated"]))
    for name in CORE_DIMENSIONS:
        assert split(pings, name) == {row["value"]: row["clients"] for row in made["splits"][name]}


@pytest.mark.parametrize(("days", "size"), [(8, 60), (3, 1500)])
def test_instances_have_their_times(settings: Resolved, days: int, size: int) -> None:
    """An instance was first and last seen when it first and last sent, to within a request; lately, to the minute."""
    fleet = Fleet(TODAY - days, TODAY, size=size)
    assert filled(settings, fleet) is not None
    opened = open_store(settings["store"], FixedClock(NOW), options=options_of(settings))
    [app] = opened.control.apps()
    listed = opened.store.instances(app.owner, app.id, limit=5000).items
    opened.store.close()
    times: dict[str, list[int]] = {}
    for sent in past(fleet):
        times.setdefault(sent.body["instance_id"], []).append(sent.at)
    assert set(times) == {each.instance_id for each in listed}
    for each in listed:
        first, last = times[each.instance_id][0], times[each.instance_id][-1]
        assert 0 <= each.first_seen - first < SLICE_MS
        assert 0 <= each.last_seen - last < (MINUTE_MS if last >= NOW - RECENT_MS else SLICE_MS)


def test_the_owner_can_sign_in(settings: Resolved, fleet: Fleet) -> None:
    """The owner has a one-time password, as at any first start."""
    first = filled(settings, fleet)
    assert first is not None
    assert first.owner.must_change
    assert first.password


def test_only_the_store_is_left(settings: Resolved, opened: Opened) -> None:
    """Nothing of the filling stays beside the store."""
    opened.store.close()
    assert [store_path(settings)] == list(store_path(settings).parent.iterdir())


def test_stopped(settings: Resolved, fleet: Fleet) -> None:
    """Told to stop, it leaves nothing behind."""
    assert filled(settings, fleet, days=3) is None
    assert [] == list(store_path(settings).parent.iterdir())


def test_what_was_left_by_a_crash(settings: Resolved, fleet: Fleet) -> None:
    """Half a history that was left, with its log, is begun anew; so is the log of a store that somebody removed."""
    path = store_path(settings)
    for name in ("filling.db", "filling.db-wal", "filling.db-shm", "homing.db-wal"):
        path.with_name(name).write_text("left behind")
    assert filled(settings, fleet) is not None
    assert [path] == list(path.parent.iterdir())
    with closing(sqlite3.connect(path)) as database:
        [(found,)] = database.execute("PRAGMA integrity_check")
    assert "ok" == found


def test_somebody_looks_at_it(settings: Resolved, fleet: Fleet) -> None:
    """A history that another program has open is not moved away under it."""
    draft = store_path(settings).with_name("filling.db")
    looking: list[sqlite3.Connection] = []

    def look() -> None:
        if not looking:
            looking.append(sqlite3.connect(draft))
            looking[0].execute("SELECT count(*) FROM app").fetchall()

    with pytest.raises(StartError, match="is in use by another program"):
        fill(settings, fleet, now=NOW, advance=look, is_stopped=lambda: False)
    looking[0].close()
    assert not store_path(settings).exists()


def test_what_is_refused(settings: Resolved, fleet: Fleet) -> None:
    """A ping that the lane refuses ends the filling with its reason, and nothing is left."""
    fleet.instances[0] = fleet.instances[0]._replace(system=("", ""))
    with pytest.raises(StartError, match=r"cannot be stored\. platform must be text"):
        filled(settings, fleet)
    assert [] == list(store_path(settings).parent.iterdir())
