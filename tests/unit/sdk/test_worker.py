"""The thread."""

import threading
import time
from pathlib import Path

import pytest

from homing import Telemetry
from homing.sdk import worker
from homing.sdk.outbox import BATCH
from homing.sdk.transports.base import Deadline, Reply, Request
from tests.unit.sdk.doubles import SECONDS, Clock, Outbox, telemetry, until


def ours() -> list[threading.Thread]:
    """Return the threads of telemetry."""
    return [thread for thread in threading.enumerate() if thread.name == "homing-telemetry"]


class Stuck:
    """A transport that hangs as a look-up of a name does: nothing wakes it but the test."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.deadlines: list[Deadline] = []

    def send(self, _request: Request, deadline: Deadline) -> Reply:
        """Wait for the test, whatever the deadline says."""
        self.deadlines.append(deadline)
        self.free.wait(SECONDS)
        return Reply(200)


def test_one_daemon_thread(tmp_path: Path) -> None:
    """However often it is started there is one, and none when it was stopped."""
    sending = telemetry(tmp_path)
    assert [] == ours()
    sending.start()
    sending.start()
    sending.send_now()
    [thread] = ours()
    assert thread.daemon
    sending.stop(SECONDS)
    sending.stop()
    until(lambda: ours() == [])


def test_pings_keep_their_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first comes after the delay, the next an interval later."""  # 000-14
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.005)
    clock, outbox = Clock(), Outbox()
    with telemetry(tmp_path, clock=clock, transport=outbox, first_seconds=30, interval_hours=2) as sending:
        assert clock.now() + 30_000 == sending.status().next_due
        clock.advance(seconds=30)
        until(lambda: len(outbox.bodies) == 1)
        until(lambda: sending.status().last_success is not None)
        assert clock.now() + 2 * 3_600_000 == sending.status().next_due
        assert 1 == len(outbox.bodies)
        clock.advance(seconds=7_200)
        until(lambda: len(outbox.bodies) == 2)


def test_it_begins_anew(tmp_path: Path) -> None:
    """After a stop, start and send_now work as before."""
    outbox = Outbox()
    sending = telemetry(tmp_path, transport=outbox)
    for number in (1, 2):
        assert sending.send_now(SECONDS).last_success
        sending.stop()
        assert None is sending.status().next_due
        assert number == len(outbox.bodies)


def test_asking_does_not_wait(tmp_path: Path) -> None:
    """Without a time to wait, send_now comes back while the attempt is under way."""
    stuck = Stuck()
    sending = telemetry(tmp_path, transport=stuck)
    sending.send_now()
    until(lambda: len(stuck.deadlines) == 1)
    began = time.monotonic()
    assert None is sending.send_now(0.05).last_success
    assert time.monotonic() - began < 1
    stuck.free.set()
    sending.stop(SECONDS)


def test_a_hanging_send_is_given_up(tmp_path: Path) -> None:
    """Stop comes back soon, the deadline is cut off, and a late success changes nothing."""
    stuck, outbox = Stuck(), Outbox(Reply(404))
    sending = telemetry(tmp_path, transport=stuck)
    sending.send_now()
    until(lambda: len(stuck.deadlines) == 1)
    began = time.monotonic()
    sending.stop(0)
    assert time.monotonic() - began < 0.5
    assert stuck.deadlines[0].is_over
    assert "It was stopped before there was an answer." == sending.status().last_error
    sending._engine._senders[0]._transport = outbox  # noqa: SLF001 - the second thread must not hang
    assert 404 == sending.send_now(SECONDS).last_status
    stuck.free.set()
    until(lambda: len(ours()) == 1)
    assert (404, None) == (sending.status().last_status, sending.status().last_success)
    sending.stop()


@pytest.mark.parametrize("is_ahead", [False, True])
def test_what_is_being_made_is_kept(tmp_path: Path, *, is_ahead: bool) -> None:
    """Who stops makes a ping of what the thread has in hand, each once: also where the thread gets on meanwhile."""
    free, asked = threading.Event(), threading.Event()

    def slow() -> str:
        asked.set()
        free.wait(SECONDS)
        return "beta"

    sending = telemetry(tmp_path, values={"dimensions.channel": slow}, transport=Outbox(Reply(None)))
    sending.start()
    for _ in range(BATCH):
        sending.event("told")
    until(asked.is_set)
    if is_ahead:
        threading.Timer(worker.GOODBYE_SECONDS / 2, free.set).start()
    sending.stop(0)
    free.set()
    until(lambda: ours() == [])
    text = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert (BATCH, ()) == (text.count('"kind":"told"'), sending.status().lost)
    assert 0 == sending.status().waiting


def test_time_that_is_over_is_told(tmp_path: Path) -> None:
    """While the thread still hangs, status says that there was no answer."""
    stuck, clock = Stuck(), Clock()
    sending = telemetry(tmp_path, transport=stuck, clock=clock)
    sending.send_now()
    until(lambda: len(stuck.deadlines) == 1)
    assert None is sending.status().last_error
    clock.advance(seconds=5)
    assert "There was no answer within 5 seconds." == sending.status().last_error
    stuck.free.set()
    sending.stop(SECONDS)


def test_stopping_from_within(tmp_path: Path) -> None:
    """A probe may stop telemetry: it does not wait for itself."""
    ways: list[Telemetry] = []
    sending = telemetry(tmp_path, values={"dimensions.channel": lambda: ways[0].stop(SECONDS)})
    ways.append(sending)
    assert sending.send_now(SECONDS)
    until(lambda: ours() == [])


def test_no_more_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that can have none is not harmed, and status says so."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sending = telemetry(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert ("The thread of telemetry cannot begin: can't start new thread.",) == sending.send_now().problems
    sending.start()
    assert () == sending.status().problems
    sending.stop()
