"""Tests that look at what is sent: no variable of where they run forbids it."""

import pytest

from homing.sdk.sources import CI_VARIABLES, REFUSAL


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would silence telemetry."""
    for name in (*CI_VARIABLES, REFUSAL):
        monkeypatch.delenv(name, raising=False)
