"""The last ping of a program, however it ends: processes of their own."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import environment
from tests.functional.sdk.listener import Listener, listener

PATIENCE = 20.0
LATENCY = 0.3

PROGRAM = """
import os, signal, sys, time
from homing import Telemetry
{before}
telemetry = Telemetry(
    app="acme", version="1.2.3", policy={policy!r}, endpoint={endpoint!r}, key={key!r}, enabled=True,
    directory={directory!r}, file=os.path.join({directory!r}, "config.json"),
)
telemetry.start()
print("ready", flush=True)
{after}
"""

WAITING = "time.sleep(60)"
OWN_HANDLER = """
def own(number, frame):
    print("handled", number, flush=True)
    sys.exit(3)

signal.signal(signal.SIGINT, own)
signal.signal(signal.SIGTERM, own)
"""


class Slow(Listener):
    """A receiver that takes its time before it answers."""

    def answer(self) -> bytes:
        """Wait, then answer."""
        time.sleep(LATENCY)
        return super().answer()


def begin(there: Listener, place: Path, *, policy: str = "sirveo", before: str = "", after: str = WAITING) -> Any:
    """Start a program and wait until its first ping has arrived."""
    key = "phc_x" if policy == "slackonos" else ""
    code = PROGRAM.format(before=before, after=after, policy=policy, key=key, endpoint=there.url, directory=str(place))
    variables = {**environment(), **dict.fromkeys((REFUSAL, *CI_VARIABLES), "")}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE
    while not there.received and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def kinds(there: Listener) -> list[str]:
    """Return why each ping was sent."""
    bodies = [json.loads(received.body) for received in there.received]
    return [body["reason"] if "reason" in body else body["batch"][0]["event"] for body in bodies]


@pytest.mark.parametrize("policy", ["sirveo", "slackonos"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(tmp_path: Path, policy: str, number: signal.Signals) -> None:
    """The last ping arrives though the receiver takes its time, and the program ends by the signal."""
    # 001-07 004-05 004-14
    with listener(kind=Slow) as there:
        process = begin(there, tmp_path, policy=policy)
        time.sleep(LATENCY)
        process.send_signal(number)
        _, error = process.communicate(timeout=PATIENCE)
        assert {"sirveo": ["begin", "end"], "slackonos": ["startup", "shutdown"]}[policy] == kinds(there)
    # Python makes an exception of the one; the other ends a program at once.
    assert -number == process.returncode
    assert ("KeyboardInterrupt" in error) == (number == signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_earlier_handlers(tmp_path: Path, number: signal.Signals) -> None:
    """The program's own handler still decides how it ends, and the last ping arrives."""  # 001-07
    with listener(kind=Slow) as there:
        process = begin(there, tmp_path, before=OWN_HANDLER)
        process.send_signal(number)
        said, _ = process.communicate(timeout=PATIENCE)
        assert ["begin", "end"] == kinds(there)
    assert (3, ["ready", f"handled {int(number)}"]) == (process.returncode, said.splitlines())


def test_an_event_loop(tmp_path: Path) -> None:
    """A loop that handles the signal itself ends as it wants to, and the last ping arrives."""  # 001-07
    after = """
import asyncio

async def main():
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    await ending.wait()
    print("left", flush=True)

asyncio.run(main())
"""
    with listener(kind=Slow) as there:
        process = begin(there, tmp_path, after=after)
        time.sleep(LATENCY)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
        assert ["begin", "end"] == kinds(there)
    assert (0, "left") == (process.returncode, said.splitlines()[-1])


def test_ignored_signals(tmp_path: Path) -> None:
    """A signal that the program ignores ends nothing."""
    ignore = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    with listener() as there:
        process = begin(there, tmp_path, before=ignore)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert ["begin", "end"] == kinds(there)
    assert -signal.SIGTERM == process.returncode


@pytest.mark.parametrize("after", ["pass", "sys.exit(0)", "telemetry.stop()"])
def test_normal_exits(tmp_path: Path, after: str) -> None:
    """The end of the program is noticed, once, and no later than the answer is in."""  # 001-07
    with listener(kind=Slow) as there:
        process = begin(there, tmp_path, after=f"time.sleep({LATENCY * 2})\n{after}")
        began = time.monotonic()
        process.communicate(timeout=PATIENCE)
        assert time.monotonic() - began < 4
        assert ["begin", "end"] == kinds(there)
    assert 0 == process.returncode


def test_a_budget(tmp_path: Path) -> None:
    """A timeout of one's own overrides the policy's, and what did not arrive within it is let go."""
    timed = "began = time.monotonic(); telemetry.stop(timeout=0.1); print(time.monotonic() - began)"
    with listener(kind=Slow) as there:
        process = begin(there, tmp_path, after=f"time.sleep({LATENCY * 2})\n{timed}")
        said, _ = process.communicate(timeout=PATIENCE)
    assert float(said.splitlines()[-1]) < 0.1 + LATENCY


def test_handlers_are_given_back(tmp_path: Path) -> None:
    """After stop the signals are as they were."""
    after = """
telemetry.stop()
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    with listener() as there:
        said, _ = begin(there, tmp_path, after=after).communicate(timeout=PATIENCE)
    assert "True True" == said.splitlines()[-1]


def test_a_forked_child(tmp_path: Path) -> None:
    """A child that ends says nothing: only the program's own end is one."""
    began = "while not telemetry.status().last_success:\n    time.sleep(0.01)"
    after = f"{began}\nchild = os.fork()\nif not child:\n    sys.exit(0)\nos.waitpid(child, 0)"
    with listener() as there:
        process = begin(there, tmp_path, before="import warnings; warnings.simplefilter('ignore')", after=after)
        process.communicate(timeout=PATIENCE)
        assert ["begin", "end"] == kinds(there)
