"""The sending side and a real receiver."""

from pathlib import Path
from typing import Any

import pytest

from homing import Status, Telemetry
from homing.sdk.transports.base import Deadline, Reply, Request
from homing.sdk.transports.http import HttpTransport
from tests.functional.receiver import Receiver, until


class Lossy(HttpTransport):
    """Loses the first answer."""

    lost = False

    def send(self, request: Request, deadline: Deadline) -> Reply:
        """Send, and forget the answer once."""
        reply = super().send(request, deadline)
        self.lost, first = True, not self.lost
        return Reply(None, "Lost.") if first else reply


def telemetry(receiver: Receiver, directory: Path, **given: Any) -> Telemetry:
    """Make the telemetry of an application."""
    usual = {"app": "acme", "version": "1.2.3", "endpoint": f"http://127.0.0.1:{receiver.port}", "key": receiver.key}
    return Telemetry(**{**usual, "enabled": True, "directory": directory, **given})


def send(receiver: Receiver, directory: Path, **given: Any) -> Status:
    """Send one ping of an application."""
    with telemetry(receiver, directory, **given) as sending:
        return sending.send_now(10)


def versions(receiver: Receiver) -> dict[str, int]:
    """Return how many clients have each version."""
    return {row["value"]: row["clients"] for row in receiver.report("--split", "version")["splits"]["version"]}


def test_both_forms_are_counted(receiver: Receiver, tmp_path: Path) -> None:
    """Two installations, one of each form, are two clients with their versions."""  # 000-10
    for _ in range(2):
        assert 200 == send(receiver, tmp_path / "native").last_status
    told = {"update.available": True, "database.provider": "sqlite"}
    other = send(receiver, tmp_path / "seqdesk", policy="seqdesk", version="2.0.0", values=told)
    assert (200, None) == (other.last_status, other.last_error)
    assert ({"accepted": 3}, (3, 2)) == (receiver.outcomes(), receiver.summary())
    assert {"1.2.3": 1, "2.0.0": 1} == versions(receiver)


def test_the_token_binds(receiver: Receiver, tmp_path: Path) -> None:
    """Whoever has the id without its token is refused, and status says so."""  # 000-10
    assert 200 == send(receiver, tmp_path, policy="seqdesk").last_status
    (tmp_path / "token").unlink()
    status = send(receiver, tmp_path, policy="seqdesk")
    assert (403, "The answer was 403.") == (status.last_status, status.last_error)


def test_a_receiver_of_ones_own(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SeqDesk's endpoint may name it: it takes the heartbeat, and the maker hears nothing."""  # 000-23
    own = f"http://127.0.0.1:{receiver.port}/in/{receiver.key}/api/telemetry/heartbeat"
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENDPOINT", own)
    status = send(receiver, tmp_path, policy="seqdesk", endpoint="", key="")
    assert ("custom", own, 200) == (status.first.name, status.endpoint, status.last_status)
    assert {"1.2.3": 1} == versions(receiver)


def test_a_ping_sent_again_counts_once(receiver: Receiver, tmp_path: Path) -> None:
    """The answer was lost: the same ping is sent again, and is a duplicate."""
    with telemetry(receiver, tmp_path, transport=Lossy()) as sending:
        assert "Lost." == sending.send_now(10).last_error
        assert 200 == sending.send_now(10).last_status
    assert ({"accepted": 1, "duplicate": 1}, (1, 1)) == (receiver.outcomes(), receiver.summary())


def test_a_wrong_key(receiver: Receiver, tmp_path: Path) -> None:
    """The refusal is told, and nothing is counted."""
    status = send(receiver, tmp_path, key="nonsense")
    assert (401, None, "The answer was 401.") == (status.last_status, status.last_success, status.last_error)


def test_events_are_counted(receiver: Receiver, tmp_path: Path) -> None:
    """They arrive in batches under their names, each once, with what was lost; the instance stays one client."""
    with telemetry(receiver, tmp_path, transport=Lossy()) as sending:
        for number in range(250):
            sending.event("report exported", {"format": "csv", "n": number})
        sending.event("heartbeat")
        # Of the first request, whichever that is, the answer is lost: it is sent again, and counts once.
        until(lambda: sending.status().last_error == "Lost.", "The loss")
        for _ in range(2):
            sending.send_now(10)
        status = sending.status()
    assert (200, 0, (("name", 1),)) == (status.last_status, status.waiting, status.lost)
    assert receiver.outcomes()["accepted"] == 252
    assert (252, 1) == receiver.summary()
    assert (250, 1) == receiver.summary("--kind", "report exported")


def test_what_the_receiver_would_refuse(receiver: Receiver, tmp_path: Path) -> None:
    """What is taken here is taken there too: the bounds are the same or narrower."""
    most = {
        "text": "ä" * 3900,
        "least": -(2**63),
        "most": 2**63 - 1,
        "deep": {"a": {"b": [[1]]}},
        "": "",
        "x" * 200: None,
    }
    with telemetry(receiver, tmp_path) as sending:
        sending.event("a" * 100, most)
        sending.event("ä ☃ (1)", {"\x7f\x01": "\x01"})
        status = sending.send_now(10)
    assert (0, ()) == (status.waiting, status.lost)
    assert {"accepted": 3} == receiver.outcomes()


def test_a_receiver_that_comes_back(receiver: Receiver, tmp_path: Path) -> None:
    """What is told while it is gone arrives at the next start."""
    key = receiver.key
    receiver.stop()
    with telemetry(receiver, tmp_path, key=key) as sending:
        sending.event("told", {"n": 1})
        assert None is sending.send_now(10).last_status
    receiver.start()
    with telemetry(receiver, tmp_path, key=key) as sending:
        assert 0 == sending.send_now(10).waiting
    assert (2, 1) == receiver.summary()
