"""What telemetry does to the program it sits in: processes of their own."""

import fcntl
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final

import pytest

from bench.endpoints import ENDPOINTS, HANGING_NAMES
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import as_user_without_override, environment
from tests.functional.sdk.listener import listener

MAKE = """
import json, os, sys, threading, time
from homing import Telemetry
telemetry = Telemetry(
    app="acme", version="1.2.3", endpoint={endpoint!r}, key="k", enabled={enabled}, directory={directory!r},
    first_seconds={first},
)
"""

UNDER_WAY = """
telemetry.start()
while telemetry.status().last_attempt is None:
    time.sleep(0.01)
time.sleep(0.1)
"""

WATCHED = """
import threading
seen = []
begin = threading.Thread.start

def counted(thread):
    # Python 3.11 has no audit event for threads.
    seen.append("thread")
    begin(thread)

threading.Thread.start = counted

def watch(event, arguments):
    if event.partition(".")[0] in ("socket", "open", "os"):
        seen.append(event)

def use():
    telemetry.start()
    telemetry.preview()
    telemetry.send_now(2)
    telemetry.status()
    telemetry.stop()

use()
seen.clear()
sys.addaudithook(watch)
use()
print(json.dumps(seen))
"""


HARMLESS = dict.fromkeys((REFUSAL, *CI_VARIABLES), "")


def make(endpoint: str, directory: Path, *, enabled: bool | None = True, first: float = 0) -> str:
    """Return the code of an application."""
    return MAKE.format(endpoint=endpoint, enabled=enabled, directory=str(directory), first=first)


def run(code: str, *before: str, **settings: str) -> Any:
    """Run code in a process of its own, and return what it prints, from JSON."""
    variables = {**environment(**settings), **HARMLESS}
    # Later versions of Python warn when a process with threads forks.
    command = [*before, sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", code]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)
    return json.loads(done.stdout) if done.stdout else None


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("budget", [0, 0.3])
def test_stopping(tmp_path: Path, name: str, budget: float) -> None:
    """Stop comes back within its budget and 100 ms, and leaves a thread behind only where a name hangs."""
    names = HANGING_NAMES if name == "hanging name" else ""
    with ENDPOINTS[name]() as url:
        code = f"""{names}{make(url, tmp_path)}{UNDER_WAY}
began = time.monotonic()
telemetry.stop(timeout={budget})
taken = time.monotonic() - began
time.sleep(0.05)
print(json.dumps([taken, threading.active_count(), telemetry.status().last_error]))
"""
        taken, threads, error = run(code)
    assert taken <= budget + 0.1
    assert (2 if names else 1) == threads
    assert (
        "The connection was refused." if name == "refused" else "It was stopped before there was an answer."
    ) == error


HANG: Final = """
import threading, time
hanging, asked = threading.Event(), threading.Event()

def hang():
    if hanging.is_set():
        asked.set()
        time.sleep(60)

class Database:
    def load(self):
        hang()
        return {}

    def save(self, name, value):
        pass

from homing.sdk.policy import HOMING, IdKept
IN_DATABASE = HOMING._replace(id_kept=IdKept.DATABASE, layers=("environment", "default"))
"""
"""Code of a host that may hang."""


@pytest.mark.parametrize(
    ("given", "lost", "kept"),
    [("licence=hang", [], 1), ("policy=IN_DATABASE, database=Database()", [["unkept", 1]], 0)],
)
def test_stopping_while_the_host_hangs(tmp_path: Path, given: str, lost: list[Any], kept: int) -> None:
    """Stop does not ask the host once more for what its thread waits for; what was told is kept, or counted."""
    made = make("http://127.0.0.1:9", tmp_path).replace("first_seconds", f"{given}, first_seconds")
    code = f"""{HANG}{made}
telemetry.event("told")
hanging.set()
telemetry.start()
asked.wait(10)
began = time.monotonic()
telemetry.stop(0)
taken = time.monotonic() - began
hanging.clear()
print(json.dumps([taken, telemetry.status().lost]), flush=True)
os._exit(0)
"""
    taken, found = run(code)
    assert (True, lost) == (taken < 0.5, found)
    assert kept == len(list((tmp_path / "outbox").rglob("*.000001.json")))


def test_stopping_while_another_process_says_no(tmp_path: Path) -> None:
    """Its lock is not waited for longer than that, and nothing new is written to disk meanwhile."""
    (tmp_path / "sending.lock").touch()
    with (tmp_path / "sending.lock").open("rb+") as lock:
        code = f"""{make("http://127.0.0.1:9", tmp_path, first=3600)}
telemetry.start()
telemetry.event("told")
time.sleep(0.3)
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
telemetry.stop(0)
print(json.dumps([time.monotonic() - began, telemetry.status().lost]), flush=True)
os._exit(0)
"""
        command, variables = [sys.executable, "-W", "error", "-c", code], {**environment(), **HARMLESS}
        with subprocess.Popen(command, env=variables, stdin=PIPE, stdout=PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            fcntl.flock(lock, fcntl.LOCK_EX)
            taken, lost = json.loads(process.communicate("\n", timeout=60)[0])
    assert (True, [["unkept", 1]]) == (taken < 0.5, lost)
    assert [] == list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_exit_is_not_delayed(tmp_path: Path, name: str) -> None:
    """A program that ends without stopping telemetry ends as soon as one without it."""
    names = HANGING_NAMES if name == "hanging name" else ""
    with ENDPOINTS[name]() as url:
        code = f"{names}{make(url, tmp_path)}{UNDER_WAY}print(json.dumps(time.time()))"
        ended = run(code)
        assert time.time() - ended < 1


def test_off_touches_nothing(tmp_path: Path) -> None:
    """While telemetry is off there is no thread, no socket and no file: an audit hook sees none."""  # 000-01
    place = tmp_path / "identity"
    assert [] == run(make("http://127.0.0.1:9", place, enabled=None) + WATCHED)
    assert [] == run(make("http://127.0.0.1:9", place, enabled=True) + WATCHED, telemetry_enabled="off")
    assert not place.exists()


@pytest.mark.parametrize("closed", ["outbox", "outbox/default", "."])
def test_a_place_that_may_not_be_looked_into(tmp_path: Path, closed: str) -> None:
    """Nothing raises, neither at the start nor when somebody says no, and status says what is still there."""
    place = tmp_path / "place"
    (place / "outbox" / "default").mkdir(parents=True)
    (place / "outbox" / "default" / "x.000001.json").write_text("{}")
    (place / closed).chmod(0)
    own = f"database=SqliteStore({str(tmp_path / 'own.db')!r}), "
    made = make("http://127.0.0.1:9", place, enabled=None).replace("first_seconds", f"{own}first_seconds")
    code = f"""from homing import SqliteStore
{made}
telemetry.start()
before = telemetry.status().problems
telemetry.save({{"enabled": True}}, who="ada")
status = telemetry.save({{"enabled": False}}, who="ada")
telemetry.stop()
print(json.dumps([before, status.enabled, status.problems]))
"""
    try:
        before, is_on, problems = run(code, *as_user_without_override())
    finally:
        (place / closed).chmod(0o700)
    said = "What was kept on disk cannot be removed: Permission denied."
    assert ([said], False, [said]) == (before, is_on, problems)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_settings_file_that_may_not_be_read(tmp_path: Path, kind: str) -> None:
    """It may say no, so it means off; nothing raises."""
    file = tmp_path / "folder" / "settings.json"
    file.parent.mkdir()
    file.write_text('{"telemetry": {"enabled": false}}')
    closed = file if kind == "file" else file.parent
    closed.chmod(0)
    made = make("http://127.0.0.1:9", tmp_path / "place").replace("first_seconds", f"file={str(file)!r}, first_seconds")
    try:
        found = run(f"{made}telemetry.start()\nprint(json.dumps(telemetry.status()[:2]))", *as_user_without_override())
    finally:
        closed.chmod(0o700)
    assert [False, "file"] == found


def test_the_audit_would_see(tmp_path: Path) -> None:
    """The same hook sees thread and socket while telemetry is on, and the file at the first time."""
    seen = run(make("http://127.0.0.1:9", tmp_path) + WATCHED)
    assert {"thread", "socket.connect"} <= set(seen)
    on = make("http://127.0.0.1:9", tmp_path / "new")
    first, last = WATCHED.split("use()\nseen.clear()\nsys.addaudithook(watch)\n")
    assert "open" in run(f"{on}{first}sys.addaudithook(watch)\n{last}")


def test_forked_children_rest(tmp_path: Path) -> None:
    """A child is the same instance and sends nothing until it is started; then it works, whatever the parent held."""
    with listener() as there:
        code = f"""{make(there.url, tmp_path, first=3600)}
telemetry.send_now(10)
# The worst moment: another thread of the parent holds the lock.
held, free = threading.Event(), threading.Event()

def hold():
    with telemetry._engine._lock:
        held.set()
        free.wait()

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    before = telemetry.status()
    telemetry.stop()
    after = telemetry.send_now(10)
    right = before.next_due is None and before.instance == after.instance and after.last_status == 200
    os._exit(0 if right else 1)
free.set()
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
still = telemetry.send_now(10).last_status
telemetry.stop()
print(json.dumps([code, still]))
"""
        assert [0, 200] == run(code)
        bodies = [json.loads(received.body) for received in there.received]
    assert (3, 3, 1) == (
        len(bodies),
        len({each["id"] for each in bodies}),
        len({each["instance_id"] for each in bodies}),
    )


def test_a_child_forked_while_sending(tmp_path: Path) -> None:
    """What the parent has under way is no attempt of the child's, and the child's stop does not end it."""
    with ENDPOINTS["slow drip"]() as url:
        code = f"""{make(url, tmp_path)}{UNDER_WAY}
child = os.fork()
if child == 0:
    telemetry.stop()
    os._exit(0 if telemetry.status().last_error is None else 1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps([code, telemetry.status().last_error]))
"""
        assert [0, None] == run(code)


def test_several_processes_are_one_instance(tmp_path: Path) -> None:
    """Programs that begin at the same time find the same identity."""
    code = make("http://127.0.0.1:9", tmp_path / "new") + "print(telemetry.send_now(10).instance)"
    command = [sys.executable, "-c", code]
    variables = {**environment(), **HARMLESS}
    together = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    found = {process.communicate(timeout=60)[0].strip() for process in together}
    assert {(tmp_path / "new" / "instance-id").read_text().strip()} == found


def test_a_terminal(tmp_path: Path) -> None:
    """Where a person reads standard error there is a notice, once, and nothing is sent in that run."""
    with listener() as there:
        code = f"{make(there.url, tmp_path)}telemetry.send_now(2)\ntelemetry.stop()"
        first, second = (on_a_terminal(code) for _ in range(2))
        assert 1 == len(there.received)
    assert "acme will report to localhost that this installation is alive, from the next run on" in first
    assert "" == second


def on_a_terminal(code: str) -> str:
    """Run code with a terminal for its standard error, and return what stands there."""
    ours, theirs = pty.openpty()
    variables = {**environment(), **HARMLESS}
    subprocess.run([sys.executable, "-c", code], env=variables, stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            return terminal.read(4096).decode()
        except OSError:
            # Nothing was written before the last one closed it.
            return ""
