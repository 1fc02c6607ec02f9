"""What all dialects share: reading JSON within limits, and answering."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import ACCEPTED, DUPLICATE, OUTCOMES, Refusal, Verdict
from homing.server.app import DIALECTS
from homing.server.dialects.base import NUL, SOUND_DEPTH, bearer, check, decode, parse, refused, status_of, told


def refusal(body: bytes) -> str:
    """Return the name of a body's refusal."""
    with pytest.raises(Refusal) as caught:
        decode(body)
    return caught.value.outcome.name


def value_or_name(body: bytes) -> Any:
    """Return the value in a body, or the name of its refusal."""
    try:
        return decode(body)
    except Refusal as caught:
        return caught.outcome.name


def nested(depth: int) -> bytes:
    """Return objects in objects."""
    return b'{"a":' * depth + b"1" + b"}" * depth


whole = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
scalars = st.one_of(st.none(), st.booleans(), whole, st.floats(allow_nan=False, allow_infinity=False), texts)
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)), max_leaves=15)


@given(values)
def test_json_is_read(value: Any) -> None:
    """Whatever JSON can say within the limits is read as it was."""
    assert value == decode(json.dumps(value).encode())
    assert value == decode(json.dumps(value, ensure_ascii=False).encode())


@given(st.binary(max_size=60))
def test_anything_else_is_refused(body: bytes) -> None:
    """Any bytes are JSON or are refused."""
    assert value_or_name(body) in ("malformed", "text", "number", "too_deep") or decode(body) == json.loads(body)


def test_depth() -> None:
    """32 levels are read, whatever they are made of."""
    assert decode(nested(32))
    assert decode(b"[" * 32 + b"]" * 32)
    assert ["too_deep"] * 3 == [refusal(nested(depth)) for depth in (33, 900, 100_000)]


def test_numbers() -> None:
    """Integers have 64 bits with a sign."""
    assert [2**63 - 1, -(2**63)] == decode(b"[9223372036854775807,-9223372036854775808]")
    for text in (b"9223372036854775808", b"-9223372036854775809", b"9" * 5000, b"1e999"):
        assert "number" == refusal(b'{"a":[' + text + b"]}")


def test_how_much() -> None:
    """A body with more than 50,000 commas is not looked through."""
    assert 50_001 == len(decode(b"[" + b"1," * 50_000 + b"1]"))
    assert "too_many" == refusal(b"[" + b"1," * 50_001 + b"1]")


odd = st.sampled_from(
    [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**30, 1e308, "\x00", "\ud800", "\\u0000", {}, []]
)
anything = st.recursive(
    st.one_of(scalars, odd),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.one_of(texts, st.just("\x00")), inner)),
    max_leaves=15,
)


@given(anything, st.integers(0, 40))
def test_what_is_sound_need_not_be_checked(value: Any, levels: int) -> None:
    """What is read as sound is the value of the body, and the check finds nothing in it; all else is checked."""
    for _ in range(levels):
        value = [value]
    body = json.dumps(value).encode()
    found, is_sound = parse(body)
    assert value == found
    if is_sound:
        check(found)
    elif NUL not in body and levels == 0:
        assert depth_of(value) > SOUND_DEPTH or isinstance(value_or_name(body), str)


def depth_of(value: Any) -> int:
    """Return how many levels a value has."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth_of, parts), default=0)


def test_text() -> None:
    """NUL and lone surrogates are refused as such; pairs, and a backslash before a u, are ordinary."""
    assert ["text"] * 4 == [
        refusal(b'"%s"' % each) for each in (b"\\u0000", b"\\ud800", b"\\uDC00\\uD800", b"x\\udfffy")
    ]
    assert ["😀", "\\ud800", "\\u0000"] == decode(rb'["\ud83d\ude00","\\ud800","\\u0000"]')
    assert "malformed" == refusal(b'["\\ud800",NaN]')
    assert "malformed" == refusal(b'["\\ud800"')


def test_bearer() -> None:
    """A bearer token is found whatever the case of its scheme; other schemes carry none."""
    headers = ["Bearer k", "bearer  k ", "BEARER k", "Basic k", "Bearer ", "Bearer", "k", ""]
    assert ["k", "k", "k", None, None, None, None, None] == [bearer({"authorization": each}) for each in headers]
    assert bearer({}) is None


REFUSED, LARGE, LATER = Refusal("shape"), Refusal("properties"), Refusal("unavailable")


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], 200),
        ([ACCEPTED, DUPLICATE], 200),
        ([DUPLICATE], 200),
        ([ACCEPTED, REFUSED], 200),
        ([REFUSED], 400),
        ([REFUSED, LARGE], 413),
        ([ACCEPTED, LATER], 503),
        ([ACCEPTED, REFUSED, OUTCOMES["internal"]], 500),
    ],
)
def test_status_of_several(verdicts: Sequence[Verdict], status: int) -> None:
    """A request is done when anything was taken, unless something must be sent again."""
    assert status == status_of(verdicts)


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_refusals_are_told(name: str) -> None:
    """Each dialect tells each refusal with its status, its name and one sentence, or in its product's own words."""
    for dialect in DIALECTS:
        answer = dialect.refuse(Refusal(name, retry_after=3))
        own = dialect.name == "flowfuse"
        status = OUTCOMES[name].status
        assert (503 if own and status == 500 else status) == answer.status
        named = {"status": "error"} if own else {"outcome": name}
        assert {**named, "error": OUTCOMES[name].sentence} == json.loads(answer.body)
        assert ("retry-after", "3") in answer.headers


def test_a_more_exact_sentence() -> None:
    """A refusal may say more than its row."""
    assert {"outcome": "shape", "error": "kind is text."} == told(Refusal("shape", "kind is text."))
    assert b"kind is text." in refused(Refusal("shape", "kind is text.")).body


def test_paths_are_of_one_dialect() -> None:
    """No two dialects claim the same path."""
    for kind in ("paths", "open_paths"):
        paths = [path for dialect in DIALECTS for path in getattr(dialect, kind)]
        assert len(paths) == len(set(paths))
