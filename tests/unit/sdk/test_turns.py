"""Several threads and processes as one instance."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from homing.sdk.turns import Turns

THREADS = 4


class Slow(Turns):
    """Turns whose file takes its time to open, so that all threads ask for it meanwhile."""

    def _open(self, name: str) -> int | None:
        time.sleep(0.01)
        return super()._open(name)


def test_threads_lead_together(tmp_path: Path) -> None:
    """What one thread of a process leads, all of them do, and no other process."""
    turns, together = Slow(tmp_path), Barrier(THREADS)

    def ask(_number: int) -> bool:
        together.wait()
        return turns.leads()

    with ThreadPoolExecutor(THREADS) as pool:
        assert [True] * THREADS == list(pool.map(ask, range(THREADS)))
    assert not Turns(tmp_path).leads()
    turns.resign()
    assert Turns(tmp_path).leads()
