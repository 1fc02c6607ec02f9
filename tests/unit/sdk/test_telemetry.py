"""The face of the sending side."""

from pathlib import Path

import pytest

import homing
from homing import Status, Telemetry
from homing.sdk.status import UNMADE
from tests.unit.sdk.doubles import SECONDS, Outbox, telemetry


def test_off_until_switched_on(tmp_path: Path) -> None:
    """Whatever is called, nothing happens and nothing is left behind."""  # 000-01
    outbox = Outbox()
    sending = telemetry(tmp_path, enabled=None, transport=outbox)
    with sending:
        status = sending.send_now(SECONDS)
    assert ([], []) == (outbox.bodies, list(tmp_path.iterdir()))
    assert (False, "default", UNMADE, None) == (status.enabled, status.layer, status.instance, status.next_due)


def test_on_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's variable switches it on, and a later change of it does nothing."""
    monkeypatch.setenv("HOMING_TELEMETRY_ENABLED", "true")
    sending = telemetry(tmp_path, enabled=None)
    monkeypatch.delenv("HOMING_TELEMETRY_ENABLED")
    with sending:
        status = sending.send_now(SECONDS)
    assert (True, "environment", status.last_attempt) == (status.enabled, status.layer, status.last_success)


def test_wrong_settings_do_not_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They mean off, and status has a sentence for each."""
    monkeypatch.setenv("HOMING_TELEMETRY_ENABLED", "perhaps")
    monkeypatch.setenv("HOMING_TELEMETRY_INTERVAL_HOURS", "often")
    with telemetry(tmp_path) as sending:
        status = sending.send_now()
    interval = dict(status.settings)["interval"].value
    assert (False, "environment", 24 * 3600, 2) == (status.enabled, status.layer, interval, len(status.problems))


def test_status_is_a_plain_value(tmp_path: Path) -> None:
    """Two looks at the same state are equal, and none can be changed."""
    with telemetry(tmp_path) as sending:
        status = sending.send_now(SECONDS)
        assert isinstance(status, Status)
        assert status == sending.status()
        assert "http://telemetry.example.com/v1/pings" == status.endpoint
        assert (tmp_path / "instance-id").read_text().strip() == status.instance
        with pytest.raises(AttributeError):
            status.enabled = False  # type: ignore[misc]


def test_the_identity_survives_off_and_on(tmp_path: Path) -> None:
    """Whoever switches it off and on again is the same instance."""
    with telemetry(tmp_path) as sending:
        first = sending.send_now(SECONDS).instance
    assert UNMADE == telemetry(tmp_path, enabled=False).status().instance
    assert first == telemetry(tmp_path).status().instance


def test_public_names() -> None:
    """They are sorted, each can be had, and no other."""
    names = [name for name in homing.__all__ if name != "__version__"]
    assert sorted(homing.__all__) == homing.__all__
    assert sorted(homing.PLACES) == names
    assert names == [getattr(homing, name).__name__ for name in names]
    assert Telemetry is homing.Telemetry
    with pytest.raises(AttributeError, match="has no attribute 'Telemetri'"):
        _ = homing.Telemetri  # type: ignore[attr-defined]
