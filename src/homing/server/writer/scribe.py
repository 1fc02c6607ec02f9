"""Records batches so that every ping ends with exactly one verdict, whatever the store says."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from homing.clock import Clock
from homing.errors import StoreError, StoreRejected, StoreUnavailable
from homing.outcomes import Refusal, Verdict
from homing.ping import Ping
from homing.server.stores.base import Batch
from homing.server.stores.written import Written

RETRY_SECONDS: Final = 5

log: Final = structlog.get_logger("homing.writer")


class Ledger(Protocol):
    """The side of a store that is written."""

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch, durable on return."""

    def record_together(self, batches: Sequence[Batch]) -> list[list[Verdict]]:
        """Store batches in one transaction, durable on return; raise where one of them was recorded before."""

    def settle(self) -> None:
        """Write what `record` put off."""


class Recorded(NamedTuple):
    """What became of a batch: a verdict for each ping, and the seconds it took.

    `trouble` is why the store could not be written, where it could not.
    """

    verdicts: list[Verdict]
    seconds: float
    trouble: str | None = None


class Scribe:
    """Writes to a store. For one thread alone."""

    def __init__(self, store: Ledger, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._trouble: str | None = None

    def record(self, batch: Batch) -> Recorded:
        """Record a batch; raises nothing."""
        began = self._clock.monotonic()
        self._trouble = None
        verdicts = self._record(batch)
        return Recorded(verdicts, self._clock.monotonic() - began, self._trouble)

    def record_together(self, batches: Sequence[Batch]) -> list[Recorded]:
        """Record batches in one commit, or each by itself where one of them does not let it be; raises nothing."""
        if len(batches) == 1:
            return list(map(self.record, batches))
        began = self._clock.monotonic()
        try:
            found = self._store.record_together(batches)
        except StoreUnavailable as error:
            seconds = self._clock.monotonic() - began
            return [Recorded(_unavailable(batch), seconds, str(error)) for batch in batches]
        except StoreRejected:
            return self._one_by_one(batches)
        except Exception as error:
            # Told here too: what fails only together would never be told of a single batch.
            log.error("internal", batches=len(batches), exc_info=error)
            return self._one_by_one(batches)
        seconds = self._clock.monotonic() - began
        return [Recorded(verdicts, seconds) for verdicts in found]

    def _one_by_one(self, batches: Sequence[Batch]) -> list[Recorded]:
        found: list[Recorded] = []
        for batch in batches:
            # Where the store cannot be written, that took long enough once.
            trouble = found[-1].trouble if found else None
            found.append(Recorded(_unavailable(batch), 0.0, trouble) if trouble else self.record(batch))
        return found

    def _record(self, batch: Batch) -> list[Verdict]:
        """Record a batch; a commit that fails on data is tried again in halves, until the guilty ping is alone."""
        pings = batch.pings
        try:
            return self._store.record(batch)
        except StoreUnavailable as error:
            self._trouble = str(error)
            return _unavailable(batch)
        except Exception as error:  # noqa: BLE001 - see below
            # Whatever it was: a fault that one ping brings about must not harm the others.
            if len(pings) < 2:  # noqa: PLR2004 - one alone is guilty
                return [_guilty(error)] * len(pings)
            half = len(pings) // 2
            return self._half(batch, pings[:half], "a") + self._half(batch, pings[half:], "b")

    def _half(self, batch: Batch, pings: Sequence[Ping | Written], which: str) -> list[Verdict]:
        # Tried again after a death, a batch falls into the same halves: they must have the same ids.
        return self._record(Batch(f"{batch.id}{which}", pings))

    def settle(self) -> None:
        """Write what was put off; a fault is told in the log."""
        try:
            self._store.settle()
        except StoreError as error:
            log.warning("settle_failed", reason=str(error))
        except Exception as error:
            # What is raised here would end the process or the thread, and with it all receiving.
            log.error("internal", exc_info=error)


def _unavailable(batch: Batch) -> list[Verdict]:
    return [Refusal("unavailable", retry_after=RETRY_SECONDS)] * len(batch.pings)


def _guilty(error: Exception) -> Refusal:
    if isinstance(error, StoreRejected):
        log.warning("ping_unstorable", reason=str(error))
        return Refusal("unstorable")
    log.error("internal", exc_info=error)
    return Refusal("internal")
