"""The benchmarks say what they promise to say. What the figures are is not a test's to judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEYS = {
    "ingest": {"ratio_repeat", "ratio_new", "p99_ms", "reports_factor", "errors"},
    "dialects": {
        *(f"ratio_{name}" for name in ("native", "seqdesk", "sirveo", "flowfuse", "posthog")),
        *("posthog_events_per_s", "p99_ms", "p99_factor_invalid"),
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_figures(name: str) -> None:
    """A short run prints a line for each figure, and all of them as one JSON object in the last."""
    command = [sys.executable, "-m", "bench", name, "--seconds", "12", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=True)
    *lines, last = done.stdout.splitlines()
    figures = json.loads(last)
    assert figures.keys() == KEYS[name]
    assert {line.split()[0] for line in lines if not line.startswith(" ")} == KEYS[name]
    assert all(value > 0 for figure, value in figures.items() if figure != "errors")
    assert 0 == figures.get("errors", 0)
