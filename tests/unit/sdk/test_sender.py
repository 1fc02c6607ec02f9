"""What becomes of attempts."""

import json
from pathlib import Path
from typing import Any

import pytest

from homing import Row, Telemetry
from homing.sdk.payload import NUMBER, TEXT
from homing.sdk.policy import POLICIES, Kinds
from homing.sdk.status import UNMADE
from homing.sdk.transports.base import Reply
from tests.unit.sdk.doubles import SECONDS, Clock, Outbox, telemetry

LOST = Reply(None, "The connection was refused.")


def ids(outbox: Outbox) -> list[str]:
    """Return the ping ids of all bodies."""
    return [json.loads(body)["id"] for body in outbox.bodies]


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_preview_is_what_is_sent(tmp_path: Path, name: str) -> None:
    """Under one clock and one source of ids the preview is the body, byte for byte."""  # 000-02
    repeated = POLICIES[name]
    policy = repeated._replace(kinds=Kinds(repeated.kinds.repeat))
    with telemetry(tmp_path, policy=policy) as first:
        first.send_now(SECONDS)
    outbox = Outbox()
    with telemetry(tmp_path, policy=policy, transport=outbox) as sending:
        sending.send_now(SECONDS)
    assert [each.body for each in telemetry(tmp_path, policy=policy).preview()] == outbox.bodies


@pytest.mark.parametrize("enabled", [True, False])
def test_preview_before_the_first_enable(tmp_path: Path, *, enabled: bool) -> None:
    """It says when the id will be made, and makes none."""
    assert UNMADE == json.loads(telemetry(tmp_path, enabled=enabled).preview()[0].body)["instance_id"]
    assert [] == list(tmp_path.iterdir())


def test_every_ping_has_its_id(tmp_path: Path) -> None:
    """Confirmed pings are followed by new ones."""
    outbox = Outbox()
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.send_now(SECONDS)
        sending.send_now(SECONDS)
    assert 2 == len(set(ids(outbox)))


@pytest.mark.parametrize("reply", [LOST, Reply(500), Reply(503), Reply(429), Reply(408), ZeroDivisionError()])
def test_an_unconfirmed_ping_is_sent_again(tmp_path: Path, reply: Reply | Exception) -> None:
    """On the same day the very same bytes go out, so that it counts once."""
    outbox = Outbox(reply, reply, Reply(200))
    clock = Clock()
    with telemetry(tmp_path, transport=outbox, clock=clock) as sending:
        sending.send_now(SECONDS)
        clock.advance(seconds=100)
        assert outbox.bodies == [each.body for each in sending.preview()]
        for _ in range(3):
            sending.send_now(SECONDS)
    first, second, third, fourth = outbox.bodies
    assert first == second == third != fourth


def test_another_day_is_another_ping(tmp_path: Path) -> None:
    """What was not confirmed yesterday does not stand in the way of today."""
    outbox, clock = Outbox(LOST), Clock()
    with telemetry(tmp_path, transport=outbox, clock=clock) as sending:
        sending.send_now(SECONDS)
        clock.advance(days=1)
        sending.send_now(SECONDS)
    assert 2 == len(set(ids(outbox)))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301, 204])
def test_a_definite_answer_ends_it(tmp_path: Path, status: int) -> None:
    """What was refused is not sent again."""
    outbox = Outbox(Reply(status))
    with telemetry(tmp_path, transport=outbox) as sending:
        sending.send_now(SECONDS)
        sending.send_now(SECONDS)
    assert 2 == len(set(ids(outbox)))


def test_what_came_of_it(tmp_path: Path) -> None:
    """Status holds the last attempt, success, error and answer."""
    clock, outbox = Clock(1_000_000), Outbox(Reply(200), LOST, Reply(404), Reply(202))
    seen = []
    with telemetry(tmp_path, transport=outbox, clock=clock) as sending:
        for _ in range(4):
            status = sending.send_now(SECONDS)
            seen.append((status.last_attempt, status.last_success, status.last_status, status.last_error))
            clock.advance(days=1)
    day = 86_400_000
    assert [
        (1_000_000, 1_000_000, 200, None),
        (1_000_000 + day, 1_000_000, None, "The connection was refused."),
        (1_000_000 + 2 * day, 1_000_000, 404, "The answer was 404."),
        (1_000_000 + 3 * day, 1_000_000 + 3 * day, 202, None),
    ] == seen


def test_failed_probes_are_counted(tmp_path: Path) -> None:
    """Sending counts them by field, looking at the preview does not."""
    rows = [
        Row("properties.users", NUMBER, "why", 5, lambda _moment: 1 / 0),
        Row("dimensions.theme", TEXT, "why", "dark", lambda _moment: "dark"),
    ]
    outbox = Outbox()
    with telemetry(tmp_path, rows=rows, values={"dimensions.channel": 7}, transport=outbox) as sending:
        sending.preview()
        sending.send_now(SECONDS)
        status = sending.send_now(SECONDS)
    assert (("dimensions.channel", 2), ("properties.users", 2)) == status.failed_probes
    body = json.loads(outbox.bodies[0])
    assert (None, None) == (body["properties"]["users"], body["dimensions"]["channel"])
    assert "dark" == body["dimensions"]["theme"]


@pytest.mark.parametrize("broken", ["file", "read-only"])
def test_without_a_place_for_the_id(tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent under an id that would not last, and status says why."""
    (tmp_path / "file").write_text("")
    if broken == "read-only":

        def refuse(*_given: Any, **_named: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)
    outbox = Outbox()
    with telemetry(tmp_path / "file" / "below", transport=outbox) as sending:
        status = sending.send_now(SECONDS)
    assert ([], UNMADE, None) == (outbox.bodies, status.instance, status.last_attempt)
    assert any(each.startswith("The instance's id cannot be kept, so nothing is sent: ") for each in status.problems)


def test_the_place_may_come_back(tmp_path: Path) -> None:
    """The next attempt finds the disk mended."""
    (tmp_path / "file").write_text("")
    outbox = Outbox()
    with telemetry(tmp_path / "file", transport=outbox) as sending:
        assert sending.send_now(SECONDS).problems
        (tmp_path / "file").unlink()
        assert () == sending.send_now(SECONDS).problems
    assert 1 == len(outbox.bodies)


def test_the_token_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    """It is in a header, and neither in status, preview nor any repr."""
    outbox = Outbox()
    sending: Telemetry = telemetry(tmp_path, policy="seqdesk", transport=outbox)
    with sending:
        status = sending.send_now(SECONDS)
    [request] = outbox.requests
    token = request.headers["X-SeqDesk-Telemetry-Token"]
    assert (tmp_path / "token").read_text().strip() == token
    assert token not in f"{status} {sending.preview()!r} {request} {sending!r} {vars(sending)}"
