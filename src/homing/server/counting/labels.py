"""Labels: marks on an instance that hold for all its days, and how they follow from what it sends.

They stand on a page of their own for each app, which has no day: every label is a dimension there, and an instance that
bears it has the value `ON`. So they fold, travel, compact and are erased as everything else is.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from zlib import crc32

import msgspec
from pyroaring import BitMap

from homing.ping import Ping
from homing.server.counting.segment import Segment, Shown
from homing.server.counting.sets import OFF, ON

CI: Final = "ci"
CONTAINER: Final = "container"
CLONED: Final = "cloned"
SETTLED: Final = "settled"

LABELS: Final = (CI, CONTAINER, CLONED, SETTLED)
"""Every label, in the order of its bit in a trace."""

SAID: Final = (CI, CONTAINER)
"""Labels that a ping gives by a property of that name which is true."""

SHOWN_BY: Final = ("version", "platform", "arch", "database")
"""Dimensions by which two machines under one id are told apart."""

RETURNS: Final = 4
"""So often an instance goes back to the state it just left before it is thought to be two.

An upgrade is no return, taking it back is one, and doing both again makes three.
"""

RETURNS_MS: Final = 14 * 86_400_000
"""All of these returns lie within so many milliseconds: two machines that report once a week make them in time."""

LATE_MS: Final = 3_600_000
"""A ping that comes so long after its own time was held back, and says nothing of how the instance is now."""

_PART: Final = (1 << 15) - 1
_PLACES: Final = tuple((15 * n, name) for n, name in enumerate(SHOWN_BY))


class Trace(NamedTuple):
    """What the labels of one instance of an app follow from.

    `labels` are the bits of those it bears, `pinned` of those the owner decided, which stand whatever it sends.
    `first_day` is the day of its first ping. `shown` is the print of its present state and `before` that of the one
    before it; `returns` counts how often it went straight back, the first time at `since`, in milliseconds.
    """

    labels: int = 0
    pinned: int = 0
    first_day: int = 0
    shown: int = 0
    before: int = 0
    returns: int = 0
    since: int = 0


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Trace)


def write_trace(trace: Trace) -> str:
    """Return the text that is kept of a trace."""
    return _encoder.encode(trace).decode()


def read_trace(text: str) -> Trace:
    """Return the trace that was written as this text."""
    return _decoder.decode(text)


def bit(label: str) -> int:
    """Return the bit of a label in a trace."""
    return 1 << LABELS.index(label)


_SAID_BITS: Final = tuple((name, bit(name)) for name in SAID)
_CLONED: Final = bit(CLONED)
_SETTLED: Final = bit(SETTLED)


def names(labels: int) -> tuple[str, ...]:
    """Return the labels whose bits are set."""
    return tuple(label for label in LABELS if labels & bit(label))


def follow(trace: Trace | None, ping: Ping, *, day: int, shown: Shown) -> Trace:
    """Return what an instance's trace becomes by one more ping of a day; the first one has none before it."""
    found = 0
    for name, its in _SAID_BITS:
        if ping.properties.get(name) is True:
            found |= its
    is_late = ping.received - ping.at > LATE_MS
    if trace is None:
        return Trace(found, 0, day, 0 if is_late else shown.print)
    if not is_late:
        now = trace.shown & ~shown.told | shown.print
        trace = trace if now == trace.shown else _turned(trace, now, ping.received)
    if day != trace.first_day:
        found |= _SETTLED
    if trace.returns >= RETURNS:
        found |= _CLONED
    missing = found & ~trace.pinned & ~trace.labels
    return trace._replace(labels=trace.labels | missing) if missing else trace


def _turned(trace: Trace, shown: int, at: int) -> Trace:
    turned = trace._replace(shown=shown, before=trace.shown, returns=0)
    if shown != trace.before:
        return turned
    if not trace.returns or at - trace.since > RETURNS_MS:
        return turned._replace(returns=1, since=at)
    return turned._replace(returns=trace.returns + 1)


def shown_by(dimensions: Mapping[str, str]) -> Shown:
    """Return what a ping with these dimensions shows of its machine."""
    told = made = 0
    for place, name in _PLACES:
        value = dimensions.get(name)
        if value is not None:
            told |= _PART << place
            made |= (crc32(value.encode()) & _PART or 1) << place
    return Shown(told, made)


def pin(trace: Trace, label: str, *, on: bool) -> Trace:
    """Return a trace with a label as the owner decided."""
    its = bit(label)
    labels = trace.labels | its if on else trace.labels & ~its
    return trace._replace(labels=labels, pinned=trace.pinned | its)


def labelled(changes: Iterable[tuple[int, int, int]]) -> Segment:
    """Make the segment of changed labels: (ordinal, bits before, bits now)."""
    made = Segment()
    for ordinal, before, now in changes:
        made.anyone.add(ordinal)
        for label in names(before ^ now):
            values = made.dimensions.setdefault(label, {})
            values.setdefault(ON if now & bit(label) else OFF, BitMap()).add(ordinal)
    return made
