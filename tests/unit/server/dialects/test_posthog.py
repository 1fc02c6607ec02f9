"""PostHog's capture: what becomes of events, what is answered, and what the SDKs ask beside."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.clock import iso_time
from homing.outcomes import ACCEPTED, DUPLICATE, Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import Headers, Reading, Request
from homing.server.dialects.posthog.analytics import Analytics
from homing.server.dialects.posthog.capture import Capture
from homing.server.dialects.posthog.quiet import quiet_answer

NOW = 1_728_000_000_123
AGENT = {"user-agent": "posthog-node/5.48.1"}
EVERY = {"instance_id": "3f1c", "os_platform": "linux", "os_release": "6.1.0", "node_version": "v22.21.1"}
"""The properties of every event of document 004."""


def reading(body: Any, query: str = "", headers: Headers = AGENT) -> Reading:
    """Read a body of version 0."""
    return Capture().read(Request(headers, json.dumps(body).encode(), 7, NOW, frozenset(), query))


def read(event: str = "startup", *, properties: dict[str, Any] | None = None, **more: Any) -> Ping:
    """Return the ping of one event."""
    sent = {"event": event, "distinct_id": "3f1c", "properties": {**EVERY, **(properties or {})}, **more}
    [item] = reading({"batch": [sent]}).items
    assert isinstance(item, Ping), item
    return item


def test_every_event() -> None:
    """The instance is the distinct id; the system and Node's major version are counted, its release is kept."""
    # 004-02
    ping = read()
    assert ("3f1c", "startup", 7) == (ping.instance, ping.kind, ping.app)
    assert {"platform": "linux", "node": "22"} == ping.dimensions
    assert EVERY.items() <= ping.properties.items()


def test_startup() -> None:
    """The application's version and release are counted."""
    # 004-03
    ping = read("startup", properties={"app_version": "2.3.5", "release": "v2.3.5"})
    assert ("2.3.5", "v2.3.5") == (ping.dimensions["version"], ping.dimensions["release"])


@pytest.mark.parametrize(
    ("event", "numbers"),
    [
        ("heartbeat", {"uptime_hours": 49, "uptime_days": 2}),  # 004-04
        ("shutdown", {"total_runtime_hours": 49, "total_runtime_days": 2}),  # 004-05
    ],
)
def test_uptime(event: str, numbers: dict[str, int]) -> None:
    """Heartbeat and shutdown have their hours and days, and each stands in the history."""
    # 004-04 004-05
    ping = read(event, properties=numbers)
    assert (event, False) == (ping.kind, ping.repeats)
    assert numbers.items() <= ping.properties.items()


def test_what_is_added() -> None:
    """The time of receipt stands for a missing one, and the User-Agent is kept."""
    # 004-06
    ping = read()
    assert (NOW, NOW, "posthog-node/5.48.1") == (ping.at, ping.received, ping.properties["$user_agent"])
    [bare] = reading([{"event": "x", "distinct_id": "a"}], headers={}).items
    assert isinstance(bare, Ping)
    assert {} == bare.properties


def test_headers_are_kept_in_part() -> None:
    """They are kept with every event of a request, so the beginning must do."""
    [item] = reading([{"event": "x", "distinct_id": "a"}], headers={"user-agent": "a" * 60_000}).items
    assert isinstance(item, Ping)
    assert {"$user_agent": "a" * 200} == item.properties


def test_no_address() -> None:
    """An address is dropped, whoever sends it."""
    # 004-07
    assert "198.51.100.7" not in str(read(properties={"$ip": "198.51.100.7"}, **{"$ip": "198.51.100.7"}))


def test_events_share_what_is_counted() -> None:
    """Events with the same values share their dimensions; others have their own, whatever stands in their place."""
    plain: dict[str, Any] = {"event": "x", "distinct_id": "a"}
    given: list[Any] = [
        {"$os": "Linux"},
        {"$os": "Linux", "more": 1},
        {"$os": 1},
        {"$os": True},
        {"$os": ["Linux"]},
        {},
    ]
    found = [item.dimensions for item in reading([{**plain, "properties": each} for each in given]).items]  # type: ignore[union-attr]
    assert [{"platform": "Linux"}, {"platform": "Linux"}, {}, {}, {}, {}] == found


times = st.integers(1_000_000_000_000, 2_000_000_000_000)


@given(times, st.integers(0, 10**9))
def test_clocks_are_corrected(clock: int, age: int) -> None:
    """Whatever the sender's clock shows, an event of that age is taken as of that age."""
    body = {"batch": [{"event": "x", "distinct_id": "a", "timestamp": iso_time(clock - age)}]}
    [version_0] = reading({**body, "sent_at": iso_time(clock)}).items
    [in_the_address] = reading(body["batch"], f"ip=1&_={clock}&ver=1").items
    headers = {"posthog-request-timestamp": iso_time(clock)}
    [version_1] = Analytics().read(Request(headers, json.dumps(body).encode(), 7, NOW, frozenset())).items
    for item in (version_0, in_the_address, version_1):
        assert isinstance(item, Ping)
        assert (NOW - age, NOW) == (item.at, item.received)


def test_a_clock_that_says_nothing() -> None:
    """Without a time of sending, or with one that is none, the event's own time is taken."""
    event = {"event": "x", "distinct_id": "a", "timestamp": iso_time(NOW - 5)}
    wrong: tuple[Any, ...] = (None, "", "soon", 5, True, [], "9" * 400)
    for sent_at in wrong:
        for query in ("", "_=x", "_=", "_=" + "9" * 400):
            [item] = reading({"batch": [event], "sent_at": sent_at}, query).items
            assert isinstance(item, Ping)
            assert NOW - 5 == item.at


KEYS = [
    ({"api_key": "k", "batch": []}, "k"),
    ({"token": "k"}, "k"),
    ([{"event": "x", "properties": {"token": "k"}}, {"token": "other"}], "k"),
    ({"batch": [{"properties": {"token": "k"}}]}, "k"),
    ({"api_key": "", "token": "k"}, "k"),
    ({"api_key": 5}, None),
    ({"batch": {}}, None),
    ([], None),
    (None, None),
]


@pytest.mark.parametrize(("body", "key"), KEYS)
def test_keys(body: Any, key: str | None) -> None:
    """The key is found in the envelope, in an event, or in its properties."""
    found, (value, _is_sound) = Capture().look_in(json.dumps(body).encode())
    assert (key, body) == (found, value)


@pytest.mark.parametrize(("opened", "closed"), [('{"properties":', "}"), ('{"batch":[', "]}"), ("[", "]")])
def test_a_key_that_lies_deep(opened: str, closed: str) -> None:
    """No key is looked for where none is ever sent, however deep a stranger's body is."""
    body = opened * 400 + '{"token":"k"}' + closed * 400
    assert Capture().look_in(body.encode())[0] is None


def test_a_stranger_is_not_read_slowly() -> None:
    """Before its key is known a long body is read in one way only; a short one, and anybody's later, in two."""
    event = {"event": "x", "distinct_id": "a", "token": "k", "note": "\ud800"}
    short, long = (json.dumps({"api_key": "k", "batch": [event] * times}).encode() for times in (1, 2_000))
    assert "k" == Capture().look_in(short)[0]
    with pytest.raises(Refusal, match="malformed"):
        Capture().look_in(long)


def test_keys_before_the_body() -> None:
    """It may be in the address or in a header; nonsense there is no key."""
    capture = Capture()
    assert ["k", "k", None, None] == [capture.key({}, each) for each in ("token=k", "a=1&api_key=k", "token=", "a=%")]
    assert "k" == capture.key({"authorization": "Bearer k"}, "")
    assert capture.key({}, "&".join(f"a{n}=1" for n in range(1000)) + "&token=k") is None


WAIT = Refusal("unavailable", retry_after=5)
OLD = Refusal("too_old")


@pytest.mark.parametrize(
    ("verdicts", "status", "told"),
    [
        ([], 200, {"status": 1}),
        ([ACCEPTED, DUPLICATE], 200, {"status": 1}),
        ([ACCEPTED, OLD], 200, {"status": 1, "refused": 1}),
        ([OLD, OLD], 400, {"status": 0, "refused": 2}),
        ([ACCEPTED, WAIT], 503, {"status": 0, "refused": 1}),
    ],
)
def test_answers_of_version_0(verdicts: list[Verdict], status: int, told: dict[str, int]) -> None:
    """A batch is done when any event was taken, unless something must be sent again."""
    # 004-01
    answer = Capture().answer(Reading(()), verdicts)
    body = json.loads(answer.body)
    assert (status, told) == (
        answer.status,
        {name: each if name == "status" else len(each) for name, each in body.items()},
    )
    assert (("retry-after", "5") in answer.headers) == (WAIT in verdicts)


@pytest.mark.parametrize(
    ("verdicts", "status", "results"),
    [
        ([], 200, []),
        ([ACCEPTED, DUPLICATE], 200, ["ok", "ok"]),
        ([ACCEPTED, OLD, WAIT], 200, ["ok", "drop", "retry"]),
        ([OLD], 200, ["drop"]),
        ([WAIT, WAIT], 503, ["retry", "retry"]),
    ],
)
def test_answers_of_version_1(verdicts: list[Verdict], status: int, results: list[str]) -> None:
    """Each event has its result; when all must be sent again the status says so."""
    # 004-01
    names = [f"u-{place}" for place in range(len(verdicts))]
    answer = Analytics().answer(Reading((), 0, names), verdicts)
    assert status == answer.status
    assert results == [each["result"] for each in json.loads(answer.body)["results"].values()]


def test_a_uuid_that_cannot_be_answered() -> None:
    """An event whose uuid holds a lone surrogate is refused without a result of its own; the others have theirs."""
    events = [{"event": "x", "distinct_id": "a", "uuid": each} for each in ("\ud800", "b\x00", "c")]
    found = Analytics().read(Request({}, json.dumps({"batch": events}).encode(), 7, NOW, frozenset()))
    verdicts = [item if isinstance(item, Refusal) else ACCEPTED for item in found.items]
    results = json.loads(Analytics().answer(found, verdicts).body)["results"]
    assert {"b\x00": "drop", "c": "ok"} == {name: each["result"] for name, each in results.items()}


@pytest.mark.parametrize("path", ["/flags", "/flags/", "/decide", "/decide/"])
def test_no_flags(path: str) -> None:
    """There are no flags, in the words of every version."""
    answer = quiet_answer(path)
    assert answer is not None
    told = json.loads(answer.body)
    assert ({}, {}, {}, False) == tuple(
        told[name] for name in ("flags", "featureFlags", "featureFlagPayloads", "errorsWhileComputingFlags")
    )


def test_nothing_enabled() -> None:
    """The configuration enables nothing, as JSON and as a script."""
    plain, script = quiet_answer("/array/phc_a-1/config"), quiet_answer("/array/phc_a-1/config.js")
    assert plain is not None
    assert script is not None
    config = json.loads(plain.body)
    assert [False] * 3 == [config[name] for name in ("hasFeatureFlags", "sessionRecording", "heatmaps")]
    assert "surveys" not in config
    assert (True, {}, []) == (config["autocapture_opt_out"], config["toolbarParams"], config["siteApps"])
    assert b'["phc_a-1"] = {config: ' + plain.body in script.body
    assert ("content-type", "application/javascript") in script.headers


@pytest.mark.parametrize(
    "path", ["/array//config", "/array/a/b/config", "/array/<x>/config.js", '/array/"/config.js', "/flag"]
)
def test_what_is_no_question(path: str) -> None:
    """Anything else is not answered, least of all with what a stranger put into the address."""
    assert quiet_answer(path) is None
