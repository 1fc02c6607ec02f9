"""SeqDesk's heartbeat, statement by statement of document 000."""

import json
from hashlib import sha256
from typing import Any

import pytest

from homing.outcomes import Refusal
from homing.ping import Ping
from homing.server.dialects.base import Request
from homing.server.dialects.seqdesk import KEYS, SeqDesk
from tests.receiving import heartbeat

NOW = 1_728_000_000_123
HEADERS = {"x-seqdesk-telemetry-token": "a token", "user-agent": "SeqDesk/1.1.130"}


def read(body: Any, headers: dict[str, str] | None = None) -> Ping:
    """Return the one ping of a heartbeat."""
    sent = json.dumps(body).encode()
    request = Request(HEADERS if headers is None else headers, sent, app=7, received=NOW, dimensions=frozenset())
    [item] = SeqDesk().read(request).items
    assert isinstance(item, Ping)
    return item


def refusal(body: Any, headers: dict[str, str] | None = None) -> str:
    """Return the name of a heartbeat's refusal."""
    with pytest.raises(Refusal) as caught:
        read(body, headers)
    return caught.value.outcome.name


def test_protocol_version() -> None:
    """Version 1 of the schema is read, and no other."""
    # 000-03
    assert 1 == read(heartbeat()).properties["protocolVersion"]
    assert ["protocol_version"] * 3 == [refusal(heartbeat(protocolVersion=each)) for each in (0, 2, -1)]


def test_instance_id() -> None:
    """`instanceId` is the ping's instance, as sent."""
    # 000-04
    assert "3F1C0F0A-x" == read(heartbeat(instanceId="3F1C0F0A-x")).instance
    assert "shape" == refusal(heartbeat(instanceId=None))


def test_versions() -> None:
    """`runningVersion` is counted; `installedVersion` may differ from it and is kept."""
    # 000-05
    ping = read(heartbeat(runningVersion="1.1.82", installedVersion="1.1.83"))
    assert ("1.1.82", "1.1.83") == (ping.dimensions["version"], ping.properties["installedVersion"])


def test_install_profile() -> None:
    """Both parts of `installProfile` are text or null."""
    # 000-06
    for profile in (
        {"id": None, "version": None},
        {"id": "twincore", "version": "1.0.0"},
        {"id": "x", "version": None},
    ):
        assert profile == read(heartbeat(installProfile=profile)).properties["installProfile"]
    assert "shape" == refusal(heartbeat(installProfile={"id": 1, "version": None}))


def test_update() -> None:
    """`update.available` makes the instance outdated or latest; both parts are kept."""
    # 000-07
    for update, state in (
        ({"available": True, "latestVersion": "1.1.83"}, "outdated"),
        ({"available": False, "latestVersion": None}, "latest"),
        ({"available": False, "latestVersion": "0.9"}, "latest"),
    ):
        ping = read(heartbeat(update=update))
        assert (state, update) == (ping.dimensions["update_state"], ping.properties["update"])
    assert "shape" == refusal(heartbeat(update={"available": "yes", "latestVersion": None}))


def test_database() -> None:
    """`database.provider` is one of three words, and is counted."""
    # 000-08
    for provider in ("postgresql", "sqlite", "unknown"):
        assert provider == read(heartbeat(database={"provider": provider})).dimensions["database"]
    assert "shape" == refusal(heartbeat(database={"provider": "oracle"}))


def test_runtime() -> None:
    """Platform, architecture and major version of Node are counted as sent; the last may be null."""
    # 000-09
    ping = read(heartbeat(runtime={"platform": "Linux", "arch": "x64", "nodeMajor": 20}))
    assert ("Linux", "x64", "20") == tuple(ping.dimensions[name] for name in ("platform", "arch", "node"))
    assert "node" not in read(heartbeat(runtime={"platform": "linux", "arch": "x64", "nodeMajor": None})).dimensions


def test_headers() -> None:
    """The token is asked for and becomes its SHA-256; the User-Agent, which the body repeats, is not needed."""
    # 000-10 000-11
    assert sha256(b"a token").hexdigest() == read(heartbeat()).credential
    assert "token_missing" == refusal(heartbeat(), {"user-agent": "SeqDesk/1.1.130"})
    assert read(heartbeat(), {"x-seqdesk-telemetry-token": "a token"}) == read(heartbeat())


def test_a_heartbeat_has_no_time_of_its_own() -> None:
    """The time of receipt is the heartbeat's time, and it has no id: each one is a request."""
    ping = read(heartbeat())
    assert (7, "heartbeat", NOW, NOW, None) == (ping.app, ping.kind, ping.at, ping.received, ping.id)


@pytest.mark.parametrize("part", list(KEYS))
def test_nothing_else_is_kept(part: str) -> None:
    """Keys beyond the enumerated ones are dropped wherever they stand, and counted."""
    # 000-23
    body = heartbeat()
    (body[part] if part else body)["hostname"] = "secret"
    request = Request(HEADERS, json.dumps(body).encode(), 7, NOW, frozenset())
    reading = SeqDesk().read(request)
    assert 1 == reading.dropped
    assert (read(heartbeat()),) == reading.items
