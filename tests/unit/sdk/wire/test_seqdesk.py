"""SeqDesk's heartbeat."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.unit.sdk.doubles import SECONDS, Outbox, telemetry

TOLD: dict[str, Any] = {
    "installedVersion": lambda: "1.1.131",
    "installProfile.id": "twincore",
    "installProfile.version": "1.0.0",
    "update.available": True,
    "update.latestVersion": "1.1.131",
    "database.provider": "postgresql",
    "runtime.nodeMajor": 20,
}


def sent(directory: Path, **given: Any) -> tuple[Any, Any]:
    """Send one heartbeat, and return the request with its body's value."""
    outbox = Outbox()
    with telemetry(directory, policy="seqdesk", version="1.1.130", transport=outbox, **given) as sending:
        sending.send_now(SECONDS)
    return outbox.requests[0], json.loads(outbox.bodies[0])


def test_every_field_told(tmp_path: Path) -> None:
    """The body is the documented one."""  # 000-03 000-05 000-06 000-07 000-08 000-09
    _, body = sent(tmp_path, values=TOLD)
    arch = body["runtime"].pop("arch")
    assert {
        "protocolVersion": 1,
        "instanceId": (tmp_path / "instance-id").read_text().strip(),
        "runningVersion": "1.1.130",
        "installedVersion": "1.1.131",
        "installProfile": {"id": "twincore", "version": "1.0.0"},
        "update": {"available": True, "latestVersion": "1.1.131"},
        "database": {"provider": "postgresql"},
        "runtime": {"platform": sys.platform, "nodeMajor": 20},
    } == body
    assert arch in ("x64", "arm64") or arch


def test_no_field_told(tmp_path: Path) -> None:
    """No key is absent; what may be null is null, and what may not says that it is unknown."""  # 000-02 000-06
    _, body = sent(tmp_path, values={"database.provider": "oracle"})
    assert ({"id": None, "version": None}, {"provider": "unknown"}) == (body["installProfile"], body["database"])
    assert {"available": False, "latestVersion": None} == body["update"]
    assert (None, "1.1.130") == (body["runtime"]["nodeMajor"], body["installedVersion"])


def test_the_headers(tmp_path: Path) -> None:
    """There are the two of the document, and the token is of 32 random bytes."""  # 000-10
    request, _ = sent(tmp_path)
    assert ["User-Agent", "X-SeqDesk-Telemetry-Token"] == list(request.headers)
    assert "SeqDesk/1.1.130" == request.headers["User-Agent"]
    assert re.fullmatch(r"[\w-]{43}", request.headers["X-SeqDesk-Telemetry-Token"])


def test_the_path(tmp_path: Path) -> None:
    """The usual path stands behind the app's key where there is one."""
    for number, (endpoint, key, url) in enumerate(
        [
            ("http://a.b", "", "http://a.b/api/telemetry/heartbeat"),
            ("http://a.b", "k", "http://a.b/in/k/api/telemetry/heartbeat"),
            ("http://a.b/in/k/api/telemetry/heartbeat", "", "http://a.b/in/k/api/telemetry/heartbeat"),
        ]
    ):
        assert url == sent(tmp_path / str(number), endpoint=endpoint, key=key)[0].endpoint.url
