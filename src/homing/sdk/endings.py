"""Notices that the program ends, so that the last ping can be sent: on SIGINT, on SIGTERM, and at a normal exit."""

import atexit
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Endings:
    """Calls a function when the program ends.

    A handler that the program has for a signal goes on deciding what happens then; when that is an exit, the exit is
    noticed. Where a signal would end the program at once, the function is called first. A signal that is ignored stays
    so.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._before: dict[int, Any] = {}

    def watch(self) -> None:
        """Begin; signals can be had in the main thread only, the exit in any."""
        atexit.register(self._end)
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            before = signal.getsignal(number)
            if before not in (signal.SIG_IGN, None):
                self._before[number] = before
                signal.signal(number, self._handle)

    def release(self) -> None:
        """Put everything back as it was, where nobody has changed it since."""
        atexit.unregister(self._end)
        if threading.current_thread() is not threading.main_thread():
            return
        for number, before in self._before.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, before)
        self._before = {}

    def _handle(self, number: int, frame: FrameType | None) -> None:
        before = self._before.get(number, signal.SIG_DFL)
        if callable(before):
            before(number, frame)
            return
        self._end()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
