"""Another id and token, because somebody wants it."""

import json
from pathlib import Path
from typing import Any

import pytest

from homing import SettingsError, SqliteStore
from homing.clock import SystemClock
from homing.sdk.identity import INSTANCE_FILE, RESET, TOKEN_FILE
from homing.sdk.policy import POLICIES
from homing.sdk.status import UNMADE
from homing.sdk.transports.base import Reply
from tests.unit.sdk.doubles import SECONDS, Outbox, telemetry

TOKEN = "X-SeqDesk-Telemetry-Token"


def heartbeats(outbox: Outbox) -> list[tuple[str, str]]:
    """Return id and token of each heartbeat so far."""
    return [(json.loads(request.body)["instanceId"], request.headers[TOKEN]) for request in outbox.requests]


def test_at_once(tmp_path: Path) -> None:
    """The next heartbeat has another id and another token; settings and consent stay, and status says when and why."""
    outbox = Outbox()
    given: dict[str, Any] = {"policy": "seqdesk", "key": "", "enabled": None, "clock": SystemClock()}
    store = SqliteStore(tmp_path / "telemetry.db")
    with telemetry(tmp_path, transport=outbox, **given) as sending:
        sending.save({"enabled": True, "interval": 12}, who="ada")
        before = sending.send_now(SECONDS)
        consent = store.load()["consent"]
        after = sending.reset_id(who="grace")
        sending.send_now(SECONDS)
    first, second = heartbeats(outbox)
    assert (before.instance, after.instance) == (first[0], second[0])
    assert not set(first) & set(second)
    assert (None, "grace", RESET) == (before.renewed, *after.renewed[:0:-1]) if after.renewed else False
    assert ("database", 12 * 3600) == (after.layer, after.first.interval_seconds)
    assert consent == store.load()["consent"]
    assert not set(second) & set(repr(after).split("'")) - {second[0]}
    with telemetry(tmp_path, transport=outbox, **given) as sending:
        sending.send_now(SECONDS)
    assert second == heartbeats(outbox)[-1]


@pytest.mark.parametrize("policy", ["homing", "slackonos"])
def test_what_waits_is_dropped(tmp_path: Path, policy: str) -> None:
    """A ping that the receiver may have is not sent again under the old id."""
    outbox = Outbox(Reply(503), Reply(200))
    with telemetry(tmp_path, policy=policy, clock=SystemClock(), transport=outbox) as sending:
        old = sending.send_now(SECONDS).instance
        many = len(outbox.bodies)
        new = sending.reset_id(who="ada").instance
        sending.send_now(SECONDS)
    assert old != new
    later = outbox.bodies[many:]
    assert later
    assert not [body for body in later if old.encode() in body]


def test_while_off(tmp_path: Path) -> None:
    """An id that is there is replaced, none is made, and nothing else is left behind."""
    off = telemetry(tmp_path / "own", enabled=False, clock=SystemClock())
    assert UNMADE == off.reset_id(who="ada").instance
    assert not (tmp_path / "own" / INSTANCE_FILE).exists()
    with telemetry(tmp_path / "own", clock=SystemClock()) as sending:
        before = sending.send_now(SECONDS).instance
    off.reset_id(who="ada")
    assert before != (tmp_path / "own" / INSTANCE_FILE).read_text().strip()


def test_a_server_that_is_off(tmp_path: Path) -> None:
    """Where the id is made at every start it is replaced whether telemetry is on or off, and shown."""
    store = SqliteStore(tmp_path / "own.db")
    given: dict[str, Any] = {"policy": "sirveo", "key": "", "enabled": None, "clock": SystemClock(), "database": store}
    with telemetry(tmp_path, **given) as sending:
        before = sending.status().instance
        after = sending.reset_id(who="ada").instance
    assert before != after == store.load()["instance_id"]


@pytest.mark.parametrize("policy", POLICIES)
def test_it_goes_on(tmp_path: Path, policy: str) -> None:
    """Whatever the policy, pings leave under the new id afterwards, without a restart."""
    outbox = Outbox()
    key = "k" if policy in ("homing", "slackonos") else ""
    with telemetry(tmp_path, policy=policy, key=key, clock=SystemClock(), transport=outbox) as sending:
        old = sending.send_now(SECONDS).instance
        many = len(outbox.bodies)
        new = sending.reset_id(who="ada").instance
        assert new == sending.send_now(SECONDS).instance != old
    assert [True] * len(outbox.bodies[many:]) == [new.encode() in body for body in outbox.bodies[many:]]
    assert outbox.bodies[many:]


def test_it_cannot_be_kept(tmp_path: Path) -> None:
    """That is said, and telemetry goes on under the old id."""
    outbox = Outbox()
    given: dict[str, Any] = {"policy": "seqdesk", "key": "", "clock": SystemClock()}
    with telemetry(tmp_path, transport=outbox, **given) as sending:
        before = sending.send_now(SECONDS).instance
        (tmp_path / TOKEN_FILE).unlink()
        (tmp_path / TOKEN_FILE).mkdir()
        with pytest.raises(SettingsError, match="The id cannot be replaced: "):
            sending.reset_id(who="ada")
        (tmp_path / TOKEN_FILE).rmdir()
        assert before == sending.send_now(SECONDS).instance
    assert 2 == len(outbox.requests)


def test_no_place_for_it() -> None:
    """Without a database there is nothing to replace it in."""
    sending = telemetry(Path("/proc/nothing"), policy="sirveo", key="")
    with pytest.raises(SettingsError, match="cannot be replaced"):
        sending.reset_id(who="ada")


def test_another_process_did_it(tmp_path: Path) -> None:
    """Who runs already goes by the new id with its next ping."""
    outbox = Outbox()
    with telemetry(tmp_path, clock=SystemClock(), transport=outbox) as sending:
        old = sending.send_now(SECONDS).instance
        new = telemetry(tmp_path, clock=SystemClock()).reset_id(who="ada").instance
        sending.send_now(SECONDS)
        assert new == sending.send_now(SECONDS).instance
    assert [old] + [new] * (len(outbox.bodies) - 1) == [json.loads(body)["instance_id"] for body in outbox.bodies]
    assert 2 <= len(outbox.bodies)
