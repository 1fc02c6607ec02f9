"""Deadlines and replies."""

import socket

import pytest

from homing.sdk.endpoint import parse
from homing.sdk.transports.base import Deadline, Reply, Request
from homing.testing import FixedClock


def test_time_runs_out() -> None:
    """What is left shrinks; then it is over."""
    clock = FixedClock()
    deadline = Deadline(clock, 5)
    clock.advance(seconds=2)
    assert (3, False) == (deadline.left(), deadline.is_over)
    clock.advance(seconds=3)
    assert deadline.is_over
    with pytest.raises(TimeoutError):
        deadline.left()
    assert "There was no answer within 5 seconds." == deadline.reason


def test_cancelling_ends_the_socket() -> None:
    """Whoever waits for the other side gets the end at once, and nobody may begin any more."""
    deadline = Deadline(FixedClock())
    here, there = socket.socketpair()
    with here, there:
        deadline.hold(here)
        deadline.cancel()
        assert b"" == here.recv(1)
        with pytest.raises(TimeoutError):
            deadline.hold(there)
    with pytest.raises(TimeoutError):
        deadline.left()
    assert "It was stopped before there was an answer." == deadline.reason


def test_released_sockets_are_left_alone() -> None:
    """A socket that was given back is nobody's business."""
    deadline = Deadline(FixedClock())
    here, there = socket.socketpair()
    with here, there:
        deadline.hold(here)
        deadline.release()
        deadline.cancel()
        here.sendall(b"x")
        assert b"x" == there.recv(1)


def test_cancelling_a_closed_socket() -> None:
    """It is no error."""
    deadline = Deadline(FixedClock())
    with socket.socket() as sock:
        deadline.hold(sock)
    deadline.cancel()


@pytest.mark.parametrize(
    ("status", "success", "unsure", "problem"),
    [
        (200, True, False, None),
        (204, True, False, None),
        (301, False, False, "The answer was 301."),
        (400, False, False, "The answer was 400."),
        (429, False, True, "The answer was 429."),
        (503, False, True, "The answer was 503."),
    ],
)
def test_replies(status: int, *, success: bool, unsure: bool, problem: str | None) -> None:
    """Each status is a success, a definite failure, or leaves it open."""
    reply = Reply(status)
    assert (success, unsure, problem) == (reply.is_success, reply.is_unsure, reply.problem)


def test_no_answer() -> None:
    """Then it is open whether the ping was taken."""
    reply = Reply(None, "Why.")
    assert (False, True, "Why.") == (reply.is_success, reply.is_unsure, reply.problem)


def test_requests_keep_secrets() -> None:
    """The repr has no headers."""
    request = Request(parse("http://a.b/c"), {"Authorization": "Bearer secret"}, b"{}")
    assert "Request('http://a.b/c', 2 bytes)" == repr(request)
