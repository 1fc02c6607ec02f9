"""Reading a body within limits."""

import asyncio
import gzip
import sys
import tracemalloc
import zlib
from importlib.util import find_spec
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import Refusal
from homing.server.ingest.body import read_body
from homing.server.ingest.exchange import AsgiExchange, ClientGone, Receive
from homing.server.ingest.inflate import MOST_BYTES, inflate

BOMB_BYTES = 256 * 1024 * 1024


def read(*parts: bytes, gone: bool = False, **headers: str) -> bytes:
    """Read a body that arrives in parts; the client closes the connection after the last when it is `gone`."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if gone:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return asyncio.run(read_body(exchange(receive, **headers)))


def exchange(receive: Receive, **headers: str) -> AsgiExchange:
    """Return a request with these headers whose body comes from `receive`."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return AsgiExchange({"method": "POST", "query_string": b"", "headers": named}, receive, _unsent)


async def _unsent(message: Any) -> None:
    raise AssertionError(message)


def inflated(body: bytes, encoding: str) -> str:
    """Return whether a body inflates, or the name of its refusal."""
    try:
        inflate(body, encoding)
    except Refusal as caught:
        return caught.outcome.name
    return "inflated"


def refusal(*parts: bytes, **headers: str) -> str:
    """Return the name of the refusal of a body."""
    with pytest.raises(Refusal) as caught:
        read(*parts, gone=False, **headers)
    return caught.value.outcome.name


def bomb(size: int = BOMB_BYTES) -> bytes:
    """Return spaces as gzip without ever holding them."""
    stream = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b" " * 2**20
    return b"".join(stream.compress(block) for _ in range(size // len(block))) + stream.flush()


def test_parts_are_joined() -> None:
    """A body in several parts is one body."""
    assert b"abcdef" == read(b"ab", b"", b"cdef", content_length="6")


def test_the_limit_is_one_mebibyte() -> None:
    """1 MiB is read, one byte more is not, in one part or in many."""
    assert MOST_BYTES == len(read(b"x" * MOST_BYTES))
    assert "too_large" == refusal(b"x" * (MOST_BYTES + 1))
    assert "too_large" == refusal(b"x" * MOST_BYTES, b"x")


def test_an_oversized_body_is_passed_over() -> None:
    """So that its sender sees the answer, an oversized body is read on and thrown away, up to 8 MiB of it."""
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    with pytest.raises(Refusal, match="too_large"):
        asyncio.run(read_body(exchange(receive)))
    assert 8 * 16 + 1 == taken
    assert "too_large" == refusal(b"x" * MOST_BYTES, b"x", content_length="1048577")


def test_a_client_that_leaves_ends_the_reading() -> None:
    """A connection that closes before the end is no body."""
    with pytest.raises(ClientGone):
        read(b"ab", gone=True)


@given(st.binary(max_size=3000), st.integers(1, 9))
def test_whatever_was_compressed_comes_back(body: bytes, level: int) -> None:
    """Each supported encoding is undone exactly."""
    raw = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    assert body == inflate(gzip.compress(body, level), "gzip")
    assert body == inflate(zlib.compress(body, level), "deflate")
    assert body == inflate(raw.compress(body) + raw.flush(), "deflate")
    assert body == inflate(body, "identity")


@given(st.binary(max_size=3000), st.integers(1, 9))
def test_zstd(body: bytes, level: int) -> None:
    """So is zstd, with its length in front or without."""
    for told in (True, False):
        stream = zstandard.ZstdCompressor(level, write_content_size=told)
        assert body == inflate(stream.compress(body), "zstd")


def test_zstd_that_asks_for_much_memory() -> None:
    """A window larger than 8 MiB is refused: a stranger chooses it, and the receiver would hold it."""
    long = zstandard.ZstdCompressionParameters(window_log=26, write_content_size=False)
    stream = zstandard.ZstdCompressor(compression_params=long).compressobj()
    packed = stream.compress(b" " * MOST_BYTES) + stream.flush()
    with pytest.raises(Refusal, match="compression"):
        inflate(packed, "zstd")


GOOD_BROTLI = "0b09807b22696e7374616e63655f6964223a2261227d03"
LARGEST_BROTLI = "5bffff8f5f02241e0b0472ef1f00"
TOO_LARGE_BROTLI = "9b000010f82540e2b14040f7fe01"


@pytest.mark.parametrize(
    ("packed", "becomes"),
    [
        (GOOD_BROTLI, "inflated"),
        (LARGEST_BROTLI, "inflated"),
        (TOO_LARGE_BROTLI, "too_large"),
        (GOOD_BROTLI[:-2], "compression"),
        (GOOD_BROTLI + "00", "compression"),
        ("", "compression"),
    ],
)
def test_brotli(packed: str, becomes: str) -> None:
    """Where its package is installed brotli is read within the same limits; else it is refused by name."""
    expected = becomes if find_spec("brotli") else "encoding"
    assert expected == inflated(bytes.fromhex(packed), "br")


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoding whose package is not installed is refused, with the package's name."""
    for name, package in (("br", "brotli"), ("zstd", "zstandard")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(Refusal, match="encoding") as caught:
            inflate(b"", name)
        assert package in caught.value.sentence


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "", "gzip, gzip"]))
def test_damage_is_refused(body: bytes, encoding: str) -> None:
    """Any bytes either inflate or are refused by name."""
    assert inflated(body, encoding) in {"compression", "encoding", "inflated"}


@given(st.integers(1, 60))
def test_a_cut_is_noticed(cut: int) -> None:
    """A compressed body that lacks its end is refused, however little is missing."""
    whole = gzip.compress(b'{"instance_id":"a","properties":{"some":"thing"}}')
    with pytest.raises(Refusal, match="compression"):
        inflate(whole[: -min(cut, len(whole))], "gzip")
    packed = zstandard.compress(b'{"instance_id":"a","properties":{"some":"thing"}}')
    for wrong in (packed[: -min(cut, len(packed))], packed + b"x" * cut, packed * 2):
        with pytest.raises(Refusal, match="compression"):
            inflate(wrong, "zstd")


def packed_zstd() -> bytes:
    """Return spaces as zstd without ever holding them, and without their number in front."""
    stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    block = b" " * 2**20
    return b"".join(stream.compress(block) for _ in range(BOMB_BYTES // len(block))) + stream.flush()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_costs_no_memory(encoding: str) -> None:
    """256 MiB in 256 KiB are refused while they inflate: no more than a few MiB are ever held."""
    packed = {"gzip": bomb, "deflate": lambda: bomb()[10:-8], "zstd": packed_zstd}[encoding]()
    assert len(packed) < BOMB_BYTES // 500
    tracemalloc.start()
    try:
        with pytest.raises(Refusal, match="too_large"):
            inflate(packed, encoding)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MOST_BYTES
