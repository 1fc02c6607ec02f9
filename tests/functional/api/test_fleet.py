"""Numbers, events, labels and histories over HTTP and by command, of one receiver that runs."""

from typing import Any

import httpx

from tests.functional.receiver import Receiver, until

USERS = "platform.counts.users"


def furnish(receiver: Receiver, client: httpx.Client) -> None:
    """Send what a few instances have to say."""
    pings: list[dict[str, Any]] = [
        {"instance_id": f"i{n}", "kind": "startup", "properties": {"platform": {"counts": {"users": n}}}}
        for n in range(5)
    ]
    pings += [{"instance_id": "i0", "kind": "shutdown"}, {"instance_id": "run", "properties": {"ci": True}}]
    headers = {"Authorization": f"Bearer {receiver.key}"}
    assert 200 == client.post("/v1/pings", json=pings, headers=headers).status_code


def test_one_fleet_both_ways(fresh: tuple[Receiver, httpx.Client]) -> None:
    """What is asked over HTTP and by command is answered alike."""
    receiver, client = fresh
    furnish(receiver, client)
    key = receiver.json("app", "key", "first-app", "--add", "read")["key"]
    headers = {"Authorization": f"Bearer {key}"}
    until(lambda: client.get("/api/v1/events", headers=headers).status_code == 200, "The new key")

    def asked(path: str, **parameters: Any) -> Any:
        answer = client.get(f"/api/v1/{path}", params=parameters, headers=headers)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    measured = asked("measure", property=USERS, kind="startup")
    assert (5, 4, 10) == (measured["clients"], measured["n"], measured["total"])
    assert measured == receiver.json("measure", USERS, "--kind", "startup")
    assert {"properties": [USERS]} == asked("properties") == receiver.json("measure")
    counted = {each["kind"]: each["clients"] for each in asked("events")["events"]}
    assert {"startup": 5, "shutdown": 1, "heartbeat": 1} == counted
    assert asked("events") == receiver.json("events")
    entries = asked("history", instance="i0")["entries"]
    assert ["shutdown", "startup"] == [each["kind"] for each in entries]
    assert entries == receiver.json("history", "first-app", "i0")["entries"]
    assert [5, 1] == [asked("report", label=label)["summary"]["clients"] for label in ("-ci", "ci")]
    assert ["i0"] == [row["instance_id"] for row in receiver.json("instances", "first-app", "--state", "ended")]
    told = receiver.json("label", "first-app", "ci", "i1", "i2", "nobody")
    assert {"label": "ci", "on": True, "instances": 2, "unknown": 1} == told
    assert 3 == asked("report", label="ci")["summary"]["clients"]
    assert "ci" in receiver.run("instances", "first-app", "--search", "i1").stdout
    refused = client.get("/api/v1/measure", headers=headers)
    assert (400, {"error": "Name one property."}) == (refused.status_code, refused.json())
    assert 401 == client.get("/api/v1/history").status_code
