"""Keeps programs running that embed the sending side, for as long as the receiver runs and no longer."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from homing.cli.demo.fleet import APP
from homing.cli.demo.releases import BETA, STABLE, Release
from homing.settings import bare_environment

LOOK_SECONDS: Final = 1.0
"""How often it is looked whether one has died: no program is started more often than that."""

END_SECONDS: Final = 3.0

ANYWHERE: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on
"""Where a receiver is found that listens on every address."""

CONSENT: Final[Mapping[str, str]] = {"HOMING_TELEMETRY_ENABLED": "true"}
"""The switch by which an operator says yes."""


class Program(NamedTuple):
    """What a program says it is, and after how many seconds it sends again."""

    version: str
    channel: str
    state: str
    seconds: float


class Target(NamedTuple):
    """Where programs send to."""

    endpoint: str
    key: str


def programs(known: Mapping[str, Sequence[Release]]) -> list[Program]:
    """Return the programs of the demo: one is up to date, one is behind, one tried the last beta."""
    newest, before, *_older = known[STABLE]
    beta = next(each for each in known[BETA] if each.version not in {other.version for other in known[STABLE]})
    return [
        Program(newest.version, STABLE, "latest", 3),
        Program(before.version, STABLE, "outdated", 4),
        Program(beta.version, BETA, "latest" if beta.day > newest.day else "outdated", 5),
    ]


def endpoint(host: str, port: int) -> str:
    """Return the address under which a program on this machine reaches a receiver."""
    name = ANYWHERE.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


class Senders:
    """Starts programs, starts again whichever dies, and ends all of them when the block is left.

    Each holds one end of a pipe as its standard input. When this process is killed the pipe closes, and the program
    ends by itself.
    """

    def __init__(self, directory: Path, programs: Sequence[Program]) -> None:
        self._directory = directory
        self._programs = programs
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def start(self, target: Target) -> None:
        """Start the programs."""
        self._thread = threading.Thread(target=self._keep, args=(target,), name="senders", daemon=True)
        self._thread.start()

    def _keep(self, target: Target) -> None:
        running: dict[int, subprocess.Popen[bytes]] = {}
        try:
            while not self._ending.is_set():
                for number, program in enumerate(self._programs, 1):
                    if number not in running or running[number].poll() is not None:
                        # Where the system is out of processes just now, the next look tries again.
                        with contextlib.suppress(OSError):
                            running[number] = self._launch(number, program, target)
                self._ending.wait(LOOK_SECONDS)
        finally:
            _end(list(running.values()))

    def _launch(self, number: int, program: Program, target: Target) -> subprocess.Popen[bytes]:
        given = {
            "app": APP,
            **program._asdict(),
            **target._asdict(),
            "directory": self._directory / str(number),
        }
        arguments = [text for name, value in given.items() for text in (f"--{name}", str(value))]
        return subprocess.Popen(  # noqa: S603 - a program of ours
            [sys.executable, "-m", "homing.cli.demo.sender", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=bare_environment(**CONSENT),
            # In a session of its own Ctrl-C does not reach it: it ends when its pipe closes.
            start_new_session=True,
        )


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let go of every program's input, and wait until all have ended."""
    for process in running:
        if process.stdin is not None:
            process.stdin.close()
    for process in running:
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
