"""`POST /v1/erase` at a real receiver: who may erase what, and what is left."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from tests.functional.client import Client
from tests.functional.conftest import MakeReceiver
from tests.functional.receiver import Receiver, until
from tests.receiving import HEARTBEAT, TOKEN, TOKEN_HEADER, heartbeat

pytestmark = pytest.mark.slow

ID: Final = "3f1c0f0a-1111-4222-8333-444455556666"
OTHER: Final = "9d2b7a64-5555-4666-9777-88889999aaaa"


def ask(receiver: Receiver, key: str | None, body: Any, path: str = "/v1/erase") -> tuple[int, Mapping[str, Any]]:
    """Ask for an erasure, and return status and answer."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"http://127.0.0.1:{receiver.port}{path}", json=body, headers=headers, timeout=30)
    assert answer.headers["content-type"].startswith("application/json")
    return answer.status_code, answer.json()


def in_turn(answer: tuple[int, Mapping[str, Any]]) -> tuple[int, Mapping[str, Any]] | None:
    """Return an answer unless it says to wait."""
    return None if answer[0] == 429 else answer


def send(receiver: Receiver, key: str, *instances: str) -> None:
    """Send a ping of each instance, once the receiver knows the key."""
    with receiver.client(key=key) as client:
        pings = [{"instance_id": instance} for instance in instances]
        until(lambda: client.send(*pings).status == 200, "Knowledge of the app")


def beat(receiver: Receiver, instance: str) -> int:
    """Send a heartbeat that binds an instance to its token."""
    url = f"http://127.0.0.1:{receiver.port}/in/{receiver.key}{HEARTBEAT}"
    return httpx.post(url, json=heartbeat(instanceId=instance), headers={TOKEN_HEADER: TOKEN}).status_code


def listed(receiver: Receiver, app: str = "first-app") -> set[str]:
    """Return the ids of an app's instances."""
    return {each["instance_id"] for each in receiver.json("instances", app)}


def test_an_instance_erases_itself(receiver: Receiver) -> None:
    """It gets a receipt, is gone everywhere, and refused from then on; asked again, nothing more is gone."""
    other = receiver.json("app", "add", "other")["key"]
    send(receiver, receiver.key, ID, OTHER)
    send(receiver, other, ID)
    status, receipt = ask(receiver, receiver.key, {"instance_id": ID})
    assert (200, ID, 2, 2) == (status, receipt["instance_id"], receipt["apps"], receipt["days"])
    assert receipt["at"].endswith("Z")
    assert ({OTHER}, set()) == (listed(receiver), listed(receiver, "other"))
    assert 1 == receiver.summary()[1]
    with Client(receiver.port, receiver.key, 30) as client:
        assert 410 == client.send({"instance_id": ID}).status
    status, again = ask(receiver, None, {"instance_id": ID}, path=f"/in/{receiver.key}/v1/erase")
    assert (200, receipt["at"], 0, 0) == (status, again["at"], again["apps"], again["days"])
    assert ID not in receiver.stderr()


def test_who_may_not(receiver: Receiver) -> None:
    """Whoever lacks a key that sends to the app, or names an id that could be guessed or is unknown, erases nothing."""
    other = receiver.json("app", "add", "other")["key"]
    reads = receiver.json("app", "key", "first-app", "--add", "read")["key"]
    send(receiver, receiver.key, ID, "my-instance")
    send(receiver, other, OTHER)
    body = {"instance_id": ID}
    until(lambda: ask(receiver, reads, body)[0] == 403, "The new key")
    for key, asked, status in (
        (None, body, 401),
        ("hm_send_nobody", body, 401),
        (reads, body, 403),
        (other, body, 404),
        (receiver.key, {"instance_id": "my-instance"}, 403),
        (other, {"instance_id": "my-instance"}, 403),
        (receiver.key, {"instance_id": ID.replace("4222", "1222")}, 403),
        (receiver.key, {"instance_id": "00000000-0000-4000-8000-000000000000"}, 404),
        (receiver.key, {"instance_id": ""}, 400),
        (receiver.key, {}, 400),
    ):
        answer = until(lambda: in_turn(ask(receiver, key, asked)), "A turn")  # noqa: B023 - asked at once
        assert (status, {"error"}) == (answer[0], set(answer[1])), (asked, answer)
    assert {ID, "my-instance"} == listed(receiver)
    assert {OTHER} == listed(receiver, "other")


def test_a_bound_instance(receiver: Receiver) -> None:
    """What is bound to a token in one app is erased with that token only, whatever app is named; any id will do."""
    for name in (ID, "short"):
        assert 200 == beat(receiver, name)
    other = receiver.json("app", "add", "other")["key"]
    send(receiver, other, ID)
    for key in (receiver.key, other):
        assert 401 == ask(receiver, key, {"instance_id": ID})[0]
        assert 403 == ask(receiver, key, {"instance_id": ID, "token": "x" * 43})[0]
    assert {ID, "short"} == listed(receiver)
    for name in (ID, "short"):
        assert 200 == ask(receiver, receiver.key, {"instance_id": name, "token": TOKEN})[0]
    assert set() == listed(receiver) | listed(receiver, "other")


def test_a_retired_app_that_demands_a_bearer_token(receiver: Receiver) -> None:
    """It takes no pings, and still lets an instance that shows a token be erased."""
    send(receiver, receiver.key, ID)
    token = receiver.json("app", "key", "first-app", "--add", "bearer")["key"]
    receiver.json("app", "bearer", "first-app", "on")
    receiver.json("app", "retire", "first-app", "--yes")
    until(lambda: ask(receiver, receiver.key, {"instance_id": ID})[0] == 401, "Knowledge of the demand")
    assert 200 == ask(receiver, token, {"instance_id": ID})[0]


def test_too_many(receivers: MakeReceiver) -> None:
    """After ten at once an address must wait, and is told how long."""
    receiver = receivers().start()
    url = f"http://127.0.0.1:{receiver.port}/v1/erase"
    with httpx.Client(headers={"Authorization": "Bearer x"}) as client:
        answers = [client.post(url, json={"instance_id": ID}) for _ in range(14)]
    statuses = [each.status_code for each in answers]
    assert ([401] * 10, 429) == (statuses[:10], statuses[-1])
    assert answers[-1].headers["retry-after"].isdecimal()


def test_refusals_take_nobody_s_turn(receivers: MakeReceiver) -> None:
    """What is refused to many addresses with the public key of an app keeps none of its instances from being erased."""
    receiver = receivers(trusted_proxies="127.0.0.0/8").start()
    send(receiver, receiver.key, ID)
    url, headers = f"http://127.0.0.1:{receiver.port}/v1/erase", {"Authorization": f"Bearer {receiver.key}"}
    with httpx.Client(headers=headers, timeout=30) as client:
        for n, name in enumerate(["guessed"] * 20 + [ID]):
            answer = client.post(url, json={"instance_id": name}, headers={"X-Forwarded-For": f"198.51.100.{n}"})
            assert (200 if name == ID else 403) == answer.status_code, answer.text
