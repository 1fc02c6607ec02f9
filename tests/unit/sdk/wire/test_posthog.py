"""SlackONOS's events in PostHog's capture protocol."""

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from homing.testing import FixedClock
from tests.unit.sdk.doubles import SECONDS, Outbox, keys, sent, telemetry

EVERY = {"instance_id", "os_platform", "os_release", "node_version", "app_version", "release"}


def events(place: Path, **given: Any) -> list[Any]:
    """Return the events of one run, out of their envelopes."""
    found = sent(place, policy="slackonos", key="phc_x", file=place / "config.json", **given)
    return [event for _, body in found for event in body["batch"]]


def test_the_life_of_an_application(tmp_path: Path) -> None:
    """It starts, lives and ends, and each event has the documented fields and no others."""
    # 004-02 004-03 004-04 004-05 004-07 004-08
    startup, heartbeat, shutdown = events(tmp_path, values={"properties.release": "v2.3.5"})
    assert ["startup", "heartbeat", "shutdown"] == [each["event"] for each in (startup, heartbeat, shutdown)]
    assert EVERY == keys(startup["properties"])
    assert EVERY | {"uptime_hours", "uptime_days"} == keys(heartbeat["properties"])
    assert EVERY | {"total_runtime_hours", "total_runtime_days"} == keys(shutdown["properties"])
    own = startup["properties"]
    assert ("1.2.3", "v2.3.5", sys.platform, None) == (
        own["app_version"],
        own["release"],
        own["os_platform"],
        own["node_version"],
    )


def test_the_envelope(tmp_path: Path) -> None:
    """One event stands in a batch with the key and the time of sending, and has no header of its own."""  # 004-01
    [(request, body), *_rest] = sent(tmp_path, policy="slackonos", key="phc_x", endpoint="")
    assert "https://us.i.posthog.com/batch/" == request.endpoint.url
    assert {"User-Agent": "SlackONOS/1.2.3"} == request.headers
    [event] = body.pop("batch")
    assert {"api_key": "phc_x", "sent_at": "2024-10-04T00:00:00.000Z"} == body
    assert {"event", "distinct_id", "timestamp", "uuid", "properties"} == set(event)
    assert 4 == UUID(event["uuid"]).version


def test_one_id(tmp_path: Path) -> None:
    """All events have one id, made once and kept in the settings file beside what else is there."""  # 004-02
    (tmp_path / "config.json").write_text('{"slackToken": "xoxb", "telemetryEnabled": true}')
    ids = {event["distinct_id"] for _ in range(2) for event in events(tmp_path)}
    kept = json.loads((tmp_path / "config.json").read_text())
    assert {kept.pop("telemetryInstanceId")} == ids
    assert {"slackToken": "xoxb", "telemetryEnabled": True} == kept


def test_uptime(tmp_path: Path) -> None:
    """Hours and days are whole."""  # 004-04 004-05
    clock, outbox = FixedClock(), Outbox()
    file = tmp_path / "config.json"
    with telemetry(tmp_path, policy="slackonos", file=file, clock=clock, transport=outbox) as sending:
        clock.advance(seconds=49 * 3600 + 3599)
        sending.send_now(SECONDS)
    _, heartbeat, shutdown = (json.loads(body)["batch"][0]["properties"] for body in outbox.bodies)
    assert (49, 2) == (heartbeat["uptime_hours"], heartbeat["uptime_days"])
    assert (49, 2) == (shutdown["total_runtime_hours"], shutdown["total_runtime_days"])
