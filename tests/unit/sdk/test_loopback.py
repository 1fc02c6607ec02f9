"""The guard around every test of the sending side."""

import socket
from pathlib import Path
from typing import Any

import pytest

from homing.sdk.policy import POLICIES
from homing.sdk.transports.http import HttpTransport
from tests.unit.sdk.doubles import SECONDS, telemetry


@pytest.mark.parametrize("policy", ["seqdesk", "flowfuse", "slackonos"])
def test_makers_are_out_of_reach(
    tmp_path: Path, policy: str, only_loopback: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that lets a policy send to its maker gets nowhere, and would fail: the guard has seen it."""
    names = []

    def look_up(host: bytes, port: int, **_named: Any) -> list[Any]:
        names.append(host.decode())
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    given = {"policy": policy, "endpoint": "", "key": "k" if policy == "slackonos" else "", "file": tmp_path / "c.json"}
    with telemetry(tmp_path, transport=HttpTransport(), **given) as sending:
        assert "A test tried to reach" in str(sending.send_now(SECONDS).last_error)
    assert {POLICIES[policy].endpoint.split("/")[2]} == set(names)
    assert {("192.0.2.1", 443)} == set(only_loopback)
    only_loopback.clear()
