"""What became of the last pings of each app, in memory alone: for the page that shows them as they come.

A row has no address and nothing that was sent but the instance's id and the kind, of pings that were let in. It costs
ingest an append.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
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
    received: int
    app: int
    dialect: str
    verdict: Verdict
    kind: str | None = None
    instance: str | None = None


class Live:
    """Remembers what became of pings. Used on the event loop alone."""

    def __init__(self) -> None:
        # As plain tuples, which cost ingest a third: `last` makes them what they are.
        self._held: dict[int, deque[tuple[Any, ...]]] = {}
        self._numbers: Counter[int] = Counter()

    def refused(self, app: int | None, dialect: str, *, refusal: Refusal, received: int) -> None:
        """Remember a request that was refused as a whole; one without an app belongs to nobody and is not."""
        if app is not None:
            self._of(app).append((self._next(app), received, app, dialect, _bare(refusal)))

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
        held, start = self._of(app), max(0, len(items) - MOST_SEEN)
        for item, verdict in zip(items[start:], verdicts[start:], strict=True):
            if isinstance(verdict, Refusal) or isinstance(item, Refusal):
                held.append((self._next(app), received, app, dialect, _bare(verdict)))
            else:
                held.append((self._next(app), received, app, dialect, verdict, item.kind, item.instance))

    def last(self, apps: Iterable[int], *, accepted: bool | None = None, limit: int = MOST_SEEN) -> list[Seen]:
        """Return what came last to any of these apps, newest first; `accepted` chooses those taken or those refused."""
        held = (Seen(*each) for app in apps for each in self._held.get(app, ()))
        found = [seen for seen in held if accepted in (None, is_taken(seen))]
        return sorted(found, reverse=True, key=lambda seen: (seen.received, seen.number))[:limit]

    def forget(self, instance: str) -> None:
        """Forget what came from an instance, which was erased."""
        for app, held in self._held.items():
            kept = (each for each in held if Seen(*each).instance != instance)
            self._held[app] = deque(kept, maxlen=MOST_SEEN)

    def _next(self, app: int) -> int:
        # Each app has its own numbers: nobody sees in them how much others send.
        self._numbers[app] += 1
        return self._numbers[app]

    def _of(self, app: int) -> deque[tuple[Any, ...]]:
        held = self._held.get(app)
        if held is None:
            held = self._held[app] = deque(maxlen=MOST_SEEN)
        return held


def _bare(verdict: Verdict) -> Verdict:
    """Return a verdict to keep: a refusal that was caught holds on to everything its function knew."""
    return Refusal(verdict.outcome.name, verdict.detail) if isinstance(verdict, Refusal) else verdict


def is_taken(seen: Seen) -> bool:
    """Say whether a ping was stored, now or before."""
    return not isinstance(seen.verdict, Refusal)
