"""Homing's own protocol: how a body is cut into pings."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import Refusal
from homing.ping import Ping
from homing.server.dialects.base import Request
from homing.server.dialects.native import MOST_PINGS, Native

GOOD = b'{"instance_id":"good"}'
DEEP = b"[" * 500 + b"]" * 500


def items(body: bytes) -> list[str]:
    """Return for each item the instance it named, or the name of its refusal."""
    reading = Native().read(Request({}, body, 1, 0, frozenset()))
    return [str(item.instance) if isinstance(item, Ping) else item.outcome.name for item in reading.items]


def refusal(body: bytes) -> str:
    """Return the name of the refusal of a whole body."""
    with pytest.raises(Refusal) as caught:
        items(body)
    return caught.value.outcome.name


texts = st.text(st.sampled_from('",:[]{}\\ab \n\u00e9'), max_size=8)
good = st.builds(lambda text, more: {"instance_id": "good", "more": [text, more]}, texts, st.lists(texts, max_size=2))
bad = st.sampled_from(
    [DEEP, b'"\\ud800"', b'{"a":"\\ud800,]"}', b'{"a":"\\u0000"}', b'{"a":1e999}', b"9" * 5000, b"null"]
)
parts = st.one_of(good.map(lambda each: json.dumps(each).encode()), bad)


@given(st.lists(parts, min_size=1, max_size=6), st.sampled_from([b"", b" ", b"\n\t"]))
def test_bad_items_are_refused_alone(drawn: list[bytes], space: bytes) -> None:
    """However bad some items are, the others are found, as long as the whole is JSON."""
    body = space + b"[" + space + (space + b"," + space).join(drawn) + space + b"]" + space
    found = items(body)
    assert [each.startswith(b'{"instance_id"') for each in drawn] == [name == "good" for name in found]
    assert {"too_deep", "number", "text", "shape", "good"} >= set(found)


@given(st.lists(parts, min_size=1, max_size=4), st.integers(1, 40))
def test_a_batch_that_was_cut_off(drawn: list[bytes], cut: int) -> None:
    """A batch without its end is refused as a whole, wherever it was cut."""
    body = b"[" + b",".join(drawn) + b"]"
    assert refusal(body[: max(1, len(body) - cut)]) in {"malformed", "number"}


@pytest.mark.parametrize(
    "body",
    [
        b"[%s,NaN" % GOOD,
        b"[%s,]" % GOOD,
        b"[,%s]" % GOOD,
        b"[%s,NaN]]" % GOOD,
        b"[%s,NaN],[1]" % GOOD,
        b"[%s,NaN] x" % GOOD,
        b"[%s,{]" % GOOD,
        b'[%s,"a]' % GOOD,
        b"[%s,NaN}" % GOOD,
    ],
)
def test_where_it_is_not_clear(body: bytes) -> None:
    """An array that does not add up is refused as a whole."""
    assert "malformed" == refusal(body)


def test_beyond_what_can_be_read() -> None:
    """A body nested thousands deep is refused as a whole."""
    assert "too_deep" == refusal(b"[%s,%s]" % (GOOD, b"[" * 100_000 + b"]" * 100_000))


def test_how_many() -> None:
    """1,000 pings are read, one more is too many."""
    assert MOST_PINGS == len(items(b"[" + b",".join([GOOD] * MOST_PINGS) + b"]"))
    assert "too_many" == refusal(b"[" + b",".join([GOOD] * (MOST_PINGS + 1)) + b"]")


def test_one_object_is_an_array_of_one() -> None:
    """A body that is no array is one ping, good or bad."""
    assert [["good"], ["shape"]] == [items(each) for each in (GOOD, b"1")]
    assert ["malformed", "malformed"] == [refusal(each) for each in (b"x", b"")]


def read(value: Any) -> Ping:
    """Return the ping in a body."""
    [item] = Native().read(Request({}, json.dumps(value).encode(), 7, 1_728_000_000_000, frozenset())).items
    assert isinstance(item, Ping)
    return item


def test_defaults() -> None:
    """A ping of nothing is a heartbeat of nobody, now."""
    assert Ping(7, None, "heartbeat", 1_728_000_000_000, 1_728_000_000_000, None, {}, {}, None) == read({})


def test_times() -> None:
    """`at` is any RFC 3339 time with an offset."""
    for text in ("2024-10-04T00:00:00Z", "2024-10-04T02:00:00+02:00", "2024-10-04T00:00:00.000000+00:00"):
        assert 1_728_000_000_000 == read({"at": text}).at
