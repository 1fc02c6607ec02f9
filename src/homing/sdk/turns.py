"""Makes several processes with one directory behave as one instance: one of them leads, and all heed a no at once.

1. Who holds the lock on the leader's file sends by schedule; the others look again from time to time. When the leader
   ends, however it ends, the system gives its lock back.
2. Whoever asks whether a ping may leave, and then sends it, shares the lock on the other file meanwhile. Who saves a no
   writes it first and takes that lock alone then: when it has it, every ping that was allowed before is over, and each
   later one finds the no. No ping outlasts its time limit, so neither does the wait, though a look-up of a name may.
3. In that file the noes are numbered. Whoever finds another number than before throws away what it gathered meanwhile,
   though there was a yes since.

A child that was forked off shares its parent's open files, and so its locks: it must let go of them without unlocking.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LEADER_FILE: Final = "leader.lock"
SENDING_FILE: Final = "sending.lock"
POLL_SECONDS: Final = 0.02
TURN_SECONDS: Final = 10.0
"""How long a turn is waited for: who saves a no needs less, and nobody may hold up the others for ever."""

MOST_DIGITS: Final = 20


class Turns:
    """The locks in a directory. Where there is no place for them, or no locks, each process is on its own."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._leading: int | None = None
        # The threads of one process must not take the lock from each other; a signal's handler may come in between.
        self._one = threading.RLock()

    def leads(self) -> bool:
        """Tell whether this process is the one that sends by schedule, and become it where nobody is."""
        with self._one:
            return self._leading is not None or self._takes_the_lead()

    def _takes_the_lead(self) -> bool:
        opened = self._open(LEADER_FILE)
        if opened is None:
            return True
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return False
        except OSError:
            os.close(opened)
            return True
        self._leading = opened
        return True

    def resign(self) -> None:
        """Let another process lead."""
        with self._one:
            opened, self._leading = self._leading, None
        if opened is not None:
            _close(opened)

    def forget(self) -> None:
        """In a child: leave the parent its lock."""
        self._one = threading.RLock()
        opened, self._leading = self._leading, None
        if opened is not None:
            os.close(opened)

    @contextlib.contextmanager
    def sending(self, seconds: float = TURN_SECONDS) -> Iterator[int | None]:
        """Let others know that somebody sends; give the number of the last no, or None where one is still being saved.

        Waits at most so many seconds for the end of that.
        """
        opened = self._open(SENDING_FILE)
        try:
            is_ours = opened is None or _take(opened, fcntl.LOCK_SH, seconds)
            yield _number_in(opened) if is_ours else None
        finally:
            if opened is not None:
                _close(opened)

    @contextlib.contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Wait until nobody sends any more, at most so many seconds, number that no, and let nobody begin meanwhile."""
        opened = self._open(SENDING_FILE)
        try:
            if opened is not None:
                _take(opened, fcntl.LOCK_EX, seconds)
                with contextlib.suppress(OSError):
                    os.pwrite(opened, f"{_number_in(opened) + 1}\n".encode(), 0)
            yield
        finally:
            if opened is not None:
                _close(opened)

    def noes(self) -> int:
        """Return the number of the last no; makes no file."""
        try:
            return int((self._directory / SENDING_FILE).read_bytes() or 0) if self._directory else 0
        except (OSError, ValueError):
            return 0

    def _open(self, name: str) -> int | None:
        if self._directory is None:
            return None
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._directory / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None


def _number_in(opened: int | None) -> int:
    try:
        return int(os.pread(opened, MOST_DIGITS, 0) or 0) if opened is not None else 0
    except (OSError, ValueError):
        return 0


def _take(opened: int, kind: int, seconds: float) -> bool:
    """Take a lock, and return whether it is ours; where there are no locks it is."""
    for _ in range(max(1, int(seconds / POLL_SECONDS))):
        try:
            fcntl.flock(opened, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(POLL_SECONDS)
        except OSError:
            return True
        else:
            return True
    return False


def _close(opened: int) -> None:
    # A child may have the same file open: closing alone would leave the lock with it.
    with contextlib.suppress(OSError):
        fcntl.flock(opened, fcntl.LOCK_UN)
    os.close(opened)
