"""An environment that forbids nothing, and nobody to speak to but this machine."""

import pytest

from homing.sdk.policy import POLICIES
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.loopback import only_loopback

__all__ = ["only_loopback"]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of telemetry's is set."""
    named = [variable for policy in POLICIES.values() for name in policy.names for variable in name.variables]
    for name in (*named, *CI_VARIABLES, REFUSAL):
        monkeypatch.delenv(name, raising=False)
