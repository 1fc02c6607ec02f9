"""How many requests one address and one app may send. Addresses are held in memory, never written anywhere."""

from typing import Final

from homing.outcomes import Refusal

BURST_SECONDS: Final = 10
"""How many seconds' worth of requests may come at once after a pause."""

MOST_NAMES: Final = 100_000


class RateLimit:
    """A steady rate for each name, with bursts: the generic cell rate algorithm (ITU-T I.371).

    For each name one number is kept: when its next request would be due if it came steadily. A request is refused when
    that lies further ahead than the burst allows.
    """

    def __init__(self, outcome: str, per_second: int) -> None:
        self._outcome = outcome
        self._gap = 1 / per_second if per_second else 0.0
        self._due: dict[object, float] = {}

    def check(self, name: object, now: float) -> None:
        """Count one request at `now`, in seconds that never go back; raise `Refusal` when it is one too many."""
        if not self._gap:
            return
        due = self._due.get(name, now)
        ahead = due - now
        if ahead > BURST_SECONDS:
            raise Refusal(self._outcome, retry_after=max(1, round(ahead - BURST_SECONDS)))
        self._due[name] = (due if ahead > 0 else now) + self._gap
        if len(self._due) > MOST_NAMES:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Let go of names that are not ahead; should none be, of the half that came first."""
        kept = {name: due for name, due in self._due.items() if due > now}
        self._due = kept if len(kept) < MOST_NAMES else dict(list(kept.items())[MOST_NAMES // 2 :])
