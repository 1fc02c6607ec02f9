"""Time and chance: the only module that reads the clock or makes ids.

Times are integer milliseconds since 1970-01-01 UTC, days are integer days since then: both sort, subtract and travel
as plain numbers. Names for people are ISO 8601.
"""

import datetime as dt
import secrets
import time
from typing import Final, Protocol

DAY_MS: Final = 86_400_000
_EPOCH: Final = dt.date(1970, 1, 1)
_EPOCH_TIME: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MS: Final = dt.timedelta(milliseconds=1)


class Clock(Protocol):
    """What the rest of Homing knows of time and chance; `homing.testing.FixedClock` is its test double."""

    def now(self) -> int:
        """Return the time in milliseconds since 1970-01-01 UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring durations."""

    def token(self, size: int = 32) -> str:
        """Return `size` random bytes as URL-safe text."""

    def id(self) -> str:
        """Return a new random UUID4 as text."""

    def chance(self, below: int) -> int:
        """Return a random whole number from 0 up to `below`, without it."""


class SystemClock:
    """The machine's own time and randomness."""

    def now(self) -> int:
        """Return the time in milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def token(self, size: int = 32) -> str:
        """Return `size` random bytes as URL-safe text."""
        return secrets.token_urlsafe(size)

    def id(self) -> str:
        """Return a new random UUID4 as text."""
        # The standard library's UUID takes three times as long, and every ping has one.
        digits = secrets.token_hex(16)
        variant = "89ab"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def chance(self, below: int) -> int:
        """Return a random whole number from 0 up to `below`, without it."""
        return secrets.randbelow(below)


def day_of(ms: int) -> int:
    """Return the UTC day of a time."""
    return ms // DAY_MS


def iso_day(day: int) -> str:
    """Return a day as `2026-11-22`."""
    return (_EPOCH + dt.timedelta(days=day)).isoformat()


def parse_day(text: str) -> int:
    """Return the day that `text` names in the form `2026-11-22`; raise `ValueError` for anything else."""
    found = dt.date.fromisoformat(text)
    # Python also reads 20261122 and 2026-W47-7.
    if found.isoformat() != text:
        message = f"not a date of the form 2026-11-22: {text!r}"
        raise ValueError(message)
    return (found - _EPOCH).days


def iso_time(ms: int) -> str:
    """Return a time as `2026-11-22T10:44:55.123Z`."""
    moment = _EPOCH_TIME + dt.timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> int:
    """Return the milliseconds of an RFC 3339 time with an offset or `Z`; raise `ValueError` for anything else."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"no UTC offset in {text!r}"
        raise ValueError(message)
    return (moment - _EPOCH_TIME) // _MS
