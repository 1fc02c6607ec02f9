"""What waits to be sent to one destination: events as they were told, then pings in batches, in memory and on disk.

1. Any thread of the host may tell an event, also in a signal's handler. All the rest is done by the worker's thread;
   only when that hangs while the host stops, the thread that stops does it.
2. A ping stays until the receiver has confirmed it, refused it, or the bound is reached: then the oldest are dropped
   and counted. It is sent again as it was, so that it counts once.
3. Disk is touched only for what could not be sent: after a failure, and at the end. What is on disk is in memory too,
   as long as this process lives.
4. After a no nothing waits, and nothing can be told, until it is opened again. Other processes of the instance find
   out at their next flush: see `turns`.
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from homing.clock import DAY_MS, Clock
from homing.sdk.events import LOSSES, Event
from homing.sdk.payload import encode
from homing.sdk.spool import Spool

BATCH: Final = 100
FLUSH_SECONDS: Final = 5.0
"""So many pings go in one request, and so long the first of them waits for others."""

MOST_TOLD: Final = 1_000
MOST_PINGS: Final = 10_000
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_DAYS: Final = 30
"""How many events may wait for the thread, and how many pings, of how many bytes, for the receiver, and how long."""

AGAIN_SECONDS: Final = (30, 120, 600, 3600)
"""How long after each failure it is tried again; the last again and again."""

LONGEST_PAUSE: Final = 24 * 3600
"""No receiver may ask for a longer one."""

LOSSES_FILE: Final = "lost"
NOTHING: Final[Mapping[str, Any]] = {}


class Waiting(NamedTuple):
    """One ping: when it was made, its fields, how many bytes they have, and the losses it tells of, by reason."""

    at: int
    fields: dict[str, Any]
    size: int
    lost: Mapping[str, int] = {}


class Batch(NamedTuple):
    """Pings that are kept together under a name, and whether they are on disk as they are here."""

    name: str
    pings: tuple[Waiting, ...] = ()
    is_kept: bool = False


class Told(NamedTuple):
    """Events that were told, and how often everything had been forgotten until then."""

    events: tuple[Event, ...]
    times_emptied: int


class Outbox:
    """What waits to be sent to an address; nothing can be told before it was opened."""

    def __init__(self, *, clock: Clock, spool: Spool | None = None, tells_losses: bool = False) -> None:
        self._url = ""
        self._clock = clock
        self._spool = spool
        self._tells_losses = tells_losses
        self._lock = threading.RLock()
        self._told: deque[Event] = deque()
        self._batches: tuple[Batch, ...] = ()
        self._is_open = False
        self._noes = 0
        self._times_emptied = 0
        self._most = BATCH
        self._tries = 0
        self._flush = 0.0
        self._again = 0.0
        self._rest = 0.0
        self._untold: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        self._made = 0
        self.problem = ""

    # Telling.

    def add(self, event: Event) -> bool:
        """Take an event; return whether the worker should look."""
        with self._lock:
            if not self._is_open:
                return False
            if len(self._told) >= MOST_TOLD:
                self._told.popleft()
                self.lose("full")
            self._told.append(event)
            number = len(self._told)
            if number == 1:
                self._flush = self._clock.monotonic() + FLUSH_SECONDS
            return number in (1, BATCH)

    def lose(self, reason: str, number: int = 1) -> None:
        """Count what is lost."""
        with self._lock:
            for counts in (self._lost, self._untold) if number else ():
                counts[reason] = counts.get(reason, 0) + number

    # Looking.

    @property
    def lost(self) -> Mapping[str, int]:
        """How many were lost since the start, by reason."""
        with self._lock:
            return dict(self._lost)

    @property
    def number(self) -> int:
        """How many wait."""
        with self._lock:
            return len(self._told) + sum(len(batch.pings) for batch in self._batches)

    def wait(self) -> float | None:
        """Return the seconds until there is something to do, None while there is nothing."""
        with self._lock:
            times = [0.0 if len(self._told) >= BATCH else self._flush] if self._told else []
            if self._batches:
                times.append(self._again)
            return max(0.0, max(min(times), self._rest) - self._clock.monotonic()) if times else None

    @property
    def is_due(self) -> bool:
        """Whether the receiver may be asked again."""
        return self._clock.monotonic() >= self._again

    # Making pings of events.

    def told(self) -> Told:
        """Return the events that were told: they stay until their pings are there."""
        with self._lock:
            return Told(tuple(self._told), self._times_emptied)

    def replace(self, told: Told, pings: Sequence[Waiting]) -> None:
        """Let a ping wait in the place of each event that is still there.

        Two may make pings of one event, the thread that sends and the one that stops: the first of them is taken. A
        handler of signals may tell another one in the middle of this.
        """
        with self._lock:
            made = {id(event): ping for event, ping in zip(told.events, pings, strict=True)}
            self._flush = self._clock.monotonic() + FLUSH_SECONDS
            taken = []
            while self._told:
                event = self._told.popleft()
                ping = made.pop(id(event), None)
                if ping is None:
                    # Those that were told first are at the beginning.
                    self._told.appendleft(event)
                    break
                taken.append(ping)
            self.put(taken)
            for ping in made.values() if told.times_emptied == self._times_emptied else ():
                self.give_back(ping.lost)

    def put(self, pings: Sequence[Waiting]) -> None:
        """Let pings wait; of too many the oldest are dropped."""
        with self._lock:
            if not self._is_open:
                return
            for ping in pings:
                *others, last = self._batches or (self._new(),)
                if len(last.pings) >= BATCH:
                    others, last = [*self._batches], self._new()
                self._batches = (*others, last._replace(pings=(*last.pings, ping), is_kept=False))
            self._bound()

    def _new(self) -> Batch:
        self._made += 1
        return Batch(f"{self._made:06}")

    def _bound(self) -> None:
        oldest = self._clock.now() - MOST_DAYS * DAY_MS
        self.drop([ping for batch in self._batches for ping in batch.pings if ping.at < oldest], "expired")
        while self._is_too_much():
            self.drop(self._batches[0].pings, "full")

    def _is_too_much(self) -> bool:
        sizes = [ping.size for batch in self._batches for ping in batch.pings]
        return len(sizes) > MOST_PINGS or sum(sizes) > MOST_BYTES

    def take_losses(self) -> dict[str, int]:
        """Return the losses that no ping tells of yet: one that is being made does from now on."""
        with self._lock:
            untold, self._untold = self._untold, {}
            return untold

    # Sending.

    def first(self) -> tuple[Waiting, ...]:
        """Return the pings of the next request, none when nothing waits."""
        with self._lock:
            return self._batches[0].pings[: self._most] if self._batches else ()

    def done(self, pings: Sequence[Waiting]) -> None:
        """Forget what the receiver has."""
        with self._lock:
            self._tries, self._again = 0, 0.0
            self._without(pings)

    def drop(self, pings: Sequence[Waiting], reason: str) -> None:
        """Forget what is lost, and count it."""
        if pings:
            with self._lock:
                self._without(pings)
                self.lose(reason, len(pings))
                for ping in pings:
                    self.give_back(ping.lost)

    def give_back(self, losses: Mapping[str, int]) -> None:
        """Take back losses that a ping was to tell of which will not arrive."""
        with self._lock:
            for reason, number in losses.items():
                self._untold[reason] = self._untold.get(reason, 0) + number

    def halve(self, pings: Sequence[Waiting]) -> None:
        """Send fewer at once from now on."""
        self._most = max(1, len(pings) // 2)

    def put_off(self, seconds: float | None = None) -> None:
        """Try again after so many seconds, or as is usual after so many failures."""
        pause = AGAIN_SECONDS[min(self._tries, len(AGAIN_SECONDS) - 1)] if seconds is None else seconds
        self._tries += 1
        self._again = self._clock.monotonic() + min(pause, LONGEST_PAUSE)

    def rest(self, seconds: float) -> None:
        """Do nothing for so many seconds."""
        self._rest = self._clock.monotonic() + seconds

    def _without(self, pings: Sequence[Waiting]) -> None:
        gone = set(map(id, pings))
        kept = []
        for batch in self._batches:
            left = tuple(ping for ping in batch.pings if id(ping) not in gone)
            if left:
                kept.append(batch if len(left) == len(batch.pings) else batch._replace(pings=left, is_kept=False))
            elif self._spool is not None:
                self._spool.remove(batch.name)
        self._batches = tuple(kept)
        if not kept:
            self._most = BATCH

    # Keeping.

    def keep(self) -> None:
        """Write to disk what is not there yet; what is wrong with the disk is said, and tried again the next time."""
        if self._spool is None:
            return
        if all(batch.is_kept for batch in self._batches):
            return
        self.problem = ""
        for batch in self._batches:
            if batch.is_kept or not self._is_written(batch.name, batch.pings):
                continue
            # Not under the lock: a disk may be slow, and the host must not wait for it.
            with self._lock:
                kept = batch._replace(is_kept=True)
                self._batches = tuple(kept if each is batch else each for each in self._batches)

    def adopt(self) -> None:
        """Take over what processes left that are gone."""
        if self._spool is None:
            return
        try:
            for text in self._spool.adopt():
                self._read(text)
                self.keep()
        except OSError as error:
            self.problem = f"What was kept on disk cannot be looked for: {error.strerror or error}."

    def close(self, *, may_write: bool = True) -> None:
        """Leave everything to the next start, and count what cannot be left, or may not."""
        if may_write:
            self.keep()
        with self._lock:
            left = [ping for batch in self._batches if not batch.is_kept for ping in batch.pings]
            reason = "failed" if self._spool is None else "unkept"
            self.drop(left, reason)
            self.lose(reason, len(self._told))
            self._told.clear()
            self._batches, self._tries, self._again, self._rest = (), 0, 0.0, 0.0
            untold = self.take_losses() if self._tells_losses else {}
        if untold and not (may_write and self._spool and self._is_written(LOSSES_FILE, (), untold)):
            self.give_back(untold)
        if self._spool is not None:
            self._spool.release()

    def empty(self) -> None:
        """Forget everything, and take nothing more."""
        with self._lock:
            self._is_open = False
            self._forget_all()

    def _forget_all(self) -> None:
        self._times_emptied += 1
        self._told.clear()
        self._batches = ()
        self._untold = {}

    def open(self, url: str, noes: int) -> None:
        """Take events for an address, from the no of that number on; what waits for another address is lost."""
        with self._lock:
            if not self._is_open:
                self._is_open, self._noes = True, noes
            if url != self._url:
                left, self._url = [ping for batch in self._batches for ping in batch.pings], url
                self.drop(left, "moved")

    def heed(self, noes: int) -> bool:
        """Forget what was gathered before the last no, which another process may have saved; return whether it did."""
        with self._lock:
            is_new = noes != self._noes
            if is_new:
                self._noes = noes
                self._forget_all()
            return is_new

    def forget(self) -> None:
        """In a child: what waits is the parent's."""
        self._lock = threading.RLock()
        self._forget_all()
        if self._spool is not None:
            self._spool.forget()

    def _is_written(self, name: str, pings: Sequence[Waiting], losses: Mapping[str, int] = NOTHING) -> bool:
        text = {"to": self._url, "lost": dict(losses), "pings": [_written(ping) for ping in pings]}
        try:
            if self._spool is not None:
                self._spool.write(name, encode(text).decode())
        except OSError as error:
            self.problem = f"What could not be sent cannot be kept on disk: {error.strerror or error}."
            return False
        return True

    def _read(self, text: str) -> None:
        """Take over what was written."""
        import json

        try:
            found = json.loads(text)
            pings = [_read_ping(each) for each in found["pings"]]
            losses = _losses(found["lost"])
            is_ours = found["to"] == self._url
        except (ValueError, LookupError, TypeError, AttributeError):
            self.lose("damaged")
            return
        self.give_back(losses)
        if is_ours:
            self.put(pings)
        else:
            self.drop(pings, "moved")


def _written(ping: Waiting) -> dict[str, Any]:
    return {"at": ping.at, "is": ping.fields, **({"lost": dict(ping.lost)} if ping.lost else {})}


def _read_ping(found: Mapping[str, Any]) -> Waiting:
    return Waiting(found["at"], found["is"], len(encode(found["is"])), _losses(found.get("lost", NOTHING)))


def _losses(found: Mapping[str, Any]) -> dict[str, int]:
    return {reason: int(found[reason]) for reason in LOSSES if reason in found}
