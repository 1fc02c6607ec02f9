"""No test of the sending side sees the settings of whoever runs it, and none speaks to a stranger."""

import pytest

from homing.sdk.policy import POLICIES
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.loopback import only_loopback

__all__ = ["only_loopback"]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An environment without a word about telemetry, and a home and a working directory of its own."""
    named = [variable for policy in POLICIES.values() for name in policy.names for variable in name.variables]
    for name in (*named, *CI_VARIABLES, REFUSAL, "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    own = tmp_path_factory.mktemp("own")
    monkeypatch.setenv("HOME", str(own / "home"))
    monkeypatch.chdir(own)
