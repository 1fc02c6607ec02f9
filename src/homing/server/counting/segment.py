"""What one committed batch adds to one (app, day), and how such segments fold together in commit order.

On one app and day a client counts once, under the last value it gave for each dimension. A segment holds everyone its
batch heard from, so a writer needs no view of the day. Folding is associative, not commutative: any contiguous run may
be merged first, the order may not change.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
from pyroaring import BitMap

from homing.ping import CORE_DIMENSIONS, KIND

GROWING: Final = frozenset({KIND})
"""Dimensions in which every value given during the day counts, not just the last."""

FORMAT: Final = 1

Values = dict[str, BitMap]
Combination = tuple[str | None, ...]
"""A request's kind, then its core dimensions in the order of `CORE_DIMENSIONS`; None where it gave no value."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder()
_head_decoder: Final = msgspec.msgpack.Decoder(tuple[int, bytes, bytes, bytes, msgspec.Raw, msgspec.Raw])


@dataclass(slots=True)
class Segment:
    """The clients and requests of one (app, day, bucket), from one batch or from many folded together.

    `anyone` are the ordinals heard from; `first` those the app had never heard from before; `gone` those erased, taken
    out of everything that came before. `dimensions` maps dimension to value to ordinals; `requests` are plain counts.
    """

    anyone: BitMap = field(default_factory=BitMap)
    first: BitMap = field(default_factory=BitMap)
    gone: BitMap = field(default_factory=BitMap)
    dimensions: dict[str, Values] = field(default_factory=dict)
    requests: Counter[Combination] = field(default_factory=Counter)


class Shown(NamedTuple):
    """What sets a machine apart, as a number: its `print`, in which the bits of what was `told` are meant."""

    told: int
    print: int


class Profile(NamedTuple):
    """What a ping is counted under, after the limits on values: its kind, its dimensions, its request's combination.

    `shown` is of the values as they were sent.
    """

    kind: str
    dimensions: Mapping[str, str]
    combination: Combination
    shown: Shown = Shown(0, 0)


def profile_of(kind: str, dimensions: Mapping[str, str]) -> Profile:
    """Return what a ping of this kind with these dimensions is counted under."""
    return Profile(kind, dimensions, (kind, *map(dimensions.get, CORE_DIMENSIONS)))


class Heard(NamedTuple):
    """One ping as counting sees it.

    `ordinal` is None where the ping names no instance; `new` says that the app never heard from this one before.
    """

    ordinal: int | None
    new: bool
    profile: Profile


def build(heard: Sequence[Heard]) -> Segment:
    """Make the segment of pings that are given in commit order."""
    made = Segment(first=BitMap([ordinal for ordinal, new, _profile in heard if new and ordinal is not None]))
    # Most pings of a batch share their profile: each of these is opened once, not once a ping.
    alike: dict[int, tuple[Profile, list[int]]] = {}
    for ordinal, _new, profile in heard:
        if ordinal is None:
            made.requests[profile.combination] += 1
        elif id(profile) in alike:
            alike[id(profile)][1].append(ordinal)
        else:
            alike[id(profile)] = (profile, [ordinal])
    groups = [(profile, BitMap(ordinals)) for profile, ordinals in alike.values()]
    for profile, ordinals in alike.values():
        made.requests[profile.combination] += len(ordinals)
    made.anyone.update(*(clients for _profile, clients in groups))
    for profile, clients in groups:
        _add(made.dimensions, KIND, profile.kind, clients)
    are_apart = sum(len(clients) for _profile, clients in groups) == len(made.anyone)
    said = ((profile.dimensions, clients) for profile, clients in groups) if are_apart else _last_said(heard)
    for dimensions, clients in said:
        for name, value in dimensions.items():
            _add(made.dimensions, name, value, clients)
    return made


def _add(dimensions: dict[str, Values], name: str, value: str, clients: BitMap) -> None:
    values = dimensions.setdefault(name, {})
    if value in values:
        values[value] |= clients
    else:
        values[value] = clients.copy()


def _last_said(heard: Iterable[Heard]) -> Iterator[tuple[Mapping[str, str], BitMap]]:
    """Yield what clients said with all their pings together, and who said the same."""
    given: dict[int, Mapping[str, str]] = {}
    for ordinal, _new, profile in heard:
        if ordinal is not None:
            said = given.get(ordinal, profile.dimensions)
            given[ordinal] = said if said is profile.dimensions else {**said, **profile.dimensions}
    alike: dict[int, tuple[Mapping[str, str], list[int]]] = {}
    for ordinal, said in given.items():
        alike.setdefault(id(said), (said, []))[1].append(ordinal)
    return ((said, BitMap(ordinals)) for said, ordinals in alike.values())


def absorb(page: Segment, newer: Segment) -> None:
    """Fold `newer` into `page`, which holds what was committed just before it. Changes `page` only."""
    if newer.gone:
        _take_out(page, newer.gone)
        page.gone |= newer.gone
    page.anyone |= newer.anyone
    page.first |= newer.first
    for name, values in newer.dimensions.items():
        _absorb_values(page.dimensions.setdefault(name, {}), values, grows=name in GROWING)
    page.requests.update(newer.requests)


def _take_out(page: Segment, gone: BitMap) -> None:
    page.anyone -= gone
    page.first -= gone
    for values in page.dimensions.values():
        _subtract(values, gone)


def _subtract(values: Values, ordinals: BitMap) -> None:
    for value in list(values):
        if not values[value].isdisjoint(ordinals):
            values[value] -= ordinals
            if not values[value]:
                del values[value]


def _absorb_values(older: Values, newer: Values, *, grows: bool) -> None:
    if older and newer and not grows:
        _subtract(older, BitMap.union(*newer.values()))
    for value, ordinals in newer.items():
        if value in older:
            older[value] |= ordinals
        else:
            older[value] = ordinals.copy()


def merge(segments: Iterable[Segment]) -> Segment:
    """Fold segments in commit order into a new one."""
    page = Segment()
    for segment in segments:
        absorb(page, segment)
    return page


def encode(segment: Segment) -> bytes:
    """Return the bytes a store keeps."""
    dimensions = {
        name: {value: _pack(ordinals) for value, ordinals in values.items()}
        for name, values in segment.dimensions.items()
    }
    requests = [[*key, n] for key, n in segment.requests.items()]
    bitmaps = (_pack(segment.anyone), _pack(segment.first), _pack(segment.gone))
    return _encoder.encode([FORMAT, *bitmaps, dimensions, requests])


def _pack(ordinals: BitMap) -> bytes:
    ordinals.run_optimize()
    return ordinals.serialize()


def decode(blob: bytes) -> Segment:
    """Return the segment that `encode` made these bytes from."""
    made: list[Any] = _decoder.decode(blob)
    _format, anyone, first, gone, dimensions, requests = made
    return Segment(
        BitMap.deserialize(anyone),
        BitMap.deserialize(first),
        BitMap.deserialize(gone),
        {name: {v: BitMap.deserialize(b) for v, b in values.items()} for name, values in dimensions.items()},
        Counter({tuple(row[:-1]): row[-1] for row in requests}),
    )


def anyone_in(blob: bytes) -> BitMap:
    """Return just the `anyone` of the segment in these bytes, without opening the rest."""
    _format, anyone, *_rest = _head_decoder.decode(blob)
    return BitMap.deserialize(anyone)


def gone_in(blob: bytes) -> BitMap:
    """Return just the `gone` of the segment in these bytes."""
    _format, _anyone, _first, gone, *_rest = _head_decoder.decode(blob)
    return BitMap.deserialize(gone)
