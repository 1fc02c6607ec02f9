"""A real receiver for tests: the process `homing serve` on a free port, with a store of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.client import GONE, Client
from tests.functional.processes import Process, child

HOMING: Final = str(Path(sys.executable).with_name("homing"))
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.02

_SAMPLE: Final = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)

T = TypeVar("T")


def until(ask: Callable[[], T | None], what: str, *, seconds: float = 30.0) -> T:
    """Ask again and again until the answer is true, and return it; fail when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, f"{what} did not come about within {seconds:g} s."
        time.sleep(POLL_SECONDS)
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def environment(**settings: object) -> dict[str, str]:
    """Return the variables for a command of ours: no setting but these, and none that keeps the sending side silent."""
    silent = {REFUSAL, *CI_VARIABLES}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMING_") and name not in silent}
    return {**kept, **{f"HOMING_{name.upper()}": str(value) for name, value in settings.items()}}


def as_user_without_override() -> Sequence[str]:
    """Return what to put before a command so that permissions bind it: root otherwise ignores them."""
    if os.geteuid() != 0:
        return ()
    dropped = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}")


def without_privileges() -> Sequence[str]:
    """Return what to put before a command so that it may do no more than any user's."""
    return () if os.geteuid() != 0 else ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


class Receiver:
    """One store and the process that serves it; it may be started several times, always on the same port."""

    def __init__(
        self,
        directory: Path,
        *,
        before: Sequence[str] = (),
        arguments: Sequence[str] = (),
        said: Path | None = None,
        stderr: Path | None = None,
        **settings: object,
    ) -> None:
        self.directory = directory
        self._said = said or directory
        self._stderr = stderr
        self.store = directory / "homing.db"
        self.port = free_port()
        self.settings = {
            "store": f"sqlite:///{self.store}",
            "port": self.port,
            "rate_address": 0,
            "rate_app": 0,
            "log_format": "json",
            **settings,
        }
        self._before = before
        self._arguments = arguments
        self._runs = 0
        self._process: subprocess.Popen[bytes] | None = None

    # Starting and stopping.

    def launch(self) -> Self:
        """Start the process without waiting for anything."""
        self._runs += 1
        error = self._stderr or self._file("stderr")
        with self._file("stdout").open("wb") as stdout, error.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*self._before, HOMING, "serve", *self._arguments],
                cwd=self.directory,
                env=environment(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        return self

    def start(self) -> Self:
        """Start the process and wait until it is ready and has said how to reach it."""
        self.launch()
        until(self._is_up, "Readiness", seconds=START_SECONDS)
        return self

    def _is_up(self) -> bool:
        assert self.process.poll() is None, f"The receiver ended: {self.stderr()}"
        return self.is_ready() and "Ctrl-C" in self.stdout()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End the process as a lack of memory would; those it started end by themselves."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """End whatever still runs."""
        if self._process is not None and self._process.poll() is None:
            others = (self.reader(), self.writer())
            self.kill()
            for each in others:
                if each is not None and each.is_running():
                    each.send(signal.SIGKILL)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None, "The receiver was started."
        return self._process

    def reader(self) -> Process | None:
        """Return the reader process, None while there is none."""
        return child(self.process.pid, "homing.server.reader.process")

    def writer(self) -> Process | None:
        """Return the writer process, None while there is none."""
        return child(self.process.pid, "homing.server.writer.process")

    # What it says.

    def _file(self, name: str) -> Path:
        return self._said / f"{name}.{self._runs}"

    def stdout(self) -> str:
        """Return what the last run printed."""
        return self._file("stdout").read_text()

    def stderr(self) -> str:
        """Return what the last run wrote to standard error."""
        return self._file("stderr").read_text()

    def everything_said(self) -> str:
        """Return both outputs of all runs."""
        return "".join(path.read_text() for path in sorted(self._said.glob("std*.*")))

    def log(self, event: str) -> list[dict[str, Any]]:
        """Return the last run's log lines of that event."""
        lines = [json.loads(line) for line in self.stderr().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def announced(self, name: str) -> str:
        """Return what the first successful run said under a heading: `App key`, `Password`, `Owner`."""
        found = re.search(rf"^{name} +(\w\S+)", self.everything_said(), re.MULTILINE)
        assert found is not None, f"The receiver announces {name}."
        return found[1]

    @property
    def key(self) -> str:
        """The key to send with."""
        return self.announced("App key")

    # What it knows.

    def client(self, *, key: str | None = None, timeout: float = 30.0) -> Client:
        """Return a client with a connection of its own."""
        return Client(self.port, self.key if key is None else key, timeout)

    def is_ready(self) -> bool:
        """Return whether /readyz says so."""
        with Client(self.port, "", 5.0) as client:
            try:
                return client.get("/readyz").status == 200
            except GONE:
                return False

    def metrics(self) -> dict[str, float]:
        """Return /metrics by name, with the labels in braces where there are any."""
        with Client(self.port, "", 30.0) as client:
            text = client.get("/metrics").body.decode()
        return {f"{name}{{{labels}}}" if labels else name: float(n) for name, labels, n in _SAMPLE.findall(text)}

    def outcomes(self) -> dict[str, int]:
        """Return how many pings and refused requests ended with each outcome, in all dialects."""
        found: dict[str, int] = {}
        for name, number in self.metrics().items():
            if match := re.fullmatch(r'homing_outcomes_total\{.*outcome="(\w+)".*\}', name):
                found[match[1]] = found.get(match[1], 0) + int(number)
        return found

    def run(self, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """Run a command on the receiver's store."""
        return run(*arguments, directory=self.directory, **{**self.settings, **settings})

    def json(self, *arguments: str) -> Any:
        """Run a command on the receiver's store that must succeed, and return the JSON it prints."""
        done = self.run(*arguments, "--json")
        assert (0, "") == (done.returncode, done.stderr)
        return json.loads(done.stdout)

    def report(self, *arguments: str) -> dict[str, Any]:
        """Return the report of the last days: a test may run at midnight."""
        made: dict[str, Any] = self.json("report", "--range", "week", *arguments)
        return made

    def summary(self, *arguments: str) -> tuple[int, int]:
        """Return the requests and clients of the last days."""
        found = self.report(*arguments)["summary"]
        return found["requests"], found["clients"]


def run(*arguments: str, directory: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(
        [HOMING, *arguments],
        cwd=directory,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
