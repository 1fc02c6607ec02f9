"""A request whose body arrives part by part, within limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import Refusal
from homing.server.dialects.base import Answer
from homing.server.dialects.native import Native
from homing.server.ingest.exchange import MOST_PASSED_OVER, Exchange, Text
from homing.server.ingest.inflate import MOST_BYTES
from homing.server.ingest.routes import Route


def exchange(**headers: str) -> Exchange:
    """Return a request with these headers."""
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    route = Route(Native(), None, None)
    return Exchange(route, "POST", peer="192.0.2.1", query="", headers=Text(named), send=_unsent)


def _unsent(answer: Answer) -> None:
    raise AssertionError(answer)


@given(st.lists(st.binary(max_size=100)))
def test_parts_are_joined(parts: list[bytes]) -> None:
    """A body in several parts is one body."""
    made = exchange()
    assert all(made.feed(part) for part in parts)
    assert b"".join(parts) == made.body()


@pytest.mark.parametrize("parts", [1, 16])
def test_the_limit_is_one_mebibyte(parts: int) -> None:
    """1 MiB is read, one byte more is not, in one part or in many."""
    made = exchange()
    for _ in range(parts):
        assert made.feed(b"x" * (MOST_BYTES // parts))
    assert MOST_BYTES == len(made.body())
    assert made.feed(b"x")
    with pytest.raises(Refusal, match="too_large"):
        made.body()


def test_an_oversized_body_is_passed_over() -> None:
    """So that its sender sees the answer, an oversized body is read on and thrown away, up to 8 MiB of it."""
    made, part = exchange(), b"x" * 65536
    taken = 0
    while made.feed(part):
        taken += 1
        assert len(made._body) <= MOST_BYTES  # noqa: SLF001 - what is held is what this is about
    assert MOST_PASSED_OVER == taken * len(part)


def test_nothing_is_kept_of_a_refused_body() -> None:
    """The body of a request that is refused already is passed over."""
    made = exchange()
    made.feed(b"ab")
    made.refusal = Refusal("key_unknown")
    assert made.feed(b"cd")
    assert b"" == made.body()


def test_headers() -> None:
    """Headers are found by name, and are text whatever their bytes are."""
    headers = Text({b"content-length": b"5", b"odd": b"\xff"})
    assert ("5", "\xff", "none") == tuple(headers.get(name, "none") for name in ("content-length", "odd", "other"))


def test_headers_that_come_twice() -> None:
    """What was given several times is joined in its order, as proxies that add a line of their own mean it."""
    headers = Text.of([(b"x-forwarded-for", b"192.0.2.1"), (b"host", b"x"), (b"x-forwarded-for", b"192.0.2.2")])
    assert ("192.0.2.1, 192.0.2.2", "x") == (headers.get("x-forwarded-for", ""), headers.get("host", ""))
