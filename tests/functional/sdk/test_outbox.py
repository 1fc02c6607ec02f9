"""What could not be sent is kept for the next start: processes of their own, and a real disk."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.endpoints import ENDPOINTS, HANGING_NAMES, refused
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import environment, until
from tests.functional.sdk.listener import Listener, listener

BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\n\r\n"

PROGRAM = """
import json, os, signal, sys, threading, time
from homing import JsonStore, SqliteStore, Telemetry
from homing.sdk import outbox
outbox.FLUSH_SECONDS = {flush}
telemetry = Telemetry(
    app="acme", version={version!r}, policy={policy!r}, endpoint={endpoint!r}, key="k", enabled={enabled},
    directory={directory!r}, file=os.path.join({directory!r}, "config.json"), first_seconds=3600,
)
telemetry.start()
"""

TELL = "for n in range({first}, {last}): telemetry.event('told', {{'n': n}})\n"
STOP = "telemetry.stop({seconds})\nprint(json.dumps([telemetry.status().waiting, telemetry.status().lost]))\n"
READY = "print('ready', flush=True)\n"


def code(endpoint: str, directory: Path, work: str, **given: Any) -> str:
    """Return a program."""
    usual = {"flush": 5, "version": "1.2.3", "policy": "homing", "enabled": True}
    return PROGRAM.format(endpoint=endpoint, directory=str(directory), **{**usual, **given}) + work


def tell(first: int, last: int) -> str:
    """Return the lines that tell numbered events."""
    return TELL.format(first=first, last=last)


def stop(seconds: float = 0) -> str:
    """Return the lines that end, and print what is left and lost."""
    return STOP.format(seconds=seconds)


def begun(text: str, **settings: str) -> subprocess.Popen[str]:
    """Start a program, with variables of ours."""
    variables = {**environment(**settings), **dict.fromkeys((REFUSAL, *CI_VARIABLES), "")}
    command = [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", text]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(text: str, **settings: str) -> Any:
    """Run a program to its end, and return what it prints last, from JSON."""
    said, error = begun(text, **settings).communicate(timeout=60)
    assert "" == error
    return json.loads(said.splitlines()[-1]) if said else None


@contextmanager
def running(text: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program until it says that it is ready, and end it at last."""
    process = begun(text)
    try:
        assert process.stdout is not None
        assert "ready" == process.stdout.readline().strip()
        yield process
    finally:
        process.kill()
        process.communicate()


def events(there: Listener) -> list[Any]:
    """Return every event that arrived, in order."""
    bodies = [json.loads(received.body) for received in there.received]
    pings = [ping for body in bodies for ping in (body if isinstance(body, list) else body.get("batch", [body]))]
    return [ping for ping in pings if ping.get("kind") != "heartbeat"]


def numbers(there: Listener) -> list[int]:
    """Return the numbers of the events that arrived."""
    return [event["properties"]["n"] for event in events(there)]


def kept(place: Path) -> list[Path]:
    """Return the files of the outbox."""
    return sorted((place / "outbox").rglob("*.json"))


def readdress(place: Path, url: str) -> None:
    """Let what is kept be for that address: receivers of tests have a port of their own each."""
    for path in kept(place):
        path.write_text(re.sub(r'"to":"http://[^/]+/', f'"to":"{url}/', path.read_text()))


def send_the_rest(place: Path, **given: Any) -> Listener:
    """Start once more with a receiver that answers, and return it when the program has ended."""
    with listener() as there:
        readdress(place, there.url)
        run(code(there.url, place, "telemetry.send_now(10)\n" + stop(), **given))
    return there


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_next_start_sends_the_rest(tmp_path: Path, name: str) -> None:
    """What no receiver took within the budget stands on disk, for its owner only, and leaves once at the next start."""
    names = HANGING_NAMES if name == "hanging name" else ""
    timed = "began = time.monotonic()\ntelemetry.stop(0)\nprint(json.dumps(time.monotonic() - began))"
    with ENDPOINTS[name]() as url:
        work = f"telemetry.send_now()\ntime.sleep(0.3)\n{tell(0, 250)}{timed}"
        # Its time is a figure of the bench: here it must only not wait for the endpoint.
        assert run(names + code(url, tmp_path, work)) < 2
    files = kept(tmp_path)
    assert [0o600] * len(files) == [path.stat().st_mode & 0o777 for path in files]
    there = send_the_rest(tmp_path, version="2.0.0")
    assert list(range(250)) == sorted(numbers(there))
    assert {"1.2.3"} == {event["dimensions"]["version"] for event in events(there)}
    assert 250 == len({event["id"] for event in events(there)})
    assert [] == [path for path in (tmp_path / "outbox").rglob("*") if path.is_file()]
    assert [] == events(send_the_rest(tmp_path))


def test_after_a_kill(tmp_path: Path) -> None:
    """What a flush could not send survives even that; the same ids are sent again."""
    with listener(BUSY) as there:
        work = f"{tell(0, 5)}{READY}time.sleep(60)"
        with running(code(there.url, tmp_path, work, flush=0.05)) as process:
            until(lambda: kept(tmp_path), "The file")
            process.send_signal(signal.SIGKILL)
            process.wait()
        before = {event["id"] for event in events(there)}
    again = events(send_the_rest(tmp_path))
    assert (5, before) == (len(again), {event["id"] for event in again})


def test_it_survives_while_the_receiver_rests(tmp_path: Path) -> None:
    """Between two tries what is told goes to disk at each flush, into files that fill up."""
    with listener(BUSY) as there:
        more = "for n in range(1, 40): telemetry.event('told', {'n': n}); time.sleep(0.02)\n"
        work = f"{tell(0, 1)}time.sleep(0.3)\n{more}time.sleep(0.3)\n{READY}time.sleep(60)"
        with running(code(there.url, tmp_path, work, flush=0.05)) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert 1 == len(there.received)
    assert 1 == len(kept(tmp_path))
    assert list(range(40)) == sorted(numbers(send_the_rest(tmp_path)))


def test_several_processes(tmp_path: Path) -> None:
    """Each keeps files of its own; however they end, one that comes later sends each event once."""
    with refused() as url, ExitStack() as stack:
        processes = []
        for number in range(4):
            work = f"{tell(number * 10, number * 10 + 10)}time.sleep(0.5)\n{READY}time.sleep(60)"
            processes.append(stack.enter_context(running(code(url, tmp_path, work, flush=0.05))))
        until(lambda: len(kept(tmp_path)) == 4, "The files of all")
        for process, number in zip(
            processes, (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGKILL), strict=True
        ):
            process.send_signal(number)
            process.wait(20)
    assert list(range(40)) == sorted(numbers(send_the_rest(tmp_path)))


def test_who_lives_keeps_its_own(tmp_path: Path) -> None:
    """Another process does not take what the first still has."""
    with refused() as url:
        work = f"{tell(0, 5)}time.sleep(0.5)\n{READY}time.sleep(60)"
        with running(code(url, tmp_path, work, flush=0.05)):
            until(lambda: kept(tmp_path), "The file")
            assert [] == events(send_the_rest(tmp_path))
    assert list(range(5)) == sorted(numbers(send_the_rest(tmp_path)))


@pytest.mark.parametrize("again", [False, True])
def test_a_no_empties_it_everywhere(tmp_path: Path, *, again: bool) -> None:
    """Queue and files of all processes: nothing of before is sent, though there is a yes right after."""
    with listener(BUSY) as there:
        work = f"{tell(0, 5)}time.sleep(0.5)\n{tell(5, 8)}{READY}time.sleep(60)"
        given = {"flush": 0.05, "enabled": None}
        run(code(there.url, tmp_path, "telemetry.save({'enabled': True}, who='ada')", **given))
        with running(code(there.url, tmp_path, work.replace("time.sleep(60)", "sys.stdin.readline()"), **given)):
            until(lambda: kept(tmp_path), "The file")
            yes = "telemetry.save({'enabled': True}, who='ada')\n" if again else ""
            run(code(there.url, tmp_path, f"telemetry.save({{'enabled': False}}, who='ada')\n{yes}", **given))
            assert [] == kept(tmp_path)
            before = len(there.received)
            time.sleep(1)
            assert (before, []) == (len(there.received), kept(tmp_path))
    if not again:
        run(code("http://127.0.0.1:9", tmp_path, "telemetry.save({'enabled': True}, who='ada')", enabled=None))
    assert [] == events(send_the_rest(tmp_path, enabled=None))


def test_off_by_the_environment(tmp_path: Path) -> None:
    """A start that finds it off empties what was left, without a thread."""
    with refused() as url:
        made = code(url, tmp_path, tell(0, 5) + stop(), enabled=None)
        run(made, telemetry_enabled="true")
        assert 5 == "".join(path.read_text() for path in kept(tmp_path)).count('"kind":"told"')
        threads = "print(json.dumps([telemetry.status().layer, threading.active_count()]))"
        assert ["environment", 1] == run(code(url, tmp_path, threads, enabled=None), telemetry_enabled="false")
    assert [] == kept(tmp_path)


@pytest.mark.parametrize("kind", ["file", "full"])
def test_a_disk_that_takes_nothing(tmp_path: Path, kind: str) -> None:
    """Nothing is raised; what is lost is counted, and status says why."""
    limit = ""
    if kind == "file":
        (tmp_path / "outbox").write_text("")
    else:
        # Every write beyond so many bytes fails as on a full disk.
        limit = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    with refused() as url:
        filler = "telemetry.send_now(5)\n"
        work = f"{filler}{limit}for n in range(90): telemetry.event('told', {{'text': 'x' * 1000}})\n"
        status = "telemetry.stop(0)\nprint(json.dumps([telemetry.status().waiting, telemetry.status().lost, "
        waiting, lost, problems = run(code(url, tmp_path, f"{work}{status}telemetry.status().problems]))"))
    assert (0, [["unkept", 90]]) == (waiting, lost)
    assert any(problem.startswith("What could not be sent cannot be kept on disk: ") for problem in problems)


def test_a_damaged_file(tmp_path: Path) -> None:
    """It is removed and counted, and the others are sent."""
    with refused() as url:
        run(code(url, tmp_path, tell(0, 250) + stop()))
    first, *_others = kept(tmp_path)
    first.write_text(first.read_text()[:-2])
    there = send_the_rest(tmp_path)
    assert 150 == len(numbers(there))
    assert b'"damaged":1' in b"".join(received.body for received in there.received)
    assert [] == kept(tmp_path)


def test_another_address(tmp_path: Path) -> None:
    """What was meant for one receiver is not sent to another."""
    with refused() as url:
        run(code(url, tmp_path, tell(0, 3) + stop()))
    assert [3] == [path.read_text().count('"kind":"told"') for path in kept(tmp_path)]
    with listener() as there:
        run(code(there.url, tmp_path, "telemetry.send_now(10)\n" + stop()))
        assert [] == events(there)


# How programs end.


class Patient:
    """Our own policy for a machine that has much to do."""

    def __repr__(self) -> str:
        return "__import__('homing.sdk.policy').sdk.policy.HOMING._replace(flush_seconds=10)"


@pytest.mark.parametrize("end", ["pass", "sys.exit(0)", "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)"])
def test_without_a_stop(tmp_path: Path, end: str) -> None:
    """A program need not stop telemetry: what was told last leaves when it ends."""
    with listener() as there:
        process = begun(code(there.url, tmp_path, tell(0, 7) + end, policy=Patient()))
        process.communicate(timeout=60)
        assert list(range(7)) == numbers(there)
    assert (-signal.SIGTERM if "kill" in end else 0) == process.returncode


@pytest.mark.parametrize("before", [True, False])
def test_switched_on_in_a_thread(tmp_path: Path, *, before: bool) -> None:
    """Who switches it on later has no signals to take, but what was told leaves at SIGTERM; a no changes nothing."""
    saving = "telemetry.save({'enabled': True}, who='ada')"
    work = f"""
if {before}:
    telemetry.save({{"enabled": True}}, who="ada")
    telemetry.save({{"enabled": False}}, who="ada")
thread = threading.Thread(target=lambda: {saving})
thread.start()
thread.join()
{tell(0, 7)}{READY}time.sleep(60)
"""
    with listener() as there, running(code(there.url, tmp_path, work, policy=Patient(), enabled=None)) as process:
        process.send_signal(signal.SIGTERM)
        assert -signal.SIGTERM == process.wait(20)
        assert list(range(7)) == numbers(there)


def test_off_takes_no_signal_away(tmp_path: Path) -> None:
    """A program without telemetry ends by its signal as before."""
    with running(code("http://127.0.0.1:9", tmp_path, f"{READY}time.sleep(60)", enabled=False)) as process:
        process.send_signal(signal.SIGTERM)
        assert -signal.SIGTERM == process.wait(20)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["black hole", "hanging name"])
def test_an_exit_that_is_not_delayed(tmp_path: Path, name: str) -> None:
    """What cannot be sent within the budget is kept, and the program ends."""
    names = HANGING_NAMES if name == "hanging name" else ""
    with ENDPOINTS[name]() as url:
        ended = run(names + code(url, tmp_path, f"{tell(0, 7)}print(json.dumps(time.time()))"))
        assert time.time() - ended < 1
    text = "".join(path.read_text() for path in kept(tmp_path))
    assert 7 == text.count('"kind":"told"')


def test_a_forked_child(tmp_path: Path) -> None:
    """What waits is the parent's: a child that ends sends none of it and takes nothing away, and tells its own."""
    with listener() as there:
        work = f"""
{tell(0, 5)}
child = os.fork()
if not child:
    telemetry.start()
{"    " + tell(100, 103)}
    telemetry.stop(20)
    os._exit(0)
os.waitpid(child, 0)
{stop(20)}
"""
        assert [0, []] == run(code(there.url, tmp_path, work))
        assert [*range(5), 100, 101, 102] == sorted(numbers(there))


def test_a_child_of_one_that_keeps(tmp_path: Path) -> None:
    """The parent's files stay its own, whatever its children do."""
    with refused() as url:
        work = f"""
{tell(0, 5)}
telemetry.send_now(5)
time.sleep(0.3)
child = os.fork()
if not child:
    telemetry.start()
    telemetry.stop(0)
    os._exit(0)
os.waitpid(child, 0)
{stop()}
"""
        assert [0, []] == run(code(url, tmp_path, work, flush=0.05))
    assert list(range(5)) == sorted(numbers(send_the_rest(tmp_path)))


def test_a_handler_that_tells(tmp_path: Path) -> None:
    """A signal may come while an event is told, and its handler may tell one too."""
    work = """
told = []

def handle(number, frame):
    told.append(number)
    telemetry.event("told", {"n": 1_000_000 + len(told)})

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for n in range(900):
    telemetry.event("told", {"n": n})
    time.sleep(0.0005)
signal.setitimer(signal.ITIMER_REAL, 0)
telemetry.stop(10)
print(json.dumps([len(told), dict(telemetry.status().lost)]))
"""
    with listener() as there:
        told, lost = run(code(there.url, tmp_path, work))
        found = numbers(there)
    assert told > 10
    # Where the thread that sends does not get to run, more wait than are kept.
    assert lost.keys() <= {"full"}
    assert (900 + told, len(found)) == (len(found) + lost.get("full", 0), len(set(found)))


# SlackONOS.


def named(there: Listener) -> list[str]:
    """Return the events in order."""
    return [event["event"] for event in events(there)]


@pytest.mark.parametrize("name", ["refused", "hanging name"])
def test_the_system_s_events(tmp_path: Path, name: str) -> None:
    """Startup and shutdown of a run without a network are sent by the next one, once each."""  # 004-10
    names = HANGING_NAMES if name == "hanging name" else ""
    with ENDPOINTS[name]() as url:
        work = f"time.sleep(0.3)\n{stop(0.2)}"
        waiting, lost = run(names + code(url, tmp_path, work, policy="slackonos"))
    assert (0, []) == (waiting, lost)
    with listener() as there:
        readdress(tmp_path, there.url)
        run(code(there.url, tmp_path, f"time.sleep(0.5)\n{stop(20)}", policy="slackonos"))
        found = events(there)
    assert ["shutdown", "shutdown", "startup", "startup"] == sorted(event["event"] for event in found)
    assert 4 == len({event["uuid"] for event in found})


def test_stopped_at_once(tmp_path: Path) -> None:
    """Not even what had no time to be tried is lost."""  # 004-10
    with listener() as there:
        run(code(there.url, tmp_path, stop(0), policy="slackonos"))
        first = len(there.received)
        run(code(there.url, tmp_path, f"time.sleep(0.5)\n{stop(20)}", policy="slackonos"))
        assert first <= 1
        assert {"startup": 2, "shutdown": 2} == {name: named(there).count(name) for name in set(named(there))}


def test_tracking(tmp_path: Path) -> None:
    """The document's functions, in its order: each event leaves once, and `shutdown()` waits for what is pending."""
    # 004-14
    work = """
import asyncio

async def main():
    telemetry.track_startup("2.0.0", "v2.0.0")
    telemetry.track_startup("2.0.0", "v2.0.0")
    telemetry.track_heartbeat("2.0.0", "v2.0.0")
    telemetry.track_shutdown("2.0.1", "v2.0.1")
    ticks = []

    async def tick():
        while True:
            ticks.append(await asyncio.sleep(0.01))

    ticking = asyncio.create_task(tick())
    await telemetry.shutdown()
    ticking.cancel()
    print(json.dumps([len(ticks), telemetry.status().waiting, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL]))

asyncio.run(main())
"""

    class Slow(Listener):
        def answer(self) -> bytes:
            time.sleep(0.1)
            return super().answer()

    with listener(kind=Slow) as there:
        made = code(there.url, tmp_path, work, policy="slackonos").replace("telemetry.start()\n", "", 1)
        ticks, waiting, is_given_back = run(made)
        found = {event["event"]: event["properties"] for event in events(there)}
        assert ["heartbeat", "shutdown", "startup"] == sorted(named(there))
    assert (0, True) == (waiting, is_given_back)
    assert ticks > 5
    assert ("2.0.1", "v2.0.1") == (found["shutdown"]["app_version"], found["shutdown"]["release"])


def test_no_tracking_elsewhere(tmp_path: Path) -> None:
    """Other policies have no such events: that is counted and said."""
    work = f"telemetry.track_startup()\ntelemetry.track_shutdown()\n{stop()}"
    with listener() as there:
        assert [0, [["name", 2]]] == run(code(there.url, tmp_path, work))
        assert [] == events(there)
