"""What became of the last pings of each app, in memory alone: for the page that shows them as they come.

A row has no address and nothing that was sent but the instance's id and the kind, of pings that were let in. It costs
ingest an append.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from homing.outcomes import Refusal, Verdict
from homing.ping import Ping

MOST_SEEN: Final = 200
"""How many pings are remembered of each app; one that is noisy does not drive out another."""


class Seen(NamedTuple):
    """One ping, or one request that was refused as a whole. `number` rises with each of its app.

    `received` is in milliseconds since 1970-01-01 UTC.
    """

    number: int
    app: int
    received: int
    dialect: str
    verdict: Verdict
    kind: str | None = None
    instance: str | None = None


class _Ring:
    """The last pings of an app, as plain tuples, which cost ingest a third; `total` is how many there ever were."""

    def __init__(self) -> None:
        self.held: deque[tuple[Any, ...]] = deque(maxlen=MOST_SEEN)
        self.total = 0

    def seen(self, app: int) -> Iterator[Seen]:
        """Yield them with their numbers: each app has its own, so that nobody sees in them how much others send."""
        first = self.total - len(self.held) + 1
        return (Seen(number, app, *each) for number, each in enumerate(self.held, first))


class Live:
    """Remembers what became of pings. Used on the event loop alone."""

    def __init__(self) -> None:
        self._rings: dict[int, _Ring] = {}

    def refused(self, app: int | None, dialect: str, *, refusal: Refusal, received: int) -> None:
        """Remember a request that was refused as a whole; one without an app belongs to nobody and is not."""
        if app is not None:
            ring = self._of(app)
            ring.held.append((received, dialect, _bare(refusal)))
            ring.total += 1

    def judged(
        self,
        app: int,
        dialect: str,
        *,
        items: Sequence[Ping | Refusal],
        verdicts: Sequence[Verdict],
        received: int,
    ) -> None:
        """Remember the pings of a request, each with its verdict; of very many the last."""
        ring = self._of(app)
        ring.total += len(items)
        start = max(0, len(items) - MOST_SEEN)
        for item, verdict in zip(items[start:], verdicts[start:], strict=True):
            if isinstance(verdict, Refusal) or isinstance(item, Refusal):
                ring.held.append((received, dialect, _bare(verdict)))
            else:
                ring.held.append((received, dialect, verdict, item.kind, item.instance))

    def last(self, apps: Iterable[int], *, accepted: bool | None = None, limit: int = MOST_SEEN) -> list[Seen]:
        """Return what came last to any of these apps, newest first; `accepted` chooses those taken or those refused."""
        held = (seen for app in apps if app in self._rings for seen in self._rings[app].seen(app))
        found = [seen for seen in held if accepted in (None, is_taken(seen))]
        return sorted(found, reverse=True, key=lambda seen: (seen.received, seen.number))[:limit]

    def forget(self, instance: str) -> None:
        """Forget what came from an instance, which was erased."""
        for app, ring in self._rings.items():
            kept = [each for each, seen in zip(ring.held, ring.seen(app), strict=True) if seen.instance != instance]
            ring.held.clear()
            ring.held.extend(kept)

    def _of(self, app: int) -> _Ring:
        ring = self._rings.get(app)
        if ring is None:
            ring = self._rings[app] = _Ring()
        return ring


def _bare(verdict: Verdict) -> Verdict:
    """Return a verdict to keep: a refusal that was caught holds on to everything its function knew."""
    return Refusal(verdict.outcome.name, verdict.detail) if isinstance(verdict, Refusal) else verdict


def is_taken(seen: Seen) -> bool:
    """Say whether a ping was stored, now or before."""
    return not isinstance(seen.verdict, Refusal)
