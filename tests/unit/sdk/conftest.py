"""No test of the sending side sees the settings of whoever runs it."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without a word about telemetry, and a home of its own."""
    for name in ("DO_NOT_TRACK", "HOMING_TELEMETRY_ENABLED", "HOMING_TELEMETRY_INTERVAL_HOURS", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
