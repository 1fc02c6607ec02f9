"""Looks at processes through /proc, and sends them signals."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_STATE, _PARENT, _STARTED = 0, 1, 19


class Process(NamedTuple):
    """One process, which stays this one when its number is dealt again."""

    number: int
    started: str

    def is_running(self) -> bool:
        """Return whether it is still there."""
        return self == _running(self.number)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.number, number)

    def command(self) -> list[str]:
        """Return its command line; empty when it is gone by now."""
        return self._words("cmdline")

    def variables(self) -> dict[str, str]:
        """Return the environment it was started with."""
        return dict(line.split("=", 1) for line in self._words("environ"))

    def _words(self, name: str) -> list[str]:
        try:
            return (_PROC / str(self.number) / name).read_text().rstrip("\0").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []

    def sockets(self) -> int:
        """Return how many sockets it has open."""
        return sum(_target(path).startswith("socket:") for path in (_PROC / str(self.number) / "fd").iterdir())

    def regions(self) -> int:
        """Return how many regions of memory it has mapped."""
        return (_PROC / str(self.number) / "maps").read_text().count("\n")

    @contextmanager
    def limited(self, most: int) -> Iterator[None]:
        """Let its files grow no larger than that inside the block."""
        before = resource.prlimit(self.number, resource.RLIMIT_FSIZE)
        resource.prlimit(self.number, resource.RLIMIT_FSIZE, (most, before[1]))
        yield
        resource.prlimit(self.number, resource.RLIMIT_FSIZE, before)


def process(number: int) -> Process:
    """Return the process of that number; fail when there is none."""
    found = _running(number)
    assert found is not None, "The process runs."
    return found


def child(parent: int, module: str) -> Process | None:
    """Return the process that another one started to run a module."""
    for path in _PROC.glob("[0-9]*"):
        fields = _fields(int(path.name))
        found = _running(int(path.name)) if fields and fields[_PARENT] == str(parent) else None
        if found is not None and module in found.command():
            return found
    return None


def everyone() -> list[Process]:
    """Return every process that runs."""
    found = (_running(int(path.name)) for path in _PROC.glob("[0-9]*"))
    return [each for each in found if each is not None]


def _running(number: int) -> Process | None:
    fields = _fields(number)
    return Process(number, fields[_STARTED]) if fields and fields[_STATE] not in "ZX" else None


def _fields(number: int) -> list[str]:
    """Return the fields of proc(5)'s stat, from the third on: the second may hold anything."""
    try:
        return (_PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except FileNotFoundError:
        return ""
