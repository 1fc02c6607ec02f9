"""A transport that sends nothing, and applications that use it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from homing import Telemetry
from homing.sdk.machine import CONTAINER_FILES, OWN_SPACES, Linux
from homing.sdk.transports.base import Request
from homing.testing import FixedClock as Clock
from homing.testing import MemoryTransport as Outbox

__all__ = ["ENDPOINT", "SECONDS", "Clock", "Computer", "Outbox", "keys", "sent", "telemetry", "until"]

ENDPOINT: Final = "http://telemetry.example.com"
SECONDS: Final = 10.0
"""How long a test waits for a thread before it fails."""


def until(ask: Callable[..., Any], *given: Any) -> None:
    """Wait until something is the case."""
    deadline = time.monotonic() + SECONDS
    while not ask(*given):
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Computer(Linux):
    """A computer with a root of its own, whatever these tests run on; each holds its files on a disk of its own."""

    def __init__(self, root: Path, name: str = "", *, is_container: bool = False, kernel: str = "6.1.0") -> None:
        super().__init__(root)
        self._root = root
        spaces = root / "proc" / "self" / "ns"
        spaces.mkdir(parents=True)
        for space, number in OWN_SPACES.items():
            (spaces / space).symlink_to(f"{space}:[{number + is_container}]")
        self.write("etc/machine-id", f"{name}\n" if name else "")
        self.write("etc/hostname", f"{root.name}\n")
        self.write("proc/version", f"Linux version {kernel}\n")

    def write(self, name: str, text: str) -> None:
        """Write one of its files."""
        (self._root / name).parent.mkdir(parents=True, exist_ok=True)
        (self._root / name).write_text(text)

    def leave(self, number: int) -> None:
        """Leave what a kind of container leaves."""
        self.write(CONTAINER_FILES[number], "")

    def print_of(self, file: Path) -> str | None:
        """Return what the file has, on any file system."""
        found = file.stat() if file.exists() else None
        return f"{found.st_ino}.{found.st_ctime_ns}" if found else None


def telemetry(place: Path, **given: Any) -> Telemetry:
    """Make telemetry that is on, with a clock that stands still, and begins only when it is asked to."""
    usual = {
        "app": "acme",
        "version": "1.2.3",
        "endpoint": ENDPOINT,
        "key": "k",
        "enabled": True,
        "directory": place,
        "first_seconds": 3600,
        "clock": Clock(),
        "transport": Outbox(),
    }
    return Telemetry(**{**usual, **given})


def sent(place: Path, **given: Any) -> list[tuple[Request, Any]]:
    """Run telemetry from start to stop with one ping in between, and return each request with its body's value."""
    outbox = Outbox()
    with telemetry(place, transport=outbox, **given) as sending:
        sending.send_now(SECONDS)
    return [(request, json.loads(request.body)) for request in outbox.requests]


def keys(value: Any, before: str = "") -> set[str]:
    """Return the names of all fields, with dots."""
    if not isinstance(value, dict):
        return {before.removesuffix(".")}
    return {name for key, inner in value.items() for name in keys(inner, f"{before}{key}.")}
