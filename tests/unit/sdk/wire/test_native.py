"""Homing's own form."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from homing import __version__
from homing.sdk.machine import in_container
from homing.sdk.payload import Moment
from homing.sdk.sources import CI_VARIABLES
from homing.sdk.wire.native import ROWS
from tests.unit.sdk.doubles import SECONDS, Outbox, telemetry


def sent(directory: Path, **given: Any) -> tuple[Any, Any]:
    """Send one ping, and return the request with its body's value."""
    outbox = Outbox()
    with telemetry(directory, transport=outbox, **given) as sending:
        sending.send_now(SECONDS)
    return outbox.requests[0], json.loads(outbox.bodies[0])


def test_the_body(tmp_path: Path) -> None:
    """It has the keys the receiver reads and no others."""
    _, body = sent(tmp_path, values={"dimensions.channel": "beta"})
    dimensions = body.pop("dimensions")
    assert ("1.2.3", "beta", sys.platform) == (dimensions["version"], dimensions["channel"], dimensions["platform"])
    assert ["version", "channel", "platform", "arch"] == list(dimensions)
    own = {"sdk": __version__, "python": f"3.{sys.version_info.minor}"}
    assert own | ({"container": True} if in_container() else {}) == body.pop("properties")
    assert "2024-10-04T00:00:00.000Z" == body.pop("at")
    assert ["instance_id", "kind", "id"] == list(body)
    assert "heartbeat" == body["kind"]
    assert re.fullmatch(r"[0-9a-f-]{36}", body["id"])


def test_the_headers(tmp_path: Path) -> None:
    """The key is a bearer token."""
    request, _ = sent(tmp_path)
    assert {"User-Agent": f"Homing/{__version__}", "Authorization": "Bearer k"} == request.headers


def test_the_path(tmp_path: Path) -> None:
    """The usual path is added where there is none."""
    for number, (endpoint, url) in enumerate(
        [
            ("http://a.b", "http://a.b/v1/pings"),
            ("http://a.b:8400/", "http://a.b:8400/v1/pings"),
            ("http://a.b/in/k/v1/pings", "http://a.b/in/k/v1/pings"),
        ]
    ):
        assert url == sent(tmp_path / str(number), endpoint=endpoint)[0].endpoint.url


def test_what_is_no_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of tests and a container are told; elsewhere nothing is said of either."""
    rows = {row.name: row.probe for row in ROWS}
    moment = Moment("1.2.3", "i", "heartbeat", 0, "p")
    for variable in CI_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    assert rows["properties.ci"](moment) is None
    monkeypatch.setenv("TF_BUILD", "True")
    assert rows["properties.ci"](moment) is True
    assert rows["properties.container"](moment) is (in_container() or None)
