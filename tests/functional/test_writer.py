"""The writer process dies or stands still: pings wait or get 503, none is lost, and none counts twice."""

import contextlib
import signal
import threading
from collections.abc import Sequence

import pytest

from tests.functional.client import GONE, Answer, Client, Load
from tests.functional.receiver import Receiver, until

pytestmark = pytest.mark.slow

KILLS = 6
IDS = 40


def kill(receiver: Receiver) -> None:
    """End the writer."""
    until(receiver.writer, "A writer").send(signal.SIGKILL)


def send(client: Client, numbers: Sequence[int]) -> Answer:
    """Send pings with an id."""
    return client.send(*({"id": f"p-{number}", "instance_id": f"i-{number}"} for number in numbers))


def test_a_ping_after_a_kill(receiver: Receiver) -> None:
    """A ping sent right after the writer died waits for the next one, and is accepted."""
    with receiver.client() as client:
        for number in range(KILLS):
            kill(receiver)
            assert ["accepted"] == send(client, [number]).outcomes()
    assert (KILLS, KILLS) == receiver.summary()


def test_a_kill_in_the_middle_of_a_commit(receiver: Receiver) -> None:
    """What the writer died over is given to the next one, and is stored once whether it was durable or not."""
    with Load(receiver.port, receiver.key) as load:
        for number in range(1, KILLS + 1):
            wanted = load.acknowledged + 100
            until(lambda: load.acknowledged >= wanted, "Load")  # noqa: B023 - asked before the next round
            kill(receiver)
            until(lambda: receiver.metrics()["homing_writer_restarts"] >= number, "The count")  # noqa: B023 - as above
    assert ({"accepted"}, 0) == (set(load.outcomes), load.lost)
    assert (load.acknowledged, len(load.instances)) == receiver.summary()
    assert {"accepted": load.answered} == receiver.outcomes()
    assert 0 == receiver.metrics()["homing_bugs_total"]
    assert KILLS == len(receiver.log("writer_died"))


def test_a_writer_that_does_not_come_back(receiver: Receiver) -> None:
    """While no writer stays alive /readyz says so, and pings get 503 with Retry-After; then they are taken again."""
    done = threading.Event()

    def murder() -> None:
        while not done.is_set():
            found = receiver.writer()
            if found is not None and found.is_running():
                found.send(signal.SIGKILL)
            done.wait(0.05)

    thread = threading.Thread(target=murder)
    thread.start()
    try:
        # The first one would write what is sent before it is found.
        until(lambda: not receiver.is_ready(), "The first death")
        with receiver.client() as client:
            answer = send(client, range(IDS))
            ready = client.get("/readyz")
    finally:
        done.set()
        thread.join(10)
    assert (503, "5") == (answer.status, answer.headers["retry-after"])
    assert {"unavailable"} == set(answer.outcomes())
    assert (503, b"not ready: store\n") == (ready.status, ready.body)
    until(receiver.is_ready, "Readiness", seconds=60)
    with receiver.client() as client:
        assert ["accepted"] * IDS == send(client, range(IDS)).outcomes()
    assert (IDS, IDS) == receiver.summary()


def test_a_writer_that_stands_still(receiver: Receiver) -> None:
    """While the writer is stopped pings wait, questions are answered, and all is well when it goes on."""
    writer = until(receiver.writer, "A writer")
    writer.send(signal.SIGSTOP)
    answers: list[list[str]] = []

    def ask() -> None:
        with receiver.client() as client:
            answers.append(send(client, range(3)).outcomes())

    thread = threading.Thread(target=ask)
    thread.start()
    with receiver.client() as other:
        until(lambda: receiver.metrics()["homing_queue_pings"] == 3, "The pings")
        assert 200 == other.get("/livez").status
    assert [] == answers
    writer.send(signal.SIGCONT)
    thread.join(30)
    assert [["accepted"] * 3] == answers


def test_the_writer_ends_with_the_receiver(receiver: Receiver) -> None:
    """When the receiver is killed its writer does not stay behind; when it is stopped, what was put off is written."""
    writer = until(receiver.writer, "A writer")
    receiver.kill()
    until(lambda: not writer.is_running(), "The end of the writer")
    receiver.start()
    with receiver.client() as client:
        assert 200 == send(client, range(IDS)).status
        assert 200 == client.send({"instance_id": "i-0", "kind": "later"}).status
    writer = until(receiver.writer, "A writer")
    assert 0 == receiver.stop()
    assert not writer.is_running()
    assert (IDS + 1, IDS) == receiver.summary()


def test_told_to_stop_while_the_writer_stands_still(receiver: Receiver) -> None:
    """A writer that does not answer holds the end up for some seconds, not for ever, and is ended."""
    writer = until(receiver.writer, "A writer")
    writer.send(signal.SIGSTOP)
    thread = threading.Thread(target=ignore_the_end, args=(receiver,))
    thread.start()
    until(lambda: receiver.metrics()["homing_queue_pings"] == 1, "The ping")
    assert 0 == receiver.stop()
    thread.join(10)
    assert 1 == len(receiver.log("not_written"))
    until(lambda: not writer.is_running(), "The end of the writer")


def ignore_the_end(receiver: Receiver) -> None:
    """Send a ping that is not answered."""
    with contextlib.suppress(*GONE), receiver.client() as client:
        send(client, [1])


def test_readiness_while_the_writer_stands_still(receiver: Receiver) -> None:
    """A batch that is not written for long is no readiness."""
    writer = until(receiver.writer, "A writer")
    writer.send(signal.SIGSTOP)
    thread = threading.Thread(target=ignore_the_end, args=(receiver,))
    thread.start()
    until(lambda: not receiver.is_ready(), "Unreadiness")
    writer.send(signal.SIGCONT)
    until(receiver.is_ready, "Readiness")
    thread.join(10)
