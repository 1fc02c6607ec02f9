"""Chance that repeats: the same words always give the same number, in any order of asking."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, TypeVar

SEED: Final = "homing"

T = TypeVar("T")


def chance(*words: object) -> float:
    """Return a number from 0 up to 1."""
    return int.from_bytes(_digest(words, 7), "big") / 2**56


def between(low: float, high: float, *words: object) -> float:  # wide: two ends, and as many words as it takes
    """Return a number from `low` up to `high`."""
    return low + (high - low) * chance(*words)


def pick(shares: Sequence[tuple[T, int]], *words: object) -> T:
    """Return one of the values, each as likely as its share."""
    left = chance(*words) * sum(share for _value, share in shares)
    for value, share in shares:
        left -= share
        if left < 0:
            return value
    return shares[-1][0]


def random_id(*words: object) -> str:
    """Return a UUID4."""
    digits = bytearray(_digest(words, 16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    plain = digits.hex()
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def _digest(words: tuple[object, ...], size: int) -> bytes:
    return blake2b(repr((SEED, *words)).encode(), digest_size=size).digest()
