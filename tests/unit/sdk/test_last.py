"""What was last sent, seen from another process."""

import json
from pathlib import Path

import pytest

from homing.sdk.last import read_last
from homing.sdk.transports.base import Reply
from tests.unit.sdk.doubles import SECONDS, Clock, Outbox, telemetry

FILE = "last-default.json"


def test_another_process_knows(tmp_path: Path) -> None:
    """It shows the same request, with the same outcome, and no secret of it is in the file."""
    outbox = Outbox(Reply(200), Reply(503))
    with telemetry(tmp_path, transport=outbox, key="secret-key") as sending:
        sending.send_now(SECONDS)
        sending.send_now(SECONDS)
        [here], course = sending.show_last(), sending.status().first
    [there] = telemetry(tmp_path, enabled=None).show_last()
    assert (outbox.bodies[-1], here) == (there.body, there)
    seen = telemetry(tmp_path).status().first
    assert course._replace(next_due=None) == seen
    assert (503, "The answer was 503.", True) == (seen.last_status, seen.last_error, seen.last_success is not None)
    assert "secret-key" not in (tmp_path / FILE).read_text()
    assert 0o600 == (tmp_path / FILE).stat().st_mode & 0o777


def test_the_later_one_counts(tmp_path: Path) -> None:
    """Of two processes the one that tried last is shown, in both."""
    clock = Clock()
    early, late = (telemetry(tmp_path, clock=clock, transport=Outbox(Reply(status))) for status in (500, 200))
    for sending in (early, late):
        clock.advance(seconds=1)
        sending.send_now(SECONDS)
    assert (200, 200) == (early.status().last_status, late.status().last_status)
    assert early.show_last() == late.show_last()
    for sending in (early, late):
        sending.stop()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"attempt": "soon"}', '{"attempt": 1, "success": "x", "status": 1}']
)
def test_what_is_damaged_is_not_there(tmp_path: Path, text: str) -> None:
    """A file that is none is passed over."""
    (tmp_path / FILE).write_text(text)
    assert read_last(tmp_path, "default") is None
    assert () == telemetry(tmp_path).show_last()
    assert telemetry(tmp_path).status().last_attempt is None


def test_a_failure_before_the_request(tmp_path: Path) -> None:
    """Where the host's own function fails there is an error to show, and no request."""

    def fail(_fields: dict[str, object]) -> dict[str, object]:
        raise ZeroDivisionError

    with telemetry(tmp_path, before_send=fail) as sending:
        sending.send_now(SECONDS)
    there = telemetry(tmp_path)
    assert ((), "Nothing was sent: before_send failed with ZeroDivisionError.") == (
        there.show_last(),
        there.status().last_error,
    )
    assert json.loads((tmp_path / FILE).read_text())["shown"] is None


def test_a_place_that_is_full(tmp_path: Path) -> None:
    """Where the file cannot be kept the ping leaves all the same, and this process shows it."""
    (tmp_path / FILE).mkdir()
    with telemetry(tmp_path) as sending:
        status = sending.send_now(SECONDS)
        assert (200, 1) == (status.last_status, len(sending.show_last()))
