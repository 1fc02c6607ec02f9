"""The operator's commands as people run them: processes of their own, at a terminal and in a pipe."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import environment, until
from tests.functional.sdk.listener import Listener, listener
from tests.shape.source import ROOT

HARMLESS: Final = dict.fromkeys((REFUSAL, *CI_VARIABLES, "NO_COLOR"), "")
PATIENCE: Final = 30.0

APPLICATION: Final = """
import sys, time
from homing import Telemetry
from homing.sdk import worker
worker.LOOK_SECONDS = 0.05
telemetry = Telemetry(
    app="acme", version="1.2.3", endpoint={endpoint!r}, key="k", directory={directory!r}, first_seconds=0,
)
telemetry.start()
print("ready", flush=True)
while True:
    telemetry.send_now(5)
    time.sleep(0.02)
"""


def words(place: Path, endpoint: str, *command: str) -> list[str]:
    """Return a command line."""
    named = ("--app", "acme", "--version", "1.2.3", "--endpoint", endpoint, "--key", "k", "--directory", str(place))
    return [sys.executable, "-m", "homing", *command, *named]


def run(place: Path, endpoint: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a pipe."""
    variables = {**environment(), **HARMLESS}
    return subprocess.run(
        words(place, endpoint, *command),
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


class Seen(NamedTuple):
    """What stood on a terminal, and how the command ended."""

    code: int
    text: str


def at_terminal(place: Path, *command: str, typed: str | None = None, **variables: str) -> Seen:
    """Run a command at a terminal; when it asks, type something, or interrupt it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        words(place, "http://127.0.0.1:9", *command),
        env={**environment(), **HARMLESS, **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    # The terminal of a process that has ended cannot be read any more.
    with contextlib.suppress(OSError):
        while data := os.read(ours, 4096):
            if b"[y/N]" in data and typed is not None:
                os.write(ours, typed.encode())
            elif b"[y/N]" in data:
                process.send_signal(signal.SIGINT)
            seen += data
    os.close(ours)
    return Seen(process.wait(PATIENCE), seen.decode().replace("\r\n", "\n"))


def test_a_running_application_hears_a_no(tmp_path: Path) -> None:
    """What is switched off from outside holds at once in the program that runs, and others see what it last sent."""
    # 000-21
    with listener() as there:
        assert 0 == run(tmp_path, there.url, "enable", "-y").returncode
        code = APPLICATION.format(endpoint=there.url, directory=str(tmp_path))
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**environment(), **HARMLESS}, stdout=subprocess.PIPE, text=True
        )
        try:
            until(lambda: len(there.received) > 3, "Pings of the application")
            assert 0 == run(tmp_path, there.url, "disable").returncode
            before = len(there.received)
            time.sleep(0.5)
            assert before == len(there.received)
        finally:
            process.kill()
            process.communicate()
        last = there.received[-1].body.decode()
    assert last in run(tmp_path, there.url, "show-last").stdout
    assert json.loads(run(tmp_path, there.url, "status", "--json").stdout)["enabled"] is False


def test_a_ping_by_hand(tmp_path: Path) -> None:
    """`send` and `test` end with 0 when the receiver took the ping, and the application that runs is not disturbed."""
    with listener() as there:
        run(tmp_path, there.url, "enable", "-y")
        done = [run(tmp_path, there.url, word) for word in ("send", "test")]
        assert [(0, ""), (0, "")] == [(each.returncode, each.stderr) for each in done]
        ids = {json.loads(received.body)["id"] for received in there.received}
    assert 2 == len(ids)
    again = run(tmp_path, there.url, "send")
    told = "python -m homing send: default: The connection was refused.\n"
    assert (1, told) == (again.returncode, again.stderr)


class Slow(Listener):
    """A receiver that takes more time before it answers than a command needs, and notes when it does."""

    answered = False

    def answer(self) -> bytes:
        """Wait, then answer."""
        time.sleep(2)
        self.answered = True
        return super().answer()


def test_no_ping_outlasts_a_no(tmp_path: Path) -> None:
    """A ping that is on its way when somebody says no is over when that has been said."""
    with listener(kind=Slow) as there:
        assert isinstance(there, Slow)
        run(tmp_path, there.url, "enable", "-y")
        variables = {**environment(), **HARMLESS}
        sending = subprocess.Popen(words(tmp_path, there.url, "send"), env=variables, stdout=subprocess.DEVNULL)
        until(lambda: bool(there.received), "The ping")
        assert (False, None) == (there.answered, sending.poll())
        assert 0 == run(tmp_path, there.url, "disable").returncode
        assert there.answered
        assert 0 == sending.wait(PATIENCE)


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ("y\n", 0, "Telemetry of acme is on: somebody saved it."),
        ("n\n", 1, "enable: Nothing was changed."),
        ("\n", 1, "enable: Nothing was changed."),
        (None, 1, "enable: It was interrupted."),
    ],
)
def test_at_a_terminal(tmp_path: Path, typed: str | None, code: int, told: str) -> None:
    """It lists the fields, asks, and takes nothing but yes for a yes."""
    seen = at_terminal(tmp_path, "enable", typed=typed)
    assert (code, "Traceback" in seen.text) == (seen.code, False)
    assert seen.text.index("instance_id") < seen.text.index("Switch telemetry on? [y/N]") < seen.text.index(told)
    assert (code == 0) is (tmp_path / "telemetry.db").exists()


def test_how_it_looks(tmp_path: Path) -> None:
    """At a terminal columns are aligned and heads have weight, unless somebody wants none; a pipe has neither."""
    seen = at_terminal(tmp_path, "status").text
    assert "\x1b[1msetting " in seen
    column = {line.index("default") for line in seen.splitlines() if line.split()[:1] in (["endpoint"], ["key"])}
    assert 1 == len(column)
    assert "\x1b" not in at_terminal(tmp_path, "status", NO_COLOR="1").text
    plain = run(tmp_path, "http://127.0.0.1:9", "status").stdout
    assert ("\x1b" in plain, "setting\tvalue\tfrom\tby\n" in plain) == (False, True)


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    """A pipe that is closed is no error to speak of."""
    variables = {**environment(), **HARMLESS}
    process = subprocess.Popen(
        words(tmp_path, "http://127.0.0.1:9", "status"), env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert b"" == process.stderr.read()
    process.stderr.close()
    assert 1 == process.wait(PATIENCE)


def test_the_base_install_will_do(tmp_path: Path) -> None:
    """The commands need the standard library only."""
    code = "import sys; sys.path.insert(0, 'src'); from homing.sdk.commands.main import main; sys.exit(main())"
    command = [sys.executable, "-I", "-S", "-c", code, *words(tmp_path, "http://127.0.0.1:9", "preview")[3:]]
    done = subprocess.run(
        command, cwd=ROOT, env={**environment(), **HARMLESS}, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
