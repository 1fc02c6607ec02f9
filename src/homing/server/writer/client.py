"""The receiver's side of the writer process."""

import asyncio
import contextlib
from typing import Final, NamedTuple

import msgspec
import structlog

from homing.outcomes import Refusal, Verdict
from homing.server.channel.child import Child
from homing.server.stores.base import Batch, Options
from homing.server.writer.base import Told
from homing.server.writer.messages import pack_batch, unpack_recorded
from homing.server.writer.scribe import RETRY_SECONDS, Recorded

PATIENCE_SECONDS: Final = 10.0
"""How long a batch waits for a process that died and does not come back."""

MOST_DEATHS: Final = 3
"""So many processes may die over a batch."""

log: Final = structlog.get_logger("homing.writer")


class _Given(NamedTuple):
    """A batch that the process has, or is to have: its frame, how many pings are in it, and whom to tell."""

    frame: bytes
    pings: int
    told: Told


class WriterClient:
    """Has a process of its own write.

    What the process died over is given to the next one under the same ids: it is stored once.
    """

    def __init__(self, url: str, options: Options, logs: tuple[str, str] = ("info", "auto")) -> None:
        arguments = (url, msgspec.json.encode(options).decode(), *logs)
        self._child = Child("writer", "homing.server.writer.process", arguments, work=self)
        self._given: dict[str, _Given] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._deaths = 0
        self._is_missing = False

    def start(self) -> None:
        """Start the process, and keep it started."""
        self._child.start()

    async def stop(self) -> None:
        """Let the process write what it put off, and end it."""
        await self._child.stop()

    @property
    def alive(self) -> bool:
        """Whether the process has opened the store and is there to write."""
        return self._child.ready.is_set()

    @property
    def restarts(self) -> int:
        """How often the process died."""
        return self._child.restarts

    def write(self, batch: Batch, told: Told) -> None:
        """Have a batch made durable, then tell."""
        try:
            frame = pack_batch(batch)
        except Exception as error:  # noqa: BLE001 - told in the log, and as `internal`
            self._write_without_faults(batch, told, error)
            return
        self._given[batch.id] = _Given(frame, len(batch.pings), told)
        if not self.alive:
            self._wait()
            return
        with contextlib.suppress(ConnectionResetError):
            # Where it is closed the death is told of in a moment.
            self._child.send(frame)

    def _write_without_faults(self, batch: Batch, told: Told, error: Exception) -> None:
        """Write the pings that can cross to the process; one that cannot is a fault of ours, and harms no other."""
        log.error("internal", exc_info=error)
        faulty = {place for place, ping in enumerate(batch.pings) if not _can_cross(batch._replace(pings=[ping]))}

        def tell(recorded: Recorded) -> None:
            left = iter(recorded.verdicts)
            found = [Refusal("internal") if place in faulty else next(left) for place in range(len(batch.pings))]
            told(recorded._replace(verdicts=found))

        self.write(batch._replace(pings=[p for place, p in enumerate(batch.pings) if place not in faulty]), tell)

    def _wait(self) -> None:
        if self._timer is None:
            seconds = 0.0 if self._is_missing else PATIENCE_SECONDS
            self._timer = asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        self._deaths = 0
        # Who asks before there is a process again is told at once.
        self._is_missing = not self.alive
        left, self._given = self._given, {}
        for each in left.values():
            verdicts: list[Verdict] = [Refusal("unavailable", retry_after=RETRY_SECONDS)] * each.pings
            each.told(Recorded(verdicts, 0.0, "there is no process to write"))

    # What the process says.

    def began(self) -> None:
        """Give the process what the one before it did not finish."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._is_missing = False
        for each in self._given.values():
            self._child.send(each.frame)

    def answered(self, body: bytes) -> None:
        """Tell what became of a batch."""
        self._deaths = 0
        name, recorded = unpack_recorded(body)
        self._given.pop(name).told(recorded)

    def died(self) -> None:
        """Wait for the next process; not for ever, where each of them dies over the same batch."""
        if self._given:
            self._deaths += 1
            self._is_missing = self._is_missing or self._deaths >= MOST_DEATHS
            self._wait()


def _can_cross(batch: Batch) -> bool:
    try:
        pack_batch(batch)
    except Exception:  # noqa: BLE001 - whatever it is that cannot be written down
        return False
    return True
