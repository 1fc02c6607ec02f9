"""The official `posthog` package for Python, unmodified, against a running receiver."""

import json
import subprocess
import sys
from typing import Any, Final

import pytest

from tests.functional.clients.conftest import Place
from tests.functional.clients.stored import check
from tests.functional.receiver import environment

UPLOADING: Final = "[PostHog] error uploading"
"""What the client says of a request that was refused; it tells `on_error` as well."""

BEGIN: Final = """
import json, sys
key, host, given = json.loads(sys.argv[1])
sent, errors = [], []
given |= {
    "before_send": lambda event: sent.append(dict(event)) or event,
    "on_error": lambda error, _items: errors.append(str(error)),
    "host": host,
}
EVENTS = [
    ("startup", {"app_version": "2.3.5", "release": "v2.3.5", "node_version": "v22.21.1"}),
    ("heartbeat", {"uptime_hours": 49, "uptime_days": 2, "nested": {"list": [1, None, "\\u00e9"]}}),
    ("heartbeat", {"uptime_hours": 49, "uptime_days": 2, "nested": {"list": [1, None, "\\u00e9"]}}),
    ("shutdown", {"total_runtime_hours": 49, "total_runtime_days": 2}),
]
"""

SYNC: Final = """
from posthog import Posthog
client = Posthog(key, **given)
for name, properties in EVENTS:
    client.capture(name, distinct_id="3f1c0f0a-1111-4222-8333-444455556666", properties=properties)
client.set(distinct_id="3f1c0f0a-1111-4222-8333-444455556666", properties={"plan": "free"})
client.group_identify("company", "acme", {"size": 5})
client.shutdown()
"""

ASYNC: Final = """
import asyncio
from posthog import AsyncPosthog
async def main():
    async with AsyncPosthog(key, **given) as client:
        for name, properties in EVENTS:
            client.capture(name, distinct_id="3f1c0f0a-1111-4222-8333-444455556666", properties=properties)
asyncio.run(main())
"""

FLAGS: Final = """
from posthog import Posthog
client = Posthog(key, **given)
found = [client.get_all_flags("a"), client.evaluate_flags("a").is_enabled("x")]
client.shutdown()
errors.append(found)
"""

END: Final = """
print(json.dumps([sent, errors], default=str))
"""

MODES: Final = [
    pytest.param({}, id="batch"),
    pytest.param({"gzip": True}, id="batch-gzip"),
    pytest.param({"capture_mode": "v1"}, id="v1"),
    pytest.param({"capture_mode": "v1", "capture_compression": "gzip"}, id="v1-gzip"),
    pytest.param({"capture_mode": "v1", "capture_compression": "deflate"}, id="v1-deflate"),
    pytest.param({"capture_mode": "v1", "capture_compression": "zstd"}, id="v1-zstd"),
]


def run(code: str, key: str, host: str, **given: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    """Run a program with a client; return the events that it sent, and what it was told of errors."""
    arguments = [sys.executable, "-c", BEGIN + code + END, json.dumps([key, host, given])]
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stderr
    assert [] == [line for line in done.stderr.splitlines() if not line.startswith(UPLOADING)]
    sent, errors = json.loads(done.stdout)
    return sent, errors


@pytest.mark.parametrize("mode", MODES)
def test_all_at_once(place: Place, mode: dict[str, Any]) -> None:
    """What is queued is sent in a batch at the end, and everything of it is stored."""
    # 004-01 004-02 004-03 004-04 004-05 004-06
    sent, errors = run(SYNC, place.key, place.url, **mode)
    assert (6, []) == (len(sent), errors)
    check(place, sent)
    [instance] = [each for each in place.instances().values() if each.instance_id.startswith("3f1c")]
    assert instance.properties["$lib"] == instance.dimensions["lib"] == "posthog-python"


@pytest.mark.parametrize("mode", MODES)
def test_one_by_one(place: Place, mode: dict[str, Any]) -> None:
    """So it is when each event is sent at once, with a key in the address in place of the project's."""
    sent, errors = run(SYNC, "phc_of_the_product", f"{place.url}/in/{place.key}", sync_mode=True, **mode)
    assert (6, []) == (len(sent), errors)
    check(place, sent)


@pytest.mark.parametrize("mode", MODES)
def test_with_asyncio(place: Place, mode: dict[str, Any]) -> None:
    """So it is with the client for asyncio."""
    sent, errors = run(ASYNC, place.key, place.url, **mode)
    assert (4, []) == (len(sent), errors)
    check(place, sent)


def test_flags(place: Place) -> None:
    """The client asks for flags, hears that there are none, and goes on."""
    _sent, [found] = run(FLAGS, place.key, place.url)
    assert [{}, False] == found


@pytest.mark.parametrize("mode", [{}, {"capture_mode": "v1"}])
def test_a_wrong_key(place: Place, mode: dict[str, Any]) -> None:
    """The client is told, gives up, and nothing is stored."""
    _sent, errors = run(SYNC, "phc_nobody", place.url, **mode)
    assert errors
    assert all("401" in each for each in errors)
    assert [] == place.entries()
