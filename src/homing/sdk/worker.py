"""The one thread of a destination: it waits, sends when a ping is due or was asked for, and ends when it is told to."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from homing.sdk.policy import Retry
from homing.sdk.schedule import Schedule
from homing.sdk.sender import Sender
from homing.sdk.transports.base import Deadline, Reply
from homing.sdk.turns import TURN_SECONDS

LOOK_SECONDS: Final = 60.0
"""How often the clock and the licence are looked at: a wait may not outlast a machine's sleep by more."""

GOODBYE_SECONDS: Final = 0.04
"""How long a thread may take to end once its socket was ended, and who saves a no meanwhile."""

EVENTS: Final = ""
"""The kind of a task that sends no ping of its own, only what waits."""


class Task(NamedTuple):
    """One ping to send: why, by when, and the number of the last request for one that it answers.

    What is asked for does not wait until it is due. What is told once waits where it may not leave yet.
    """

    kind: str
    deadline: Deadline
    number: int
    is_scheduled: bool = False
    is_asked: bool = False
    is_once: bool = False


class House(NamedTuple):
    """What a worker asks of the rest, never under a lock of its own: it may be the host's code, or wait for others.

    `leads` tells whether this process sends by schedule, `may_send` whether a ping may leave now, while `turn` is held,
    which is waited for so many seconds, and gives the number of the last no, or None where it was not had. `begun` are
    the destinations that know that the program began: it outlasts the workers.
    """

    leads: Callable[[], bool]
    turn: Callable[[float], AbstractContextManager[int | None]]
    may_send: Callable[[], bool]
    licence: Callable[[], object]
    begun: set[str]


class Worker:
    """Lets a sender send at each time of its schedule, in a daemon thread."""

    def __init__(self, sender: Sender, schedule: Schedule, *, house: House) -> None:
        self._sender = sender
        self._schedule = schedule
        self._house = house
        self._leads = False
        # A signal's handler may stop the thread while its own code holds this.
        self._changed = threading.Condition(threading.RLock())
        self._kinds = sender.policy.kinds
        has_to_begin = self._kinds.begin and sender.destination.name not in house.begun
        self._waiting = [self._kinds.begin] if has_to_begin else []
        self._rest = 0.0
        self._deadline: Deadline | None = None
        self._end: float | None = None
        self._is_leaving = False
        self._has_to_keep = False
        self._has_ended = False
        self._is_looking = False
        self._adopts = 0.0
        self._asked = 0
        self._pinged = 0
        self._answered = 0
        self._thread = threading.Thread(target=self._run, name="homing-telemetry", daemon=True)

    def start(self) -> None:
        """Begin; raise `RuntimeError` when the process can have no more threads."""
        self._thread.start()

    @property
    def next_due(self) -> int:
        """When the next ping is due."""
        return self._schedule.due

    def ask(self, wait: float) -> None:
        """Send as soon as possible, and wait at most so many seconds until that is done."""
        with self._changed:
            self._asked += 1
            number = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= number or self._end is not None, max(wait, 0.0))

    def look(self) -> None:
        """Look at the licence now."""
        with self._changed:
            self._is_looking = True
            self._changed.notify_all()

    def say(self, kind: str) -> None:
        """Send a ping of that kind as soon as possible; one that begins or ends the program only once."""
        with self._changed:
            if kind == self._kinds.end:
                self._has_ended = True
            elif kind == self._kinds.begin:
                return
            self._waiting.append(kind)
            self._changed.notify_all()

    def tell_to_end(self, timeout: float, *, with_farewell: bool) -> None:
        """Begin nothing more; with a farewell, but for what waits, and the last ping where the policy has one."""
        with self._changed:
            self._end = self._sender.clock.monotonic() + max(timeout, 0.0)
            self._is_leaving = self._has_to_keep = with_farewell
            # Where nothing is sent again, what was not sent yet comes too late.
            kept = self._waiting if with_farewell and self._sender.policy.retry is Retry.EVERYTHING else []
            last = [self._kinds.end] if with_farewell and self._kinds.end and not self._has_ended else []
            self._waiting = [*kept, *last]
            self._changed.notify_all()

    def join(self, timeout: float) -> None:
        """Leave what is under way so many seconds, then end it."""
        if threading.current_thread() is self._thread:
            return
        self._thread.join(max(timeout, 0.0))
        with self._changed:
            self._is_leaving = False
            under_way = self._deadline
        if under_way is not None:
            under_way.cancel()
        self._thread.join(GOODBYE_SECONDS)

    def leave(self) -> None:
        """Leave what waits to the next start, when the thread has ended, or hangs: then without asking the host."""
        with self._house.turn(GOODBYE_SECONDS) as noes:
            if noes is not None:
                is_refused = self._sender.outbox.heed(noes)
                if self._thread.is_alive() and not is_refused:
                    # It may not even have come to that.
                    self._leads = self._leads or self._house.leads()
                    self._note_last(may_ask=False)
                    self._sender.take_in(may_ask=False)
            if self._leads and self._sender.policy.retry is not Retry.EVERYTHING:
                # There was no time for them, and nobody keeps them.
                self._sender.outbox.lose("failed", len(self._waiting))
            # Who is saving a no finds nothing new on disk.
            self._sender.outbox.close(may_write=noes is not None)

    def wake(self) -> None:
        """See that something was told."""
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        self._sender.prepare()
        self._sender.warm()
        # Another process may have been told that nobody wants any more.
        self._sender.recall()
        seen = self._house.licence()
        while True:
            now = self._house.licence()
            if self._kinds.licence and now != seen:
                self._waiting.append(self._kinds.licence)
            seen = now
            if not self._leads and self._house.leads():
                self._leads = True
                # Another process may have led until now.
                self._schedule.resume(self._sender.recall())
            self._adopt()
            task = self._next()
            if task is not None:
                self._send(task)
            elif self._end is not None:
                self._take_last()
                return

    def _adopt(self) -> None:
        """From time to time take over what processes left that are gone."""
        now = self._sender.clock.monotonic()
        if self._leads and now >= self._adopts and self._end is None:
            self._adopts = now + LOOK_SECONDS
            with self._house.turn(TURN_SECONDS) as noes:
                if noes is not None:
                    self._sender.outbox.heed(noes)
                    self._sender.outbox.adopt()

    def _send(self, task: Task) -> None:
        with self._house.turn(TURN_SECONDS) as noes:
            if noes is not None:
                self._sender.outbox.heed(noes)
            may_send = noes is not None and self._house.may_send()
            reply = self._attempt(task) if may_send else None
            if not may_send:
                self._sender.outbox.rest(LOOK_SECONDS)
                self._put_back(task)
            elif task.kind == self._kinds.begin:
                self._house.begun.add(self._sender.destination.name)
        with self._changed:
            self._deadline = None
            has_more = reply is not None and not reply.is_unsure and self._sender.outbox.number > 0
            if not has_more:
                self._answered = max(self._answered, task.number)
            if reply is not None and task.is_scheduled and not reply.is_success:
                self._schedule.shorten()
            if self._end is not None and task.kind == EVENTS and not has_more:
                self._is_leaving = False
            self._changed.notify_all()

    def _put_back(self, task: Task) -> None:
        """Try again later what is told once, unless it would be too late."""
        with self._changed:
            if task.is_once and self._end is None:
                if not self._stays(task):
                    self._waiting.insert(0, task.kind)
                self._rest = self._sender.clock.monotonic() + LOOK_SECONDS

    def _attempt(self, task: Task) -> Reply | None:
        if self._sender.policy.stops_at_gone:
            self._sender.recall()
        if self._stays(task):
            self._note(task.kind)
        elif task.kind == EVENTS:
            self._note_last()
        else:
            return self._sender.send(task.deadline, task.kind)
        return self._sender.flush(task.deadline, is_asked=task.is_asked or task.is_once)

    def _stays(self, task: Task) -> bool:
        """Say whether a ping that is told once waits here until it is in the outbox."""
        return task.is_once and self._sender.policy.retry is Retry.EVERYTHING

    def _note_last(self, *, may_ask: bool = True) -> None:
        """At the end let the last pings wait with the others, where they are sent again until they have arrived."""
        if self._end is None or not self._leads or self._sender.policy.retry is not Retry.EVERYTHING:
            return
        for kind in tuple(self._waiting):
            self._note(kind, may_ask=may_ask)

    def _note(self, kind: str, *, may_ask: bool = True) -> None:
        """Let a ping that is told once wait with the others; where none can be made, it is lost."""
        noted = self._sender.noted(kind, may_ask=may_ask)
        # The thread that stops may have done the same meanwhile.
        with self._changed:
            if kind in self._waiting:
                self._waiting.remove(kind)
                self._sender.outbox.put(noted)
                self._sender.outbox.lose("failed", 0 if noted else 1)

    def _take_last(self) -> None:
        """Make pings of what was told last, though there is no time to send them."""
        if self._has_to_keep:
            with self._house.turn(TURN_SECONDS) as noes:
                if noes is None:
                    return
                self._sender.outbox.heed(noes)
                if self._house.may_send():
                    self._note_last()
                # After a no there is nothing.
                self._sender.take_in()

    def _next(self) -> Task | None:
        """Wait for the next ping; return None when there is none any more, or when it is time to look around."""
        with self._changed:
            if self._end is None and (wait := self._wait()) > 0:
                self._changed.wait(min(wait, LOOK_SECONDS))
            if self._end is not None:
                return self._farewell(self._end)
            self._is_looking = False
            return self._task()

    def _wait(self) -> float:
        """Return the seconds until there is something to do."""
        if self._is_looking or self._asked > self._answered:
            return 0.0
        events = self._sender.outbox.wait()
        waits = [LOOK_SECONDS if events is None else events]
        if self._leads:
            waits.append(self._schedule.wait())
            if self._waiting:
                waits.append(max(0.0, self._rest - self._sender.clock.monotonic()))
        return min(waits)

    def _task(self) -> Task | None:
        """Take what is most urgent; its deadline is made under the lock, so that from now on stopping ends it."""
        is_asked = self._asked > self._answered
        if self._waiting and self._leads and self._sender.clock.monotonic() >= self._rest:
            task = self._begin(self._waiting[0])._replace(is_once=True)
            if not self._stays(task):
                self._waiting.pop(0)
            return task
        is_pinged = is_asked and self._pinged >= self._asked
        if (is_asked and not is_pinged) or (self._leads and self._schedule.wait() <= 0):
            self._schedule.restart()
            self._pinged = self._asked
            return self._begin(self._kinds.repeat)._replace(number=self._asked, is_scheduled=not is_asked)
        if is_pinged or self._sender.outbox.wait() == 0:
            return self._begin(EVENTS)._replace(number=self._pinged, is_asked=is_pinged)
        return None

    def _farewell(self, end: float) -> Task | None:
        """Take one of the last tasks."""
        left = end - self._sender.clock.monotonic()
        if not self._is_leaving or left <= 0:
            return None
        waiting = self._waiting if self._leads else []
        if waiting and self._sender.policy.retry is not Retry.EVERYTHING:
            return self._begin(waiting.pop(0), left)
        if waiting or self._sender.outbox.number:
            return self._begin(EVENTS, left)._replace(is_asked=True)
        return None

    def _begin(self, kind: str, seconds: float | None = None) -> Task:
        limit = self._sender.policy.timeout_seconds
        self._deadline = Deadline(self._sender.clock, limit if seconds is None else min(limit, seconds))
        return Task(kind, self._deadline, self._answered)
