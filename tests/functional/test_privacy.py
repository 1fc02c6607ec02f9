"""No address of a sender is on the disk, in the log or in the metrics of a running receiver."""

import json
from http.client import HTTPConnection
from typing import Final

import pytest

from tests.functional.conftest import MakeReceiver
from tests.functional.receiver import Receiver

pytestmark = pytest.mark.slow

LOCAL: Final = "127.0.0.1"
SENDER: Final = "198.51.100.78"
EMAIL: Final = "ann@example.com"
TOO_BIG: Final = 2**21


def post(to: Receiver, path: str, body: bytes) -> int:
    """Send a body as a proxy would, and return the status."""
    connection = HTTPConnection(LOCAL, to.port, timeout=30)
    headers = {"Content-Type": "application/json", "X-Forwarded-For": SENDER}
    connection.request("POST", f"/in/{to.key}{path}", body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def stored(to: Receiver) -> bytes:
    """Return every file of the receiver's folder, the write-ahead log and both outputs among them."""
    files = [file for file in to.directory.rglob("*") if file.is_file()]
    assert {"homing.db", "homing.db-wal"} <= {file.name for file in files}
    return b"".join(file.read_bytes() for file in files)


def test_no_plain_address(receivers: MakeReceiver) -> None:
    """Whatever a sender did, its address is nowhere: taken, refused and damaged pings, at the most talkative log level.

    What is stored is a hash.
    """
    # 003-01
    to = receivers(trusted_proxies="127.0.0.0/8", log_level="debug").start()
    good = json.dumps({"instanceId": "one", "os": {"type": "Linux"}}).encode()
    assert [200, 400, 400, 413] == [post(to, "/ping", body) for body in (good, b"{}", b"{", b" " * TOO_BIG)]
    assert 200 == post(to, "/sirveo", json.dumps({"instance_id": EMAIL, "reason": "begin"}).encode())
    with to.client() as client:
        metrics = client.get("/metrics").body
    assert b"homing_hashed_ids_total" in metrics
    running = stored(to)
    assert b"address_hash" in running
    to.stop()
    for text in (running, metrics, to.everything_said().encode(), to.store.read_bytes()):
        assert SENDER.encode() not in text
        assert EMAIL.encode() not in text


def test_the_switch_and_the_erasure(receiver: Receiver) -> None:
    """A command says whether hashes of addresses are kept; an instance is erased by the id that it sends."""
    assert {"app": "first-app", "addresses": "auto"} == receiver.json("app", "addresses", "first-app")
    assert "Hashes of addresses for first-app: off.\n" == receiver.run("app", "addresses", "first-app", "off").stdout
    assert {"app": "first-app", "addresses": "off"} == receiver.json("app", "addresses", "first-app")
    body = json.dumps({"instanceId": EMAIL}).encode()
    assert 200 == post(receiver, "/ping", body)
    [row] = receiver.json("instances", "first-app")
    assert row["instance_id"].startswith("hashed-email-")
    assert [row] == receiver.json("instances", "first-app", "--search", EMAIL)
    assert row["instance_id"] == receiver.json("erase", EMAIL, "--yes")["instance_id"]
    assert ([], 410) == (receiver.json("instances", "first-app"), post(receiver, "/ping", body))
