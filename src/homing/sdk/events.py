"""What an application tells of itself beside its pings: events, what may stand in them, and why one is lost.

What is told is checked and written down as text on the caller's thread, so that nothing that happens to the values
afterwards matters; everything else is done by the thread that sends.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

from homing.sdk.policy import ANY_EVENT, Policy

MOST_NAME: Final = 100
MOST_DEPTH: Final = 5
MOST_BYTES: Final = 8 * 1024
LARGEST: Final = 2**63
"""Bounds of an event: the characters of its name, the depth and the bytes of its properties, its numbers."""

LOSSES: Final[Mapping[str, str]] = {
    "name": "The policy does not allow an event of that name.",
    "value": "The properties were not plain JSON, or too large.",
    "full": "Too many events waited: the oldest were dropped.",
    "refused": "The receiver refused them.",
    "failed": "They could not be sent, and the policy neither tries again nor keeps them.",
    "moved": "They were for another address than the present one.",
    "expired": "They waited longer than they are kept.",
    "damaged": "What was kept on disk could not be read.",
    "unkept": "They could not be written to disk at the end.",
}
"""Why events are lost."""


class Event(NamedTuple):
    """One event as it was told: its name, its time in milliseconds since 1970-01-01 UTC, and its properties in JSON."""

    name: str
    at: int
    properties: str


def encoder() -> Callable[[Any], str]:
    """Return what makes properties text; it raises `ValueError` for what JSON has not."""
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def written(properties: Mapping[str, Any], encode: Callable[[Any], str]) -> str:
    """Return properties as JSON; raise `ValueError` with a sentence for what cannot be told."""
    if not isinstance(properties, dict) or not _is_plain(properties, MOST_DEPTH, [MOST_BYTES]):
        raise ValueError(f"its properties are not plain JSON, at most {MOST_DEPTH} levels deep and {MOST_BYTES} bytes")
    text = encode(properties)
    # A lone surrogate is a ValueError too.
    if len(text) > MOST_BYTES or (not text.isascii() and len(text.encode()) > MOST_BYTES):
        raise ValueError(f"its properties have more than {MOST_BYTES} bytes")
    return text


def is_allowed(policy: Policy, name: Any) -> bool:
    """Tell whether a policy allows an event of that name: the kinds of its pings are no events of the application's."""
    if policy.events != ANY_EVENT:
        return isinstance(name, str) and name in policy.events
    return is_name(name) and name not in policy.kinds


def is_name(name: Any) -> bool:
    """Tell whether something can be the name of an event: 1 to 100 characters that can be printed."""
    return isinstance(name, str) and 0 < len(name) <= MOST_NAME and name.isprintable() and name == name.strip()


def _is_plain(value: Any, depth: int, left: list[int]) -> bool:
    """Tell whether a value is JSON, of which no more is looked at than there may be members, as `left` counts."""
    # Every event of the host's comes by here, so what is most frequent is asked for first.
    if isinstance(value, str):
        # No receiver takes that character.
        return len(value) <= MOST_BYTES and "\0" not in value
    if isinstance(value, int) or value is None:
        return value is None or -LARGEST <= value < LARGEST
    if isinstance(value, float):
        return isfinite(value)
    if depth == 0 or not isinstance(value, dict | list | tuple):
        return False
    left[0] -= len(value)
    is_few = left[0] >= 0
    if isinstance(value, dict):
        return is_few and _are_names(value) and _are_plain(value.values(), depth - 1, left)
    return is_few and _are_plain(value, depth - 1, left)


def _are_names(values: Iterable[Any]) -> bool:
    for value in values:  # noqa: SIM110 - half as fast with all()
        if not isinstance(value, str) or len(value) > MOST_BYTES or "\0" in value:
            return False
    return True


def _are_plain(values: Iterable[Any], depth: int, left: list[int]) -> bool:
    for value in values:
        # What is most frequent is not worth a call.
        if value.__class__ is str:
            if len(value) > MOST_BYTES or "\0" in value:
                return False
        elif not _is_plain(value, depth, left):
            return False
    return True
