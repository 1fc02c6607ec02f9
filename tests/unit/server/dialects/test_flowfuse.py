"""FlowFuse's usage ping, statement by statement of document 003."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import ACCEPTED, Refusal
from homing.ping import Ping
from homing.server.dialects.base import Reading, Request
from homing.server.dialects.flowfuse import FlowFuse

NOW = 1_728_000_000_123


def reading(body: Any) -> Reading:
    """Read a ping."""
    return FlowFuse().read(Request({}, json.dumps(body).encode(), 7, NOW, frozenset()))


def read(**parts: Any) -> Ping:
    """Return the ping of an instance with these parts."""
    [item] = reading({"instanceId": "a", **parts}).items
    assert isinstance(item, Ping)
    return item


def test_the_instance_is_all_that_is_required() -> None:
    """`instanceId` is the ping's instance."""
    # 003-06
    assert ("a", {}, {}) == (read().instance, read().dimensions, read().properties)
    with pytest.raises(Refusal, match="shape"):
        reading({"os": {}})


def test_system_and_versions() -> None:
    """System, processor and version are counted as sent, of Node the major version; the rest is kept."""
    # 003-06
    ping = read(
        os={"type": "Darwin", "release": "20.5.0", "arch": "x64"}, env={"nodejs": "v16.19.1", "flowforge": "1.0.0"}
    )
    assert {"platform": "Darwin", "arch": "x64", "version": "1.0.0", "node": "16"} == ping.dimensions
    assert {"os": {"release": "20.5.0"}, "env": {"nodejs": "v16.19.1"}} == ping.properties


def test_counts() -> None:
    """Every count is kept where it stands, also those that later versions add."""
    # 003-07
    counts = {"users": 6, "teams": 5, "devicesByLastSeen": {"day": 1, "week": {"half": 0.5}}, "new": 10**12}
    assert {"platform": {"counts": counts}} == read(platform={"counts": counts}).properties


def test_config() -> None:
    """The driver is counted, the switches are kept."""
    # 003-08
    switches = {name: {"enabled": True} for name in ("broker", "fileStore", "email")}
    ping = read(platform={"config": {"driver": "localfs", **switches}})
    assert ({"driver": "localfs"}, {"platform": {"config": switches}}) == (ping.dimensions, ping.properties)


def test_licence() -> None:
    """The licence's type is counted, its id is kept."""
    # 003-09
    ping = read(platform={"license": {"id": "4c105579", "type": "DEV"}})
    assert ({"license_type": "DEV"}, {"platform": {"license": {"id": "4c105579"}}}) == (
        ping.dimensions,
        ping.properties,
    )


def test_the_time_is_that_of_receipt() -> None:
    """The ping has no time and no id; the history keeps it when something changed."""
    # 003-10
    ping = read()
    assert (NOW, NOW, None, "heartbeat", True) == (ping.at, ping.received, ping.id, ping.kind, ping.repeats)


def test_a_number_for_an_object() -> None:
    """A number below `platform` is kept even where an object is expected; for `platform` itself it is not."""
    assert {"platform": {"config": 5}} == read(platform={"config": 5}).properties
    assert {} == read(platform=0).properties


@pytest.mark.parametrize("value", [{"x": 1}, [1], 5, True, None])
def test_another_type_for_a_text(value: Any) -> None:
    """What is counted is text; anything else is no dimension, and harms nobody."""
    ping = read(platform={"license": {"type": value}, "config": {"driver": value}}, env={"nodejs": value})
    assert {} == ping.dimensions


numbers = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
words = st.text("abc.", min_size=1, max_size=4)
trees = st.recursive(st.one_of(numbers, words), lambda inner: st.dictionaries(words, inner, max_size=4), max_leaves=12)


@given(st.dictionaries(words, trees, max_size=4), st.sampled_from(["platform", "os", "env", "other"]))
def test_what_is_kept_of_what_nobody_knows(tree: dict[str, Any], where: str) -> None:
    """Below `platform` numbers and switches are kept where they stand; elsewhere, and of text, nothing is."""
    found = reading({"instanceId": "a", where: tree})
    [ping] = found.items
    assert isinstance(ping, Ping)
    kept = {where: without_texts(tree)} if where == "platform" and without_texts(tree) else {}
    assert (kept, {}) == (ping.properties, ping.dimensions)
    assert leaves(tree) - leaves(kept) == found.dropped


def without_texts(tree: dict[str, Any]) -> dict[str, Any]:
    """Return what is left of objects without text, and without what is then empty."""
    inner = {key: without_texts(value) if isinstance(value, dict) else value for key, value in tree.items()}
    return {key: value for key, value in inner.items() if not isinstance(value, str) and value != {}}


def leaves(tree: Any) -> int:
    """Count the values in objects."""
    return sum(map(leaves, tree.values())) if isinstance(tree, dict) else 1


def test_answers() -> None:
    """The answers are those of FlowFuse's own collector; a fault of ours is 503."""
    # 003-13
    dialect = FlowFuse()
    success = dialect.answer(Reading(()), [ACCEPTED])
    assert (200, {"status": "success"}) == (success.status, json.loads(success.body))
    refused = dialect.refuse(Refusal("shape", "instanceId is text."))
    assert (400, {"status": "error", "error": "instanceId is text."}) == (refused.status, json.loads(refused.body))
    assert [503, 503] == [dialect.refuse(Refusal(name)).status for name in ("internal", "unavailable")]
