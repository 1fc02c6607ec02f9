"""Starts and stops the processes that are measured."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil

START_SECONDS: Final = 60.0


class Running(NamedTuple):
    """A server that answers at `url`; `key` is the app key of a receiver."""

    url: str
    process: subprocess.Popen[str]
    key: str = ""

    @property
    def heartbeat(self) -> str:
        """Where heartbeats go."""
        return f"{self.url}/in/{self.key}/api/telemetry/heartbeat" if self.key else f"{self.url}/"

    def resident(self) -> float:
        """Return the memory of the process and its children, in MiB."""
        root = psutil.Process(self.process.pid)
        return sum(each.memory_info().rss for each in (root, *root.children(recursive=True))) / 2**20


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@contextmanager
def bare() -> Iterator[Running]:
    """Run the yardstick."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _process([sys.executable, "-m", "bench.bare", str(port)]) as process:
        _until_answers(f"{url}/", data=b"{}")
        yield Running(url, process)


@contextmanager
def receiver(store: Path, **settings: str) -> Iterator[Running]:
    """Run a receiver at its defaults, but for the rate limits: all of the load comes from one address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "HOMING_STORE": f"sqlite:///{store}",
        "HOMING_PORT": str(port),
        "HOMING_RATE_ADDRESS": "0",
        "HOMING_RATE_APP": "0",
        "HOMING_LOG_LEVEL": "error",
        **settings,
    }
    command = [str(Path(sys.executable).parent / "homing"), "serve"]
    with _process(command, **variables) as process:
        key = _key_from(process)
        _until_answers(f"{url}/readyz")
        yield Running(url, process, key)


@contextmanager
def _process(command: list[str], **variables: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def _key_from(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.match(r"App key\s+(\S+)", line):
            return found[1]
    message = "The receiver did not start."
    raise SystemExit(message)


def _until_answers(url: str, data: bytes | None = None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, data=data, timeout=5).read()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    message = f"Nothing answers at {url}."
    raise SystemExit(message)
