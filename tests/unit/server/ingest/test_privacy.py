"""What tells too much is stored as a keyed hash, whatever dialect it came in."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.typing import EventDict

from tests.receiving import HEARTBEAT, NATIVE, TOKEN, TOKEN_HEADER, Site, heartbeat, site

PROXY = "192.0.2.1"
SENDER = "198.51.100.78"
EMAIL = "ann@example.com"
FORWARDED = {"x-forwarded-for": SENDER}


def batch(instance: str) -> dict[str, Any]:
    """Return a body of PostHog's that repeats the id wherever it can stand."""
    properties = {"instance_id": instance, "$device_id": instance, "called": instance}
    return {"batch": [{"event": "startup", "distinct_id": f"{instance}.org", "properties": properties}]}


BODIES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "native": (NATIVE, lambda each: {"instance_id": each, "properties": {"instance_id": each}}),
    "seqdesk": (HEARTBEAT, lambda each: heartbeat(instanceId=each)),
    "sirveo": ("/sirveo", lambda each: {"instance_id": each, "reason": "begin"}),
    "flowfuse": ("/ping", lambda each: {"instanceId": each}),
    "posthog": ("/batch/", batch),
}
"""The path and a body of each dialect, for an instance id."""


def send(to: Site, key: str, dialect: str, instance: str) -> None:
    """Send a ping of an instance, through a proxy."""
    path, body = BODIES[dialect]
    headers = {TOKEN_HEADER: TOKEN, "content-type": "application/json", **FORWARDED}
    assert 200 == to.send("POST", f"/in/{key}{path}", headers, json.dumps(body(instance)).encode()).status


def files(to: Site) -> bytes:
    """Return everything of the store that is on the disk."""
    return b"".join(file.read_bytes() for file in to.path.parent.iterdir() if file.is_file())


@pytest.mark.parametrize("dialect", BODIES)
def test_an_id_that_tells_too_much(tmp_path: Path, dialect: str, logged: list[EventDict]) -> None:
    """It is one client under its hash, with a number in the metrics and one warning; the id itself is nowhere."""
    with site(tmp_path) as to:
        app, key = to.add_app()
        send(to, key, dialect, EMAIL)
        send(to, key, dialect, EMAIL)
        [stored] = to.instances(app)
        assert stored.startswith("hashed-email-")
        assert {stored} == {entry.instance_id for entry in to.entries(app)}
        assert EMAIL.encode() not in files(to)
        counted = to.receiver.metrics.registry.get_sample_value("homing_hashed_ids_total", {"dialect": dialect})
        assert 2 == counted
        assert [("ids_tell_too_much", stored)] == [(line["event"], line["stored"]) for line in logged]


@pytest.mark.parametrize("dialect", BODIES)
def test_an_ordinary_id(tmp_path: Path, dialect: str, logged: list[EventDict]) -> None:
    """It is stored as it is."""
    with site(tmp_path) as to:
        app, key = to.add_app()
        send(to, key, dialect, "3920606d-a8be-4b50-a4d0-5237229d2f5c")
        assert ["3920606d-a8be-4b50-a4d0-5237229d2f5c"] == list(to.instances(app))
        assert [] == logged


@pytest.mark.parametrize("dialect", BODIES)
@pytest.mark.parametrize("keeps", [None, True, False])
def test_addresses(tmp_path: Path, dialect: str, keeps: bool | None) -> None:  # noqa: FBT001 - pytest calls by name
    """The hash is kept where the app says so, and for FlowFuse where it says nothing; it is that of the sender."""
    # 003-01
    with site(tmp_path, trusted_proxies=f"{PROXY}/32") as to:
        app, key = to.add_app()
        to.control.change_app(app.id, switch="keeps_addresses", on=keeps)
        to.receiver.directory.refresh()
        send(to, key, dialect, "one")
        found = to.instances(app)["one"].properties
        wanted = dialect == "flowfuse" if keeps is None else keeps
        assert ([to.receiver.directory.hash_address(SENDER)] if wanted else []) == [
            value for name, value in found.items() if name == "address_hash"
        ]
        for address in (SENDER, PROXY):
            assert address not in str(found)
            assert address.encode() not in files(to)


def test_a_new_secret_hides_an_instances_past(tmp_path: Path) -> None:
    """After 30 days the same sender has another hash, in what is kept of it from then on."""
    with site(tmp_path) as to:
        app, key = to.add_app()
        hashes = []
        for _ in range(2):
            send(to, key, "flowfuse", "one")
            hashes.append(to.instances(app)["one"].properties["address_hash"])
            to.clock.advance(days=30)
            to.receiver.directory.refresh()
        assert 2 == len(set(hashes))
