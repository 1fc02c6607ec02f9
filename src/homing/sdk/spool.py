"""Keeps on disk what could not be sent, for this process or for one that comes after it.

1. Each process writes files of its own, named after itself: nobody else writes them. A file is there whole or not at
   all, and readable by its owner only.
2. As long as a process lives it holds the lock on a file beside them. When it ends, however it ends, the system gives
   the lock back, and who takes it then adopts the files: it writes what is in them into files of its own first, and
   removes them afterwards. Whoever dies in between leaves a ping twice, under the one id by which it counts once.
3. The lock's file may be removed between its making and its locking. So its maker looks whether it is still there.
4. A no removes the files of all processes, at a time at which nobody sends or writes.
5. A child that was forked off shares the lock: it must let go of it without unlocking.

Nothing is written through to the disk itself: the files outlast every process, not a loss of power.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from homing.clock import Clock

TRIES: Final = 10


class Spool:
    """The files in a directory, which is made when there is something to write."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._own = ""
        self._lock: int | None = None
        self._making = threading.RLock()

    def write(self, name: str, text: str) -> None:
        """Keep a text under a name; raise `OSError` when that is impossible."""
        own = self._owner()
        path = self._directory / f"{own}.{name}.json"
        # The thread that sends and the one that stops may write the same at once.
        draft = path.with_suffix(f".{threading.get_ident()}.draft")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            draft.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    def remove(self, name: str) -> None:
        """Forget the text under a name."""
        with contextlib.suppress(OSError):
            (self._directory / f"{self._own}.{name}.json").unlink(missing_ok=True)

    def adopt(self) -> Iterator[str]:
        """Yield each text that a process left which is gone; when the next one is asked for, it is removed."""
        for owner in self._orphaned():
            lock = self._taken(owner)
            if lock is None:
                continue
            try:
                yield from self._left_by(owner)
                (self._directory / f"{owner}.lock").unlink(missing_ok=True)
            finally:
                os.close(lock)

    def empty(self) -> None:
        """Remove what anybody keeps here; raise `OSError` when that is impossible."""
        for path in self._directory.iterdir():
            if path.suffix in (".json", ".draft"):
                path.unlink(missing_ok=True)

    def release(self) -> None:
        """Leave the files to whoever comes next."""
        lock, own, self._lock, self._own = self._lock, self._own, None, ""
        if lock is None:
            return
        with contextlib.suppress(OSError):
            if not any(self._directory.glob(f"{own}.*.json")):
                (self._directory / f"{own}.lock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)

    def forget(self) -> None:
        """In a child: leave the parent its lock and its files."""
        lock, self._lock, self._own = self._lock, None, ""
        self._making = threading.RLock()
        if lock is not None:
            os.close(lock)

    def _owner(self) -> str:
        """Return the name of this process here, made and locked at the first time."""
        with self._making:
            if self._lock is None:
                self._own, self._lock = self._made()
            return self._own

    def _made(self) -> tuple[str, int]:
        """Return a name that nobody has, and its lock; raise `OSError` where there is none."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(TRIES):
            own = self._clock.id()
            lock = self._taken(own, os.O_CREAT | os.O_EXCL)
            if lock is not None:
                return own, lock
        raise OSError("nobody can be told from others")

    def _taken(self, owner: str, further: int = 0) -> int | None:
        """Return the lock of an owner who is gone, or is still to come; None where it is held, or has been removed."""
        path = self._directory / f"{owner}.lock"
        try:
            opened = os.open(path, os.O_RDWR | further, 0o600)
        except (FileNotFoundError, FileExistsError):
            return None
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return None
        except OSError:
            # Without locks each process takes what it finds: nothing is lost, and all of it counts once.
            return opened
        if not path.exists():
            os.close(opened)
            return None
        return opened

    def _orphaned(self) -> list[str]:
        """Return the owners of all files here but our own, the oldest files first."""
        found = [path.name.removesuffix(".lock") for path in self._directory.glob("*.lock")]
        return sorted(owner for owner in found if owner != self._own)

    def _left_by(self, owner: str) -> Iterator[str]:
        for path in sorted(self._directory.glob(f"{owner}.*.json")):
            try:
                text = path.read_text(encoding="utf-8")
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                text = ""
            yield text
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
