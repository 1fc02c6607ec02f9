"""More than the receiver takes: 503 or 429 with Retry-After, every ping ends with an outcome, none is lost."""

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import closing
from typing import Any, Final

import pytest

from tests.functional.client import Answer, Client, Load
from tests.functional.conftest import MakeReceiver
from tests.functional.receiver import Receiver, until

THREADS: Final = 12
FEW: Final = 8
RATE: Final = 2
BURST: Final = 10 * RATE


def ping(number: int) -> dict[str, Any]:
    """Return a ping of an instance of its own."""
    return {"instance_id": f"instance-{number}"}


def test_full_desk(receivers: MakeReceiver) -> None:
    """A desk that is full answers 503 with Retry-After; senders that try again lose nothing."""
    receiver = receivers(queue_pings=FEW).start()
    with Load(receiver.port, receiver.key, threads=THREADS) as load:
        until(lambda: load.outcomes["overloaded"] > 50 and load.acknowledged > 200, "Overload", seconds=60)
    assert {"accepted", "overloaded"} == set(load.outcomes)
    assert 0 == load.lost
    assert Counter(receiver.outcomes()) == load.outcomes
    assert (load.acknowledged, len(load.instances)) == receiver.summary()
    assert 0 == receiver.metrics()["homing_bugs_total"]
    assert 0 == receiver.metrics()["homing_queue_pings"] == receiver.metrics()["homing_queue_bytes"]


def test_more_than_the_desk_holds(receivers: MakeReceiver) -> None:
    """A request with more pings than the desk is to hold is taken while it is empty: it could never be sent else."""
    receiver = receivers(queue_pings=FEW).start()
    with receiver.client() as client:
        assert ["accepted"] * (FEW + 1) == client.send(*map(ping, range(FEW + 1))).outcomes()
    assert {"accepted": FEW + 1} == receiver.outcomes()
    assert (FEW + 1, FEW + 1) == receiver.summary()


def test_sentence_of_overload(receivers: MakeReceiver) -> None:
    """A heartbeat that finds the desk full gets 503, Retry-After and a sentence."""
    receiver = receivers(queue_pings=1).start()
    refused: list[Answer] = []

    def hurry(number: int) -> None:
        with receiver.client() as client:
            while not refused:
                answer = client.heartbeat(f"instance-{number}")
                if answer.status != 200:
                    refused.append(answer)

    threads = [threading.Thread(target=hurry, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (503, "1", "application/json") == (
        refused[0].status,
        refused[0].headers["retry-after"],
        refused[0].headers["content-type"],
    )
    assert {"outcome": "overloaded", "error": "The receiver is full; try again in a moment."} == refused[0].json()


def send_until_limited(client: Client) -> tuple[int, Answer]:
    """Send heartbeats until one is not accepted; return how many were, and the answer to the last."""
    for number in range(1000):
        answer = client.heartbeat(f"instance-{number}")
        if answer.status != 200:
            return number, answer
    pytest.fail("There is no limit.")


@pytest.mark.parametrize("setting", ["rate_address", "rate_app"])
def test_rate_limit(receivers: MakeReceiver, setting: str) -> None:
    """More requests than an address or an app may send are 429 with Retry-After; after that wait they are taken."""
    receiver = receivers(**{setting: RATE}).start()
    with receiver.client() as client:
        accepted, answer = send_until_limited(client)
        assert accepted >= BURST
        assert (429, "application/json") == (answer.status, answer.headers["content-type"])
        assert int(answer.headers["retry-after"]) >= 1
        told = answer.json()
        assert setting == told["outcome"]
        assert told["error"].startswith("Too many requests")
        until(lambda: client.heartbeat("after").status == 200, "The end of the limit")
    outcomes = receiver.outcomes()
    assert {"accepted", setting} == outcomes.keys()
    assert (outcomes["accepted"], accepted + 1) == receiver.summary()
    assert 0 == receiver.metrics()["homing_bugs_total"]


def test_a_refused_sender_keeps_its_connection(receivers: MakeReceiver) -> None:
    """Whose request is refused for its address may send its body, sees the answer, and can go on."""
    receiver = receivers().start()
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    with closing(connection):
        for _ in range(3):
            connection.putrequest("POST", "/in/nobody/api/telemetry/heartbeat")
            connection.putheader("Content-Length", "5")
            connection.endheaders()
            socket_used = connection.sock
            time.sleep(0.05)
            connection.send(b"{1:2}")
            assert "key_unknown" == json.loads(connection.getresponse().read())["outcome"]
            assert connection.sock is socket_used


def test_rate_limit_of_one_app(receivers: MakeReceiver) -> None:
    """An app that sends too much does not use up what another app may send."""
    receiver = receivers(rate_app=RATE).start()
    other = receiver.json("app", "add", "other")["key"]
    with receiver.client() as client, receiver.client(key=other) as fresh:
        until(lambda: fresh.heartbeat("one").status == 200, "Knowledge of the new app")
        send_until_limited(client)
        assert 200 == fresh.heartbeat("one").status


def test_operations_are_not_limited(receivers: MakeReceiver) -> None:
    """Whoever watches the receiver is not limited by what senders do."""
    receiver: Receiver = receivers(rate_address=1).start()
    with receiver.client() as client:
        send_until_limited(client)
        assert [200] * 30 == [client.get("/readyz").status for _ in range(30)]
