"""Several processes with one directory are one instance."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from homing import SqliteStore, Telemetry
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import environment, until
from tests.functional.sdk.listener import Listener, listener

PROGRAM = """
import sys, time
from homing import Telemetry
from homing.sdk import worker
worker.LOOK_SECONDS = 0.05
telemetry = Telemetry(
    app="acme", version="1.2.3", policy={policy!r}, endpoint={endpoint!r}, key={key!r}, enabled={enabled},
    directory={directory!r}, first_seconds=0,
)
telemetry.start()
print("ready", flush=True)
{work}
"""

WAITING = "time.sleep(60)"
ASKING = "while True: telemetry.send_now(5)"


@contextmanager
def program(
    there: Listener, place: Path, *, policy: str = "homing", enabled: bool | None = True, work: str = WAITING
) -> Iterator[subprocess.Popen[str]]:
    """Run a program."""
    key = "k" if policy == "homing" else ""
    code = PROGRAM.format(endpoint=there.url, directory=str(place), policy=policy, key=key, enabled=enabled, work=work)
    variables = {**environment(), **dict.fromkeys((REFUSAL, *CI_VARIABLES), "")}
    process = subprocess.Popen([sys.executable, "-c", code], env=variables, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "ready" == process.stdout.readline().strip()
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("policy", "first"), [("homing", ["heartbeat"]), ("sirveo", ["begin", "update"])])
def test_one_of_them_sends(tmp_path: Path, policy: str, first: list[str]) -> None:
    """However many there are, pings leave once, under one id."""
    with listener() as there, ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(program(there, tmp_path, policy=policy))
        until(lambda: len(there.received) == len(first), "The first pings")
        time.sleep(1)
        bodies = [json.loads(received.body) for received in there.received]
    assert first == [body.get("kind") or body["reason"] for body in bodies]
    assert 1 == len({body["instance_id"] for body in bodies})


def test_another_takes_over(tmp_path: Path) -> None:
    """When the one that sends is killed, another begins within a look; success is remembered in between."""
    with listener() as there, program(there, tmp_path, policy="sirveo") as first:
        until(lambda: len(there.received) == 2, "The pings of the first")
        with program(there, tmp_path, policy="sirveo"):
            first.send_signal(signal.SIGKILL)
            until(lambda: len(there.received) == 4, "The pings of the second")
    with listener() as there, program(there, tmp_path / "own") as first:
        until(lambda: len(there.received) == 1, "The ping of the first")
        with program(there, tmp_path / "own"):
            # The answer is written down before the process dies.
            until(lambda: SqliteStore(tmp_path / "own" / "telemetry.db").load().get("sent.default"), "Memory")
            first.send_signal(signal.SIGKILL)
            time.sleep(1)
        assert 1 == len(there.received)


class Slow(Listener):
    """A receiver that takes its time before it answers."""

    def answer(self) -> bytes:
        """Wait, then answer."""
        time.sleep(0.1)
        return super().answer()


def test_a_no_holds_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When one process has saved that telemetry is off, no request begins in any other."""  # 000-21
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"app": "acme", "version": "1.2.3", "policy": "seqdesk", "directory": tmp_path}
    with listener(kind=Slow) as there, ExitStack() as stack:
        here = Telemetry(**given, endpoint=there.url)
        here.save({"enabled": True}, who="ada")
        for _ in range(3):
            stack.enter_context(program(there, tmp_path, policy="seqdesk", enabled=None, work=ASKING))
        until(lambda: len(there.received) > 5, "Many pings")
        here.save({"enabled": False}, who="ada")
        before = len(there.received)
        time.sleep(1)
        assert before == len(there.received)


def test_gone(tmp_path: Path) -> None:
    """What one process was told by the receiver, another goes by that lives beside it."""
    gone = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    asking = "telemetry.send_now(5)\nprint(telemetry.status().first.is_gone, flush=True)\ntime.sleep(60)"
    with listener(gone) as there, program(there, tmp_path):
        until(lambda: there.received, "The first ping")
        until(lambda: "gone.default" in SqliteStore(tmp_path / "telemetry.db").load(), "What was learnt")
        with program(there, tmp_path, work=asking) as other:
            assert other.stdout is not None
            assert "True" == other.stdout.readline().strip()
        assert 1 == len(there.received)
