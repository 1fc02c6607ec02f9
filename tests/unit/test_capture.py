"""What makers' tests have."""

from pathlib import Path
from typing import Any

import pytest

from homing import Telemetry, UpdateCheck
from homing.sdk.policy import POLICIES
from homing.sdk.transports.base import Reply
from homing.testing import CAUGHT, MemoryTransport, capture
from tests.loopback import only_loopback
from tests.outside_ci import outside_ci

__all__ = ["only_loopback", "outside_ci"]

SECONDS = 10.0


def application(place: Path, policy: str = "homing") -> Telemetry:
    """Make an application's telemetry as the application itself would."""
    given: dict[str, Any] = {"app": "acme", "version": "1.2.3", "policy": policy, "directory": place}
    key = "" if policy in {"seqdesk", "flowfuse", "sirveo"} else "k"
    return Telemetry(**given, endpoint="https://telemetry.example.com", key=key, enabled=True, file=place / "c.json")


@pytest.mark.parametrize("policy", sorted(set(POLICIES) - {"sirveo"}))
def test_everything_is_caught(tmp_path: Path, policy: str) -> None:
    """Whatever the policy, also where software is built, and also if it was made before."""
    before = application(tmp_path / "before", policy)
    with capture() as caught, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CI", "true")
        patch.setattr("homing.sdk.notice.is_terminal", lambda: False)
        for sending in (before, application(tmp_path / "after", policy)):
            with sending:
                assert 200 == sending.send_now(SECONDS).last_status
    assert len(caught.pings) >= 2
    assert all(request.endpoint.host == "telemetry.example.com" for request in caught.requests)


def test_events_are_caught(tmp_path: Path) -> None:
    """By name, with their properties."""
    with capture() as caught:
        with application(tmp_path) as sending:
            sending.event("report exported", {"format": "csv"})
            sending.event("report exported", {"format": "pdf"})
            sending.send_now(SECONDS)
        assert ["csv", "pdf"] == [each["format"] for each in caught.events("report exported")]
        assert [] == caught.events("report printed")


def test_nobody_is_asked(tmp_path: Path) -> None:
    """What asks a server beside pings does not leave either, and says so."""
    check = UpdateCheck(url="https://updates.example.com", app="acme", version="1.2.3", directory=tmp_path)
    with capture(), application(tmp_path) as sending:
        sending.send_now(SECONDS)
        [erased] = sending.erase()
        assert (CAUGHT, CAUGHT) == (erased.problem, check.check().problem)


def test_own_replies(tmp_path: Path) -> None:
    """A test may say what the receiver answers."""
    with capture(Reply(503)) as caught, application(tmp_path) as sending:
        assert 503 == sending.send_now(SECONDS).last_status
    assert 1 == len(caught.pings)


def test_consent_counts(tmp_path: Path) -> None:
    """Without it there is nothing to catch."""
    with (
        capture() as caught,
        Telemetry(app="acme", version="1", endpoint="https://x.example.com", key="k", directory=tmp_path) as sending,
    ):
        sending.event("x")
        sending.send_now(SECONDS)
    assert [] == caught.requests


def test_it_ends(tmp_path: Path) -> None:
    """Afterwards a transport of one's own is used again."""
    own = MemoryTransport()
    with Telemetry(
        app="acme",
        version="1",
        endpoint="https://x.example.com",
        key="k",
        directory=tmp_path,
        enabled=True,
        transport=own,
    ) as sending:
        with capture() as caught:
            sending.send_now(SECONDS)
        sending.send_now(SECONDS)
    assert (1, 1) == (len(caught.requests), len(own.requests))
