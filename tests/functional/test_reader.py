"""The reader process dies or stands still: questions wait or get 503, it comes back, and ingest never notices."""

import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from homing.clock import SystemClock, day_of, iso_day, parse_day
from tests.functional.client import Answer, Client, Load
from tests.functional.receiver import Receiver, until, without_privileges

pytestmark = pytest.mark.slow

REPORT = "/api/v1/report?range=week"
KILLS = 4


@pytest.fixture
def asker(receiver: Receiver) -> Iterator[Client]:
    """A client with a read key that the receiver knows."""
    key = receiver.json("app", "key", "first-app", "--add", "read")["key"]
    with receiver.client(key=key) as client:
        until(lambda: client.get(REPORT).status == 200, "Knowledge of the new key")
        yield client


def kill(receiver: Receiver) -> None:
    """End the reader."""
    until(receiver.reader, "A reader").send(signal.SIGKILL)


def refusal(answer: Answer) -> Answer | None:
    """Return an answer if it is a refusal."""
    return answer if answer.status == 503 else None


def test_the_log_is_moved_into_the_database(receiver: Receiver) -> None:
    """What is durable in the write-ahead log stands in the database itself soon after, without anybody asking."""
    with receiver.client() as client:
        client.heartbeat("moved-into-the-database")
    until(lambda: b"moved-into-the-database" in receiver.store.read_bytes(), "A checkpoint")


def test_question_after_kill(receiver: Receiver, asker: Client) -> None:
    """A question asked right after the reader died is answered, with everything acknowledged in it."""
    for number in range(1, KILLS):
        with receiver.client() as client:
            assert 200 == client.send({"instance_id": f"instance-{number}"}).status
        kill(receiver)
        answer = asker.get(REPORT)
        assert (200, number) == (answer.status, answer.json()["summary"]["clients"])


def test_without_privileges(tmp_path: Path) -> None:
    """The reader gives way to others as any user may, and lives on."""
    receiver = Receiver(tmp_path, before=without_privileges())
    try:
        receiver.start()
        key = receiver.json("app", "key", "first-app", "--add", "read")["key"]
        with receiver.client(key=key) as client:
            until(lambda: client.get(REPORT).status == 200, "Knowledge of the new key")
            assert [200] * 3 == [client.get(REPORT).status for _ in range(3)]
        assert 0 == receiver.metrics()["homing_reader_restarts"]
    finally:
        receiver.close()


def test_kill_is_told(receiver: Receiver) -> None:
    """While there is no reader, /readyz says so; the death is logged and counted, and a new one comes."""
    assert 0 == receiver.metrics()["homing_reader_restarts"]
    killed = until(receiver.reader, "A reader")
    # A reader that dies at once each time is started with ever longer pauses.
    for _ in range(KILLS):
        kill(receiver)
        until(lambda: receiver.metrics()["homing_reader_restarts"] > 0, "The count")
    with receiver.client() as client:
        unready = until(lambda: refusal(client.get("/readyz")), "Unreadiness")
    assert b"not ready: reader\n" == unready.body
    until(receiver.is_ready, "Readiness")
    assert receiver.reader() not in (None, killed)
    assert receiver.metrics()["homing_reader_restarts"] == len(receiver.log("reader_died")) >= 1


def test_ingest_is_not_disturbed(receiver: Receiver, asker: Client) -> None:
    """Under load and questions, a dying reader costs no ping, and each question ends with its numbers or 503."""
    asked: Counter[int] = Counter()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            asked[asker.get(REPORT).status] += 1

    thread = threading.Thread(target=ask)
    with Load(receiver.port, receiver.key) as load:
        thread.start()
        for number in range(1, KILLS + 1):
            wanted = load.acknowledged + 100
            until(lambda: load.acknowledged >= wanted, "Load")  # noqa: B023 - asked before the next round
            kill(receiver)
            until(lambda: receiver.metrics()["homing_reader_restarts"] >= number, "The count")  # noqa: B023 - as above
        done.set()
        thread.join(60)
    assert not thread.is_alive()
    assert asked[200] > 0
    assert set(asked) <= {200, 503}
    assert ({"accepted"}, 0) == (set(load.outcomes), load.lost)
    assert (load.acknowledged, len(load.instances)) == receiver.summary()
    assert {"accepted": load.answered} == receiver.outcomes()
    assert 0 == receiver.metrics()["homing_bugs_total"]


def test_reader_stands_still(receiver: Receiver, asker: Client) -> None:
    """A reader that is stopped holds no ping up, and answers when it goes on."""
    reader = until(receiver.reader, "A reader")
    reader.send(signal.SIGSTOP)
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(asker.get(REPORT).json()["summary"]["requests"]))
    thread.start()
    with receiver.client() as client:
        for _ in range(50):
            assert 200 == client.send({"instance_id": "one"}).status
    assert [] == answers
    reader.send(signal.SIGCONT)
    thread.join(60)
    assert [50] == answers


def test_reader_ends_with_receiver(receiver: Receiver) -> None:
    """When the receiver is killed, its reader does not stay behind."""
    reader = until(receiver.reader, "A reader")
    receiver.kill()
    until(lambda: not reader.is_running(), "The end of the reader")


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that may say what went wrong inside."""
    made = Receiver(tmp_path).start()
    yield made
    made.close()


def send_on(receiver: Receiver, day: str, times: int) -> None:
    """Send pings of a day, each by itself."""
    with receiver.client() as client:
        for number in range(times):
            assert 200 == client.send({"instance_id": f"i-{number}", "at": f"{day}T12:00:00Z"}).status


def segments(receiver: Receiver, day: str) -> int:
    """Return how many segments a day has."""
    with closing(sqlite3.connect(receiver.store)) as database:
        asked = "SELECT count(*) FROM segment WHERE day = ?"
        return int(database.execute(asked, [parse_day(day)]).fetchone()[0])


def test_a_day_that_cannot_be_read(damaged: Receiver) -> None:
    """Damage to one day's pages keeps the reader from nothing else: it starts, tidies on, and answers."""
    today = day_of(SystemClock().now())
    whole, broken = iso_day(today - 2), iso_day(today - 1)
    for day in (whole, broken):
        send_on(damaged, day, 1)
    damaged.stop()
    with closing(sqlite3.connect(damaged.store)) as database, database:
        database.execute("UPDATE segment SET blob = x'00' WHERE day = ?", [parse_day(broken)])
    damaged.start()
    send_on(damaged, broken, 4)
    send_on(damaged, whole, 2)
    until(lambda: segments(damaged, whole) == 1, "Merging")
    assert 5 == segments(damaged, broken)
    key = damaged.json("app", "key", "first-app", "--add", "read")["key"]
    with damaged.client(key=key) as client:
        until(lambda: client.get(f"/api/v1/report?from={whole}&to={whole}").status == 200, "Knowledge of the new key")
        answers = [client.get(f"/api/v1/report?from={day}&to={day}").status for day in (broken, whole)]
    assert [500, 200] == answers
    [told] = until(lambda: [each for each in damaged.log("internal") if each.get("step")], "The fault")
    assert "compact" == told["step"]
    assert "reader_died" not in damaged.everything_said()
