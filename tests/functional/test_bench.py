"""The benchmark of ingest says what it promises to say. What the figures are is not a test's to judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEYS = {"ratio_repeat", "ratio_new", "p99_ms", "reports_factor", "errors"}


@pytest.mark.slow
def test_figures_of_ingest() -> None:
    """A short run prints a line for each figure, and all of them as one JSON object in the last."""
    command = [sys.executable, "-m", "bench", "ingest", "--seconds", "12", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=True)
    *lines, last = done.stdout.splitlines()
    figures = json.loads(last)
    assert figures.keys() == KEYS
    assert {line.split()[0] for line in lines if not line.startswith(" ")} == KEYS
    assert all(value > 0 for name, value in figures.items() if name != "errors")
    assert 0 == figures["errors"]
