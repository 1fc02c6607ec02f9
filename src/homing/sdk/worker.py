"""The one thread of a destination: it waits, sends when a ping is due or was asked for, and ends when it is told to."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from homing.sdk.policy import Retry
from homing.sdk.schedule import Schedule
from homing.sdk.sender import Sender
from homing.sdk.transports.base import Deadline, Reply

LOOK_SECONDS: Final = 60.0
"""How often the clock and the licence are looked at: a wait may not outlast a machine's sleep by more."""

GOODBYE_SECONDS: Final = 0.04
"""How long a thread may take to end once its socket was ended."""

AGAIN_SECONDS: Final = (30, 120, 600, 3600)
"""How long after each failure a ping is sent again, where the policy does that; the last again and again."""


class Task(NamedTuple):
    """One ping to send: why, by when, and the number of the last request for one that it answers."""

    kind: str
    deadline: Deadline
    number: int
    is_scheduled: bool = False


class Again(NamedTuple):
    """A ping to be sent again."""

    kind: str
    due: float
    tries: int


class House(NamedTuple):
    """What a worker asks of the rest, never under a lock of its own: it may be the host's code, or wait for others.

    `leads` tells whether this process sends by schedule, `may_send` whether a ping may leave now, while `turn` is held.
    """

    leads: Callable[[], bool]
    turn: Callable[[], AbstractContextManager[None]]
    may_send: Callable[[], bool]
    licence: Callable[[], object]


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
        self._waiting = [self._kinds.begin] if self._kinds.begin else []
        self._again: list[Again] = []
        self._deadline: Deadline | None = None
        self._end: float | None = None
        self._has_farewell = False
        self._is_looking = False
        self._asked = 0
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

    def tell_to_end(self, timeout: float, *, with_farewell: bool) -> None:
        """Begin nothing more, but for the last ping where the policy has one."""
        with self._changed:
            self._end = self._sender.clock.monotonic() + max(timeout, 0.0)
            self._has_farewell = with_farewell and bool(self._kinds.end)
            self._waiting, self._again = [], []
            self._changed.notify_all()

    def join(self, timeout: float) -> None:
        """Leave what is under way so many seconds, then end it."""
        if threading.current_thread() is self._thread:
            return
        self._thread.join(max(timeout, 0.0))
        with self._changed:
            self._has_farewell = False
            under_way = self._deadline
        if under_way is not None:
            under_way.cancel()
        self._thread.join(GOODBYE_SECONDS)

    def _run(self) -> None:
        self._sender.prepare()
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
            task = self._next()
            if task is not None:
                self._send(task)
            elif self._end is not None:
                return

    def _send(self, task: Task) -> None:
        with self._house.turn():
            reply = self._sender.send(task.deadline, task.kind) if self._house.may_send() else None
        with self._changed:
            self._deadline = None
            self._answered = max(self._answered, task.number)
            if reply is not None and task.is_scheduled and not reply.is_success:
                self._schedule.shorten()
            self._plan_again(task.kind, reply)
            self._changed.notify_all()

    def _plan_again(self, kind: str, reply: Reply | None) -> None:
        before = next((each.tries for each in self._again if each.kind == kind), 0)
        self._again = [each for each in self._again if each.kind != kind]
        is_wanted = self._sender.policy.retry is Retry.EVERYTHING and self._end is None
        if reply is not None and reply.is_unsure and is_wanted:
            pause = AGAIN_SECONDS[min(before, len(AGAIN_SECONDS) - 1)]
            self._again.append(Again(kind, self._sender.clock.monotonic() + pause, before + 1))

    def _next(self) -> Task | None:
        """Wait for the next ping; return None when there is none any more, or when it is time to look around."""
        with self._changed:
            if self._end is None and (wait := self._wait()) > 0:
                self._changed.wait(min(wait, LOOK_SECONDS))
            if self._end is not None:
                return self._farewell()
            self._is_looking = False
            return self._task()

    def _wait(self) -> float:
        """Return the seconds until there is something to do."""
        if self._is_looking or self._asked > self._answered:
            return 0.0
        if not self._leads:
            return LOOK_SECONDS
        if self._waiting:
            return 0.0
        now = self._sender.clock.monotonic()
        return min([self._schedule.wait(), *(each.due - now for each in self._again)])

    def _task(self) -> Task | None:
        """Take what is most urgent; its deadline is made under the lock, so that from now on stopping ends it."""
        now, is_asked = self._sender.clock.monotonic(), self._asked > self._answered
        if not self._leads and not is_asked:
            return None
        if self._waiting and self._leads:
            return self._begin(self._waiting.pop(0))
        if is_asked or self._schedule.wait() <= 0:
            self._schedule.restart()
            return self._begin(self._kinds.repeat)._replace(number=self._asked, is_scheduled=not is_asked)
        due = next((each.kind for each in self._again if each.due <= now), None)
        return self._begin(due) if due else None

    def _farewell(self) -> Task | None:
        if not self._has_farewell or not self._leads or self._end is None:
            return None
        self._has_farewell = False
        left = self._end - self._sender.clock.monotonic()
        return self._begin(self._kinds.end, left) if left > 0 else None

    def _begin(self, kind: str, seconds: float | None = None) -> Task:
        limit = self._sender.policy.timeout_seconds
        self._deadline = Deadline(self._sender.clock, limit if seconds is None else min(limit, seconds))
        return Task(kind, self._deadline, self._answered)
