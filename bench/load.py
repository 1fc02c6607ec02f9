"""Drives a server with wrk, a compiled load generator."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

CONNECTIONS: Final = 128
SCRIPT: Final = Path(__file__).parent / "load.lua"


class Load(NamedTuple):
    """What one round of load came to: requests per second, the 99th percentile in milliseconds, failed requests."""

    per_second: float
    p99_ms: float
    errors: int


def send(url: str, seconds: float, *, distinct: int, offset: int = 0) -> Load:
    """Send heartbeats for some seconds over 128 connections; `distinct` instances in turn, 0 for only new ones."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout=10s", f"-s{SCRIPT}", url]
    variables = {**os.environ, "DISTINCT": str(distinct), "OFFSET": str(offset)}
    output = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", output)
    if found is None:
        message = f"wrk said: {output}"
        raise SystemExit(message)
    requests, duration_us, p99_us, errors = map(int, found.groups())
    return Load(requests / duration_us * 1e6, p99_us / 1000, errors)
