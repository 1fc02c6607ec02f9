"""The one thread of telemetry: it waits, sends when a ping is due or was asked for, and ends when it is told to."""

import threading
from typing import Final

from homing.sdk.schedule import Schedule
from homing.sdk.sender import Sender
from homing.sdk.transports.base import Deadline

LOOK_SECONDS: Final = 60.0
"""How often the clock is looked at: a wait may not outlast a machine's sleep by more."""

GOODBYE_SECONDS: Final = 0.04
"""How long a thread may take to end once its socket was ended."""


class Worker:
    """Lets a sender send at each time of its schedule, in a daemon thread."""

    def __init__(self, sender: Sender, *, hours: int, first_seconds: float) -> None:
        self._sender = sender
        self._schedule = Schedule(sender.clock, first_seconds=first_seconds, hours=hours)
        self._changed = threading.Condition(threading.Lock())
        self._deadline: Deadline | None = None
        self._is_stopping = False
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
            self._changed.wait_for(lambda: self._answered >= number or self._is_stopping, max(wait, 0.0))

    def stop(self, timeout: float) -> None:
        """Begin nothing more, leave what is under way so many seconds, then end it."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if threading.current_thread() is self._thread:
            return
        self._thread.join(max(timeout, 0.0))
        under_way = self._deadline
        if under_way is not None:
            under_way.cancel()
        self._thread.join(GOODBYE_SECONDS)

    def _run(self) -> None:
        self._sender.prepare()
        while (taken := self._next()) is not None:
            deadline, number = taken
            self._sender.send(deadline)
            with self._changed:
                self._deadline = None
                self._answered = number
                self._changed.notify_all()

    def _next(self) -> tuple[Deadline, int] | None:
        """Wait for the next send; return None when there is none any more."""
        with self._changed:
            while not self._is_stopping:
                wait = self._schedule.wait()
                if wait <= 0 or self._asked > self._answered:
                    self._schedule.restart()
                    # Made under the lock: from now on stopping ends it.
                    self._deadline = Deadline(self._sender.clock)
                    return self._deadline, self._asked
                self._changed.wait(min(wait, LOOK_SECONDS))
            return None
