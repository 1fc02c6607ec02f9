"""Where the demo is kept."""

from pathlib import Path

import pytest

from homing.cli.demo.filling import store_path
from homing.cli.demo.show import demo_settings
from homing.errors import SettingsError


def test_its_store_lies_beside_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever store the settings name, the demo has another one beside it, and keeps two months."""
    monkeypatch.setenv("HOMING_STORE", "sqlite:////srv/homing/real.db")
    monkeypatch.setenv("HOMING_RETENTION_DAYS", "7")
    settings = demo_settings({"port": "8477"})
    assert Path("/srv/homing/demo/homing.db") == store_path(settings)
    assert (8477, 92) == (settings["port"], settings["retention_days"])


def test_no_other_store() -> None:
    """A store that is given with --demo is refused: it might be a real one."""
    with pytest.raises(SettingsError, match="--demo has a store of its own"):
        demo_settings({"store": "sqlite:///var/homing.db"})
