"""Unions that were worked out before: reports of the same days come again and again, and most of the days are over."""

from typing import Any, Final

from pyroaring import BitMap

Key = tuple[Any, ...]
"""Everything that a union follows from: its parts, down to the states of the pages they were taken from."""

KEY_BYTES: Final = 2_000
"""What a key is thought to weigh: it names a few dozen pages, and mostly shares its parts with other keys."""


class Memo:
    """The unions used last, bounded in bytes. One whose pages changed is never asked for again, and so falls out."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._held: dict[Key, tuple[BitMap, int]] = {}

    def get(self, key: Key) -> BitMap | None:
        """Return a union, not to be changed by the caller; None when it is not held."""
        held = self._held.pop(key, None)
        if held is None:
            return None
        self._held[key] = held
        return held[0]

    def put(self, key: Key, ordinals: BitMap) -> None:
        """Hold a union; lets go of those that were not used for longest."""
        size = KEY_BYTES + _size(ordinals)
        if size > self._most:
            return
        while self._bytes + size > self._most:
            _ordinals, freed = self._held.pop(next(iter(self._held)))
            self._bytes -= freed
        self._held[key] = (ordinals, size)
        self._bytes += size


def _size(ordinals: BitMap) -> int:
    """Return about how many bytes a bitmap takes: two for each ordinal, or a bit for each that lies between them."""
    return min(2 * len(ordinals), (ordinals.max() - ordinals.min()) // 8 + 1) if ordinals else 0
