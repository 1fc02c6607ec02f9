"""PostHog's protocol, by our own transport and by PostHog's own package, against a listener."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from homing import PostHogTransport, Telemetry
from homing.clock import SystemClock
from homing.sdk.endpoint import parse
from homing.sdk.policy import SLACKONOS
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from homing.sdk.transports.base import STOPPED, TOO_SLOW, Deadline, Reply, Request, Transport
from homing.sdk.transports.posthog import MISSING, OTHER_FORM
from tests.functional.receiver import environment
from tests.functional.sdk.listener import Listener, listener
from tests.unit.sdk.doubles import Clock

ANSWER = "HTTP/1.1 {status} So\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
"""The package would keep the connection open otherwise, and the listener serves one after the other."""

OWN = SLACKONOS._replace(events=("startup", "heartbeat", "shutdown", "song played"))
"""A policy of one's own that allows an event more."""


def telemetry(there: Listener, place: Path, transport: Transport | None, **given: Any) -> Telemetry:
    """Make the telemetry of an application, with a clock that stands still."""
    usual = {"app": "acme", "version": "1.2.3", "policy": OWN, "endpoint": there.url, "key": "phc_x", "clock": Clock()}
    return Telemetry(**{**usual, "file": place / "config.json", "directory": place, "transport": transport, **given})


def events(place: Path, transport: Transport | None) -> list[Any]:
    """Return what arrives of an application's life."""
    with listener(ANSWER.format(status=200).encode()) as there:
        with telemetry(there, place, transport) as sending:
            sending.send_now(10)
            for number in range(250):
                sending.event("song played", {"n": number, "deep": {"list": [1, None, True, "ä"]}})
            sending.send_now(10)
            sending.stop(10)
        assert {"/batch/"} == {received.line.split()[1] for received in there.received}
        bodies = [json.loads(received.body) for received in there.received]
    assert {"phc_x"} == {body["api_key"] for body in bodies}
    return [event for body in bodies for event in body["batch"]]


def test_both_ways_deliver_the_same(tmp_path: Path) -> None:
    """Every event, with its id, time and properties, and no other."""  # 004-01 004-10
    ways = {"own": None, "package": PostHogTransport()}
    own, package = (events(tmp_path / name, transport) for name, transport in ways.items())
    assert [254, 254] == [len({event["uuid"] for event in found}) for found in (own, package)]
    assert ["startup", "heartbeat", *["song played"] * 250, "heartbeat", "shutdown"] == [each["event"] for each in own]
    for event in (*own, *package):
        # Each run is an instance of its own, and its threads deal ids in an order of their own.
        assert event["distinct_id"] == event["properties"].pop("instance_id")
        assert event.pop("uuid") != event.pop("distinct_id")
    assert own == package


@pytest.mark.parametrize("status", [400, 401, 413, 503])
def test_what_the_package_is_answered(tmp_path: Path, status: int) -> None:
    """The status is told, and what may be sent again waits."""
    head = ANSWER.format(status=status).encode()
    with listener(head) as there, telemetry(there, tmp_path, PostHogTransport()) as sending:
        found = sending.send_now(10)
        sending.stop(0)
        assert (status, status == 503) == (found.last_status, found.waiting > 0)


def test_nobody_there(tmp_path: Path) -> None:
    """The package's errors are ours."""
    with listener() as there:
        pass
    with telemetry(there, tmp_path, PostHogTransport()) as sending:
        found = sending.send_now(10)
    assert (None, True) == (found.last_status, found.waiting > 0)
    assert str(found.last_error).startswith("The package of PostHog failed: ")


def test_what_people_are_told(tmp_path: Path) -> None:
    """The preview says that the package makes the request."""
    with listener() as there:
        [shown] = telemetry(there, tmp_path, PostHogTransport()).preview()
    assert shown.note.endswith(f" and no music preferences. {PostHogTransport.note}")


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    """Another host gets neither the events nor the key: to be sent elsewhere is a refusal."""
    with listener(ANSWER.format(status=200).encode()) as other:
        head = ANSWER.format(status=307).replace("\r\n", f"\r\nLocation: {other.url}/batch/\r\n", 1).encode()
        with listener(head) as there, telemetry(there, tmp_path, PostHogTransport()) as sending:
            assert 307 == sending.send_now(10).last_status
            assert there.received
        assert [] == other.received


def handed(there: Listener, deadline: Deadline, transport: PostHogTransport, *numbers: int) -> Reply:
    """Hand over events as a sender does."""
    batch = [{"event": "song played", "distinct_id": "a", "properties": {"n": number}} for number in numbers]
    endpoint = parse(f"{there.url}/batch/")
    return transport.send(Request(endpoint, {}, json.dumps({"api_key": "phc_x", "batch": batch}).encode()), deadline)


class Waiting(Listener):
    """A receiver that keeps everybody waiting until the test is over."""

    free = threading.Event()

    def answer(self) -> bytes:
        """Wait, then answer."""
        self.free.wait(10)
        return super().answer()


def test_nothing_begins_after_a_cancelling() -> None:
    """What the package still has when it is cut off never leaves, and the next events do."""
    transport, clock = PostHogTransport(), SystemClock()
    cancelled = Deadline(clock)
    cancelled.cancel()
    with listener(ANSWER.format(status=200).encode()) as there:
        assert Reply(None, STOPPED) == handed(there, cancelled, transport, 1)
        assert [] == there.received
    with listener(ANSWER.format(status=200).encode(), kind=Waiting) as there:
        # The first hundred are under way, and the others wait for them.
        late = handed(there, Deadline(clock, 0.3), transport, *range(150))
        assert TOO_SLOW == late.error
        Waiting.free.set()
        assert Reply(200) == handed(there, Deadline(clock), transport, 151)
        found = [event["properties"]["n"] for each in there.received for event in json.loads(each.body)["batch"]]
    assert [*range(100), 151] == found


def test_it_is_silent(tmp_path: Path) -> None:
    """What the package has to say is not written to the program's standard error."""
    code = f"""
import sys
from homing import PostHogTransport, Telemetry
sending = Telemetry(app="acme", version="1", policy="slackonos", endpoint="http://127.0.0.1:9", key="phc_x",
    file={str(tmp_path / "c.json")!r}, directory={str(tmp_path)!r}, transport=PostHogTransport())
print(sending.send_now(10).last_error)
sending.stop()
"""
    variables = {**environment(), **dict.fromkeys((REFUSAL, *CI_VARIABLES), "")}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert ("The package of PostHog failed: ConnectionError.\n", "") == (done.stdout, done.stderr)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not enabled, and status says how to change that."""
    monkeypatch.setitem(sys.modules, "posthog", None)
    with listener() as there, telemetry(there, tmp_path, PostHogTransport()) as sending:
        assert MISSING == sending.send_now(10).last_error


def test_another_form(tmp_path: Path) -> None:
    """What is not in PostHog's form cannot be handed over, and status says so."""
    with listener() as there:
        given = {"policy": "homing", "enabled": True, "key": "k"}
        with telemetry(there, tmp_path, PostHogTransport(), **given) as sending:
            assert OTHER_FORM == sending.send_now(10).last_error
        assert [] == there.received
