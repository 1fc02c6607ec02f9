"""The official `posthog-node`, unmodified, against a running receiver."""

from typing import Any, Final, NamedTuple

import pytest

from tests.functional.clients.conftest import Place
from tests.functional.clients.node import run
from tests.functional.clients.stored import check

BATCH: Final = "/batch/"
EVENTS: Final = "/i/v1/analytics/events"
FLAGS: Final = "/flags/"

BEGIN: Final = """
import { gunzipSync } from "node:zlib"
import { PostHog } from "posthog-node"
const [key, host, given] = JSON.parse(process.argv[1])
const requests = [], errors = []
async function bytes(body) {
    const sent = Buffer.from(await new Response(body).arrayBuffer())
    return sent[0] === 0x1f ? gunzipSync(sent) : sent
}
const client = new PostHog(key, { ...given, host, async fetch(url, options) {
    const answer = await fetch(url, options)
    requests.push({
        path: url.slice(host.length).split("?")[0], status: answer.status, cookies: answer.headers.getSetCookie(),
        encoding: options.headers["Content-Encoding"] ?? "", value: JSON.parse(await bytes(options.body)),
    })
    return answer
} })
client.on("error", (error) => errors.push(error.message))
const distinctId = "3f1c0f0a-1111-4222-8333-444455556666"
const of_all = { instance_id: distinctId, os_platform: "linux", os_release: "6.18.44", node_version: process.version }
const EVENTS = [
    ["startup", { ...of_all, app_version: "2.3.5", release: "v2.3.5" }],
    ["heartbeat", { ...of_all, uptime_hours: 49, uptime_days: 2, nested: { list: [1, null, "\\u00e9"] } }],
    ["heartbeat", { ...of_all, uptime_hours: 49, uptime_days: 2, nested: { list: [1, null, "\\u00e9"] } }],
    ["shutdown", { ...of_all, total_runtime_hours: 49, total_runtime_days: 2 }],
]
"""

QUEUED: Final = """
for (const [event, properties] of EVENTS) client.capture({ distinctId, event, properties })
client.identify({ distinctId, properties: { plan: "free" } })
client.groupIdentify({ groupType: "company", groupKey: "acme", properties: { size: 5 } })
client.captureException(new Error("seen in a program"), distinctId)
"""

AT_ONCE: Final = """
for (const [event, properties] of EVENTS) await client.captureImmediate({ distinctId, event, properties })
"""

ASKING: Final = """
const flags = await client.evaluateFlags(distinctId)
const found = [await client.getAllFlags(distinctId), flags.isEnabled("x")]
client.capture({ distinctId, event: "asked", flags })
"""

OPTED_OUT: Final = """
await client.optOut()
for (const [event, properties] of EVENTS) client.capture({ distinctId, event, properties })
"""

END: Final = """
await client.shutdown()
console.log(JSON.stringify({ requests, errors, found: typeof found === "undefined" ? null : found }))
"""

DIMENSIONS: Final = {
    "version": "2.3.5",
    "platform": "linux",
    "release": "v2.3.5",
    "node": "24",
    "lib": "posthog-node",
}

MODES: Final = [
    pytest.param("v0", {}, BATCH, "gzip", id="batch-gzip"),
    pytest.param("v0", {"disableCompression": True}, BATCH, "", id="batch"),
    pytest.param("v1", {}, EVENTS, "gzip", id="v1-gzip"),
    pytest.param("v1", {"disableCompression": True}, EVENTS, "", id="v1"),
]


class Sent(NamedTuple):
    """What a program sent: its requests, the errors it was told of, and what it found."""

    requests: list[dict[str, Any]]
    errors: list[str]
    found: Any

    def events(self) -> list[dict[str, Any]]:
        """Return the events that it sent."""
        return [event for each in self.requests for event in each["value"].get("batch", [])]

    def seen(self, name: str) -> set[Any]:
        """Return what its requests have in common."""
        return {each[name] for each in self.requests}


def send(code: str, key: str, host: str, *, capture: str = "v0", **given: Any) -> Sent:
    """Run a program with a client; no answer may have set a cookie."""
    sent = Sent(**run(BEGIN + code + END, key, host, given, POSTHOG_CAPTURE_MODE=capture))
    assert [] == [each for each in sent.requests if each["cookies"]]
    return sent


@pytest.mark.parametrize(("capture", "given", "path", "encoding"), MODES)
def test_all_at_once(place: Place, capture: str, given: dict[str, Any], path: str, encoding: str) -> None:
    """What is queued is sent in one batch at the end, and everything of it is stored."""
    # 004-01 004-02 004-03 004-04 004-05 004-06 004-08
    sent = send(QUEUED, place.key, place.url, capture=capture, **given)
    assert ([], 7, 1) == (sent.errors, len(sent.events()), len(sent.requests))
    assert ({path}, {200}, {encoding}) == (sent.seen("path"), sent.seen("status"), sent.seen("encoding"))
    check(place, sent.events())
    stored = {entry.kind: entry for entry in place.entries()}
    assert {"startup", "heartbeat", "shutdown", "$identify", "$groupidentify", "$exception"} == stored.keys()
    assert DIMENSIONS == stored["startup"].dimensions
    assert stored["startup"].properties["$user_agent"].startswith("posthog-node/")


@pytest.mark.parametrize(("capture", "given", "path", "encoding"), MODES)
def test_one_by_one(place: Place, capture: str, given: dict[str, Any], path: str, encoding: str) -> None:
    """So it is when each event is sent at once, with a key in the address in place of the project's."""
    sent = send(AT_ONCE, "phc_of_the_product", f"{place.url}/in/{place.key}", capture=capture, **given)
    assert ([], 4, 4) == (sent.errors, len(sent.events()), len(sent.requests))
    assert ({path}, {200}, {encoding}) == (sent.seen("path"), sent.seen("status"), sent.seen("encoding"))
    check(place, sent.events())


def test_flags(place: Place) -> None:
    """The client asks for flags, hears that there are none, and goes on."""
    sent = send(ASKING, place.key, place.url)
    assert ([], [{}, False]) == (sent.errors, sent.found)
    assert ({FLAGS, BATCH}, {200}) == (sent.seen("path"), sent.seen("status"))
    check(place, sent.events())


def test_opted_out(place: Place) -> None:
    """A client that opted out sends nothing."""
    assert ([], []) == (send(OPTED_OUT, place.key, place.url).requests, place.entries())


@pytest.mark.parametrize("capture", ["v0", "v1"])
def test_a_wrong_key(place: Place, capture: str) -> None:
    """The client is told once, gives up, and nothing is stored."""
    sent = send(AT_ONCE, "phc_nobody", place.url, capture=capture)
    assert ({401}, 4, 4) == (sent.seen("status"), len(sent.requests), len(sent.errors))
    assert all("401" in each for each in sent.errors)
    assert [] == place.entries()
