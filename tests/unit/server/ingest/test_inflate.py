"""Undoing compression within limits."""

import gzip
import sys
import tracemalloc
import zlib
from importlib.util import find_spec

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import Refusal
from homing.server.ingest.inflate import MOST_BYTES, inflate

BOMB_BYTES = 256 * 1024 * 1024


def inflated(body: bytes, encoding: str) -> str:
    """Return whether a body inflates, or the name of its refusal."""
    try:
        inflate(body, encoding)
    except Refusal as caught:
        return caught.outcome.name
    return "inflated"


def bomb(size: int = BOMB_BYTES) -> bytes:
    """Return spaces as gzip without ever holding them."""
    stream = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b" " * 2**20
    return b"".join(stream.compress(block) for _ in range(size // len(block))) + stream.flush()


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
