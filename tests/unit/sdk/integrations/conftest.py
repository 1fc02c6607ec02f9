"""An environment that says nothing of Sentry, and a product with a settings file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homing import Integrations, Telemetry
from homing.sdk.integrations.keys import ENVIRONMENT_VARIABLES
from homing.testing import MemoryTransport

Make = Callable[..., Integrations]


@pytest.fixture(autouse=True)
def _no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody says what the environment is called."""
    for name in ENVIRONMENT_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def product(tmp_path: Path) -> Callable[..., Telemetry]:
    """Makes the telemetry of the third document with a settings file of this text."""

    def make(text: str = "", **given: Any) -> Telemetry:
        file = tmp_path / "flowforge.yml"
        file.write_text(text)
        usual = {"app": "flowforge", "version": "2.33.2", "policy": "flowfuse", "transport": MemoryTransport()}
        return Telemetry(**{**usual, "directory": tmp_path / "state", "file": file, **given})

    return make


@pytest.fixture
def integrations(product: Callable[..., Telemetry]) -> Make:
    """Makes integrations with a settings file of this text."""
    return lambda text="", **given: Integrations(product(text), **given)
