"""What waits: two threads at one outbox, and what becomes of losses."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from homing.clock import SystemClock
from homing.sdk.events import Event
from homing.sdk.outbox import Outbox, Waiting
from homing.sdk.spool import Spool


def outbox(place: Path) -> Outbox:
    """Return an open outbox with a place on disk."""
    clock = SystemClock()
    made = Outbox(clock=clock, spool=Spool(place, clock), tells_losses=True)
    made.open("http://127.0.0.1:9/", 0)
    return made


def waiting(number: int, lost: int = 0) -> list[Waiting]:
    """Return pings, of which the first tells of losses."""
    now = SystemClock().now()
    made = [Waiting(now, {"n": n, "text": "x" * 300}, 300) for n in range(number)]
    return [made[0]._replace(lost={"full": lost}), *made[1:]] if lost else made


def test_two_threads_keep(tmp_path: Path) -> None:
    """The thread that sends and the one that stops may write at once: all is on disk, and the disk is not blamed."""
    for number in range(40):
        place = tmp_path / f"{number}"
        box = outbox(place)
        box.put(waiting(100))
        together = threading.Barrier(2)

        def keep(together: threading.Barrier = together, box: Outbox = box) -> None:
            together.wait()
            box.keep()

        thread = threading.Thread(target=keep)
        thread.start()
        together.wait()
        box.close()
        thread.join()
        kept = "".join(path.read_text() for path in place.glob("*.json"))
        assert ({}, "") == (dict(box.lost), box.problem)
        assert dict.fromkeys(range(100), True) == {n: f'"n":{n},' in kept for n in range(100)}


FORGET: Mapping[str, tuple[Callable[[Outbox], object], dict[str, int]]] = {
    "a no of another process": (lambda box: box.heed(1), {}),
    "a no": (lambda box: box.empty(), {}),
    "no no": (lambda _box: None, {"full": 3}),
}


@pytest.mark.parametrize(("forget", "expected"), FORGET.values(), ids=FORGET)
def test_losses_of_before_a_no(tmp_path: Path, forget: Callable[[Outbox], object], expected: dict[str, int]) -> None:
    """What a ping was to tell of comes back where another thread made that ping, but for a no in between."""
    box = outbox(tmp_path)
    box.add(Event("told", 1, "{}"))
    box.lose("full", 3)
    told = box.told()
    losses = box.take_losses()
    box.replace(box.told(), waiting(1))
    forget(box)
    box.open("http://127.0.0.1:9/", 1)
    box.replace(told, waiting(1, losses["full"]))
    assert expected == box.take_losses()
