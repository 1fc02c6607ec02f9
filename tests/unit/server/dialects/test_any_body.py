"""Whatever anybody sends: never a fault of ours, nothing stored on refusal, and what is accepted is counted exactly."""

import base64
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.server.stores.base import App
from tests.conftest import STORE_CHECKS
from tests.receiving import HEARTBEAT, NATIVE, TOKEN, TOKEN_HEADER, Reply, Site, heartbeat, pings_headers, site

PACK: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": bytes,
}


PATHS: Final = {
    "seqdesk": HEARTBEAT,
    "sirveo": "/sirveo",
    "flowfuse": "/ping",
    "posthog": "/batch/",
    "posthog in a form": "/e/?compression=base64",
    "posthog from a browser": "/e/?compression=gzip-js&_=1728000000000",
    "posthog 1": "/i/v1/analytics/events",
}
"""Where to send to, below the key."""


class Place(NamedTuple):
    """An app of a receiver, and how to send to it."""

    site: Site
    app: App
    key: str

    def send(self, dialect: str, body: bytes, encoding: str = "") -> Reply:
        """Send a body in a dialect."""
        extra = {"Content-Encoding": encoding} if encoding else {}
        if dialect == "native":
            return self.site.send("POST", NATIVE, {**pings_headers(self.key), **extra}, body)
        return self.site.send("POST", f"/in/{self.key}{PATHS[dialect]}", {TOKEN_HEADER: TOKEN, **extra}, body)

    def state(self) -> tuple[int, int]:
        """Return the requests and instances of the app."""
        return self.site.requests(self.app), len(self.site.instances(self.app))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A receiver with one app."""
    with site(tmp_path_factory.mktemp("any")) as made:
        yield Place(made, *made.add_app(dimensions=["edition"]))


numbers = st.one_of(
    st.integers(), st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([2**63, -(2**63) - 1, 1e308])
)
texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(codec=None), max_size=5),
    st.sampled_from(
        ["", "\x00", "\ud800", "(other)", "linux", "x" * 101, "y" * 201, "2024-10-04T00:00:00Z", "2030-01-01T00:00:00Z"]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


deep = st.integers(28, 40).map(nested)
names = st.sampled_from(["version", "channel", "platform", "arch", "update_state", "edition", "memory"])
plausible = st.fixed_dictionaries(
    {},
    optional={
        "instance_id": st.one_of(texts, st.just("a")),
        "kind": st.one_of(texts, st.just("begin")),
        "id": st.one_of(texts, st.sampled_from(["p", "q"])),
        "at": texts,
        "dimensions": st.one_of(values, st.dictionaries(names, st.one_of(texts, scalars), max_size=4)),
        "properties": st.one_of(values, deep, st.dictionaries(texts, values, max_size=3)),
        "more": values,
    },
)
native_bodies = st.one_of(values, plausible, plausible, st.lists(st.one_of(plausible, plausible, values), max_size=8))


@st.composite
def heartbeats(draw: st.DrawFn) -> Any:
    """Draw a heartbeat in which up to three things were changed, taken away or added."""
    beat = heartbeat(instanceId=draw(st.one_of(st.just("a"), texts)))
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.one_of(st.sampled_from(sorted(beat)), texts))
        part = beat.get(key)
        if isinstance(part, dict) and draw(st.booleans()):
            part[draw(st.one_of(st.sampled_from(sorted(part)), texts) if part else texts)] = draw(values)
        elif draw(st.booleans()):
            beat.pop(key, None)
        else:
            beat[key] = draw(st.one_of(values, deep))
    return beat


GOOD: Final = (
    json.dumps(heartbeat()),
    '[{"instance_id":"a"},{"kind":"b","properties":{"x":"\\u00e9"}}]',
    '{"instance_id":"a","reason":"begin","build_os":"linux","license_valid":true,"checksum":"x"}',
    '{"instanceId":"a","os":{"type":"Linux"},"platform":{"counts":{"users":1},"config":{"driver":"x"}}}',
    '{"batch":[{"event":"x","distinct_id":"a","timestamp":"2024-10-03T12:00:00Z","uuid":"u","properties":{"$os":"x"}}]}',
    "data=eyJldmVudCI6IngiLCJkaXN0aW5jdF9pZCI6ImEifQ%3D%3D",
)
"""A good body of each dialect."""


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a good body, cut, changed or grown somewhere."""
    whole = draw(st.sampled_from(GOOD))
    body = bytearray(whole.encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        end = draw(st.integers(at, min(len(body), at + 8)))
        body[at:end] = draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b"", b'"', b"[", b"]", b"{", b"\\u0000", b"\\ud800"]))
        )
    return bytes(body)


def check(place: Place, dialect: str, body: bytes, encoding: str = "") -> Reply:
    """Send a body; the answer is right, and everything that was stored was counted as accepted."""
    before, earlier = place.state(), Counter(place.site.outcomes())
    place.site.store.recorded.clear()
    reply = place.send(dialect, body, encoding)
    assert reply.status < 500, reply
    became = Counter(place.site.outcomes()) - earlier
    after = place.state()
    assert became["accepted"] == after[0] - before[0] == len(place.site.store.accepted())
    assert became["accepted"] or before == after
    fine = not became or bool({"accepted", "duplicate"} & became.keys())
    assert (reply.status == 200) == fine or dialect == "posthog 1"
    assert (place.site.outcomes().get("internal", 0), 0) == (0, place.site.receiver.desk.pings)
    if dialect in ("native", "seqdesk"):
        check_told(reply, became)
    return reply


def check_told(reply: Reply, became: Counter[str]) -> None:
    """The answer names what became of each ping, and the reason where one was refused."""
    told = reply.json.get("results", [reply.json])
    assert became == Counter(each["outcome"] for each in told)
    for each in told:
        assert (each["outcome"] in {"accepted", "duplicate"}) == ("error" not in each)


@pytest.mark.parametrize("dialect", ["native", *PATHS])
@settings(suppress_health_check=STORE_CHECKS, max_examples=100)
@given(body=st.one_of(st.binary(max_size=200), damaged(), damaged()))
def test_any_bytes(place: Place, dialect: str, body: bytes) -> None:
    """Any bytes are answered properly."""
    check(place, dialect, body)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
@settings(suppress_health_check=STORE_CHECKS, max_examples=40)
@given(body=damaged(), packed=st.booleans(), cut=st.integers(0, 3))
def test_any_encoding(place: Place, encoding: str, body: bytes, packed: bool, cut: int) -> None:  # noqa: FBT001 - drawn
    """Bodies may call themselves compressed and be, or not be, or be cut off."""
    if packed:
        body = PACK[encoding](body)
    check(place, "native", body[: len(body) - cut], encoding)


@settings(suppress_health_check=STORE_CHECKS, max_examples=150)
@given(native_bodies)
def test_any_json_as_pings(place: Place, body: Any) -> None:
    """Any JSON is answered properly, with one result for each item of an array and one for anything else."""
    reply = check(place, "native", json.dumps(body).encode())
    if "results" in reply.json:
        assert (len(body) if isinstance(body, list) else 1) == len(reply.json["results"])


@settings(suppress_health_check=STORE_CHECKS, max_examples=150)
@given(st.one_of(heartbeats(), heartbeats(), values))
def test_any_json_as_a_heartbeat(place: Place, body: Any) -> None:
    """Any JSON is answered properly, and nothing but the documented fields is ever stored."""
    before = len(place.site.entries(place.app))
    check(place, "seqdesk", json.dumps(body).encode())
    added = len(place.site.entries(place.app)) - before
    assert added in {0, 1}
    for ping in place.site.store.accepted():
        assert {"version", "platform", "arch", "update_state", "database", "node"} >= ping.dimensions.keys()
        assert {"protocolVersion", "installedVersion", "installProfile", "update"} == ping.properties.keys()
        assert {"id", "version"} == ping.properties["installProfile"].keys()
        assert {"available", "latestVersion"} == ping.properties["update"].keys()


anything = st.one_of(scalars, values, deep)
sirveo_events = st.fixed_dictionaries(
    {"instance_id": st.one_of(st.just("a"), texts), "reason": st.one_of(st.just("begin"), texts)},
    optional={name: st.one_of(texts, anything) for name in ("build_version", "license_valid", "checksum", "custom_id")},
)
flowfuse_pings = st.fixed_dictionaries(
    {"instanceId": st.one_of(st.just("a"), texts)},
    optional=dict.fromkeys(("os", "env", "platform", "more"), anything),
)
posthog_events = st.fixed_dictionaries(
    {"event": st.one_of(st.just("x"), texts), "distinct_id": st.one_of(st.just("a"), scalars)},
    optional={
        "uuid": st.one_of(texts, st.sampled_from(["p", "q"])),
        "timestamp": st.one_of(texts, scalars),
        "offset": scalars,
        "options": anything,
        "properties": st.one_of(anything, st.dictionaries(st.sampled_from(["$os", "release", "instance_id"]), scalars)),
        "more": anything,
    },
)
posthog_bodies = st.one_of(
    posthog_events,
    st.lists(st.one_of(posthog_events, values), max_size=4),
    st.fixed_dictionaries(
        {"batch": st.one_of(anything, st.lists(st.one_of(posthog_events, values), max_size=5))},
        optional={"sent_at": st.one_of(texts, scalars), "api_key": anything},
    ),
)


BODIES: Final = {
    "sirveo": sirveo_events,
    "flowfuse": flowfuse_pings,
    "posthog": posthog_bodies,
    "posthog 1": posthog_bodies,
    "posthog in a form": posthog_bodies,
}


@settings(suppress_health_check=STORE_CHECKS, max_examples=400)
@given(st.one_of([st.tuples(st.just(name), st.one_of(bodies, bodies, values)) for name, bodies in BODIES.items()]))
def test_any_json_in_other_words(place: Place, sent: tuple[str, Any]) -> None:
    """Any JSON is answered properly, whichever dialect it claims to be of."""
    dialect, value = sent
    body = json.dumps(value).encode()
    check(place, dialect, b"data=" + quote(base64.b64encode(body)).encode() if dialect.endswith("form") else body)


@settings(suppress_health_check=STORE_CHECKS, max_examples=100)
@given(st.text(max_size=30), st.one_of(posthog_bodies.map(json.dumps), st.text(max_size=30)))
def test_any_key(place: Place, query: str, body: str) -> None:
    """Whatever stands where a key may be, in the address or in the body, opens nothing."""
    reply = place.site.send("POST", f"/batch?{query}", {}, body.encode("utf-8", "replace"))
    assert reply.status in (400, 401), reply
