"""Drives a server with wrk, a compiled load generator."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

CONNECTIONS: Final = 128
SCRIPT: Final = Path(__file__).parent / "load.lua"
BODIES: Final = Path(__file__).parent / "bodies.lua"


class Load(NamedTuple):
    """What one round of load came to: requests per second, the 99th percentile in milliseconds, failed ones, all."""

    per_second: float
    p99_ms: float
    errors: int
    requests: int


class Bodies(NamedTuple):
    """What is sent: see `bodies.lua`. `headers` has a line each; the rest holds for one round."""

    headers: str
    body: str = ""
    file: Path | None = None
    distinct: int = 1_000
    offset: int = 0
    invalid: int = 0
    delay: int = 0


def send(url: str, seconds: float, *, distinct: int, offset: int = 0) -> Load:
    """Send heartbeats for some seconds over 128 connections; `distinct` instances in turn, 0 for only new ones."""
    return _drive(url, seconds, SCRIPT, {"DISTINCT": str(distinct), "OFFSET": str(offset)}, CONNECTIONS)


def send_bodies(url: str, seconds: float, *, bodies: Bodies, connections: int = CONNECTIONS) -> Load:
    """Send bodies for some seconds."""
    given = {name.upper(): str(value) for name, value in bodies._asdict().items() if value is not None}
    return _drive(url, seconds, BODIES, given, connections)


def _drive(url: str, seconds: float, script: Path, variables: Mapping[str, str], connections: int) -> Load:
    length = f"-d{max(1, round(seconds))}s"
    command = ["wrk", "-t1", f"-c{connections}", length, "--timeout=10s", f"-s{script}", url]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", done.stdout)
    if found is None:
        message = f"wrk said: {done.stdout}{done.stderr}"
        raise SystemExit(message)
    requests, duration_us, p99_us, errors = map(int, found.groups())
    return Load(requests / duration_us * 1e6, p99_us / 1000, errors, requests)
