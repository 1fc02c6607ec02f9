"""The thread."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


class Slow:
    """A value of the host's that takes as long as the test wants."""

    def __init__(self) -> None:
        self.free, self.asked = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.asked.set()
        self.free.wait(SECONDS)
        return "beta"

    def let_go(self) -> None:
        """Let the thread go on to its end."""
        self.free.set()
        until(lambda: ours() == [])


@pytest.mark.parametrize("is_ahead", [False, True])
def test_what_is_being_made_is_kept(tmp_path: Path, *, is_ahead: bool) -> None:
    """Who stops makes a ping of what the thread has in hand, each once: also where the thread gets on meanwhile."""
    slow = Slow()
    sending = telemetry(tmp_path, values={"dimensions.channel": slow}, transport=Outbox(Reply(None)))
    sending.start()
    for _ in range(BATCH):
        sending.event("told")
    until(slow.asked.is_set)
    if is_ahead:
        threading.Timer(worker.GOODBYE_SECONDS / 2, slow.free.set).start()
    sending.stop(0)
    slow.let_go()
    text = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert (BATCH, ()) == (text.count('"kind":"told"'), sending.status().lost)
    assert 0 == sending.status().waiting


def agreed(place: Path, slow: Slow) -> tuple[Telemetry, Telemetry]:
    """Return two processes' telemetry that somebody agreed to; the first one's thread has begun to ask for a value."""
    given = {"enabled": None, "policy": "slackonos", "file": place / "config.json", "transport": Outbox(Reply(None))}
    first = telemetry(place, values={"properties.release": slow}, **given)
    second = telemetry(place, **given)
    second.save({"enabled": True}, who="ada")
    first.start()
    until(slow.asked.is_set)
    return first, second


def names_on_disk(place: Path) -> list[str]:
    """Return the events of pings that wait for the next start."""
    files = (json.loads(path.read_text()) for path in (place / "outbox").rglob("*.json"))
    return sorted(ping["is"]["event"] for file in files for ping in file["pings"])


def test_a_beginning_in_hand_is_kept(tmp_path: Path) -> None:
    """What is told once stays until its ping is there, however long the host takes to tell a value."""  # 004-10
    slow = Slow()
    first, _second = agreed(tmp_path, slow)
    first.stop(0)
    assert (["shutdown", "startup"], ()) == (names_on_disk(tmp_path), first.status().lost)
    slow.let_go()
    assert ["shutdown", "startup"] == names_on_disk(tmp_path)


def test_a_thread_that_has_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stops leaves beginning and end to the next start also where the thread had no time for anything."""  # 004-10
    free = threading.Event()
    monkeypatch.setattr("homing.sdk.sender.Sender.warm", lambda _sender: free.wait(SECONDS))
    given = {"enabled": None, "policy": "slackonos", "file": tmp_path / "config.json", "transport": Outbox(Reply(None))}
    sending = telemetry(tmp_path, **given)
    sending.save({"enabled": True}, who="ada")
    sending.start()
    sending.stop(0)
    assert (["shutdown", "startup"], ()) == (names_on_disk(tmp_path), sending.status().lost)
    free.set()
    until(lambda: ours() == [])
    assert ["shutdown", "startup"] == names_on_disk(tmp_path)


def test_nothing_is_written_after_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that hangs longer than a no waits for it: who stops then leaves nothing behind."""
    slow = Slow()
    first, second = agreed(tmp_path, slow)
    policy = second._engine._policy  # noqa: SLF001 - the test need not wait for so long
    monkeypatch.setattr(second._engine, "_policy", policy._replace(timeout_seconds=0.2))  # noqa: SLF001 - as above
    second.save({"enabled": False}, who="ada")
    first.stop(0)
    slow.let_go()
    assert [] == names_on_disk(tmp_path)


@contextmanager
def alarms(handle: Callable[..., object]) -> Iterator[None]:
    """Have a signal handled every millisecond."""
    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("number", range(8))
def test_a_handler_that_tells_while_it_stops(tmp_path: Path, number: int) -> None:
    """A signal may come while pings are put in the place of events: nothing is raised, and nothing lost uncounted."""
    slow = Slow()
    told = [0]
    sending = telemetry(tmp_path, values={"dimensions.channel": slow}, transport=Outbox(Reply(None)))

    def tell(*_given: object) -> None:
        sending.event("told")
        told[0] += 1

    sending.start()
    for _ in range(800 + number):
        tell()
    until(slow.asked.is_set)
    with alarms(tell):
        sending.stop(0)
    slow.let_go()
    kept = sum(path.read_text().count('"kind":"told"') for path in tmp_path.rglob("*.json"))
    status = sending.status()
    assert told[0] == kept + status.waiting + sum(dict(status.lost).values())


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
