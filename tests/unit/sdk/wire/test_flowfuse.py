"""FlowFuse's usage ping."""

import json
import os
from pathlib import Path
from typing import Any

from homing import Licence
from tests.unit.sdk.doubles import keys, sent

DOCUMENT: dict[str, Any] = json.loads("""
{
  "instanceId": "5db51f99-c6fb-4340-9c19-78adce58cc1b",
  "os": { "type": "Darwin", "release": "20.5.0", "arch": "x64" },
  "env": { "nodejs": "v16.19.1", "flowforge": "1.0.0" },
  "platform": {
    "counts": {
      "users": 6, "teams": 5, "projects": 4, "devices": 9, "projectSnapshots": 16, "projectTemplates": 7,
      "projectStacks": 2, "libraryEntries": 0, "sharedLibraryEntries": 2
    },
    "config": {
      "driver": "localfs", "broker": { "enabled": true }, "fileStore": { "enabled": true },
      "email": { "enabled": false }
    },
    "license": { "id": "4c105579-782b-4d53-af62-cf7fa69f6b43", "type": "DEV" }
  }
}
""")
"""What the document shows."""

COUNTS = DOCUMENT["platform"]["counts"]
LICENCE = Licence(**DOCUMENT["platform"]["license"])


def ping(place: Path, **given: Any) -> tuple[Any, Any]:
    """Send one ping, and return the request with its body's value."""
    [found] = sent(place, policy="flowfuse", key="", **given)
    return found


def told() -> dict[str, Any]:
    """Return what the host says, the counts by functions."""
    counts = {f"platform.counts.{name}": lambda number=number: number for name, number in COUNTS.items()}
    switches = {f"platform.config.{name}.enabled": name != "email" for name in ("broker", "fileStore", "email")}
    return {**counts, **switches, "platform.config.driver": "localfs", "env.nodejs": "v16.19.1"}


def test_the_document(tmp_path: Path) -> None:
    """With everything told the body is the document's, but for the id, the machine and the version."""
    # 003-06 003-07 003-08 003-09
    _, body = ping(tmp_path, values=told(), licence=lambda: LICENCE, version="1.0.0")
    assert keys(DOCUMENT) == keys(body)
    assert DOCUMENT["platform"] == body["platform"]
    assert DOCUMENT["env"] == body["env"]
    named = os.uname()
    assert (named.sysname, named.release) == (body["os"]["type"], body["os"]["release"])


def test_nothing_told(tmp_path: Path) -> None:
    """No key is missing; counts are null, and without a licence its id is empty and its type CE."""  # 003-02 003-09
    _, body = ping(tmp_path)
    assert keys(DOCUMENT) == keys(body)
    assert {None} == set(body["platform"]["counts"].values())
    assert {"id": "", "type": "CE"} == body["platform"]["license"]
    assert None is body["env"]["nodejs"]


def test_a_count_that_fails(tmp_path: Path) -> None:
    """One count that fails is null, the others are sent."""  # 003-07
    _, body = ping(tmp_path, values={**told(), "platform.counts.users": lambda: 1 / 0})
    assert {**COUNTS, "users": None} == body["platform"]["counts"]


def test_where_it_goes(tmp_path: Path) -> None:
    """It is posted to the root of the maker's host, behind the app's key where there is one."""  # 003-13
    for number, (endpoint, key, url) in enumerate(
        [
            ("", "", "https://ping.flowforge.com/"),
            ("http://a.b", "", "http://a.b/"),
            ("http://a.b", "k", "http://a.b/in/k/"),
            ("http://a.b/ping", "", "http://a.b/ping"),
        ]
    ):
        [(request, _)] = sent(tmp_path / str(number), policy="flowfuse", endpoint=endpoint, key=key)
        assert url == request.endpoint.url
        assert {"User-Agent": "FlowFuse/1.2.3"} == request.headers
