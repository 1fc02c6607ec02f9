"""What the writer remembers between commits. Everything here is committed, so a stale view can only miss, never lie."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from homing.server.counting.segment import Heard

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Known(NamedTuple):
    """An instance of an app: its ordinal, the hash of its token, a hash of its kind and state, and its trace.

    `day` is the last one it was counted on, as `heard` says; -1 where that is not known. `steady` says that another
    ping of that day which says the same, and was not held back, leaves the trace as it is.
    """

    ordinal: int
    credential: str | None
    mark: int
    trace: str
    day: int = -1
    heard: Heard | None = None
    steady: bool = False


class Generations(Generic[K, V]):
    """A bounded mapping that forgets what was not used for longest, in two halves of at most `size` / 2 entries."""

    def __init__(self, size: int) -> None:
        self._half = max(1, size // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return what is held under a key and keep it longer."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def among(self, keys: Sequence[K]) -> list[V | None]:
        """Return what is held under each of many keys, and keep it longer."""
        found = list(map(self._young.get, keys))
        if self._old:
            for place, key in enumerate(keys):
                if found[place] is None:
                    found[place] = self.get(key)
        return found

    def put(self, key: K, value: V) -> None:
        """Hold a value; may let go of the half that was not used since the last time."""
        self._young[key] = value
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}

    def update(self, items: Iterable[tuple[K, V]]) -> None:
        """Hold many values."""
        for key, value in items:
            self.put(key, value)

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = {}, {}
