"""How fast heartbeats become durable, as a ratio to a bare ASGI callable under the same load.

The rounds of what is compared take turns: whatever else the machine does meanwhile falls on both.
"""

import itertools
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Final, NamedTuple
from urllib.request import Request, urlopen

from bench.figures import Figures
from bench.load import Load, send
from bench.servers import Running, bare, receiver
from homing.clock import SystemClock
from homing.server.accounts.keys import make_key
from homing.server.stores.base import Options
from homing.server.stores.registry import open_store

ROUND_SECONDS: Final = 4.0
INSTANCES: Final = 10_000
SPACING: Final = 10_000_000


class Rounds(NamedTuple):
    """How many rounds of load, and how many seconds each."""

    times: int
    seconds: float


def run(seconds: float, figures: Figures) -> None:
    """Measure the figures of ingest."""
    length = min(ROUND_SECONDS, max(1.0, seconds / 12))
    rounds = Rounds(max(2, round(seconds / length / 6)), length)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        yardstick = stack.enter_context(bare())
        store = Path(folder) / "homing.db"
        homing = stack.enter_context(receiver(store))
        send(yardstick.heartbeat, 1, distinct=INSTANCES)
        send(homing.heartbeat, length, distinct=INSTANCES)
        _against_bare(rounds, yardstick, homing, figures)
        _under_reports(rounds, homing, read_key(store), figures)


def _against_bare(rounds: Rounds, yardstick: Running, homing: Running, figures: Figures) -> None:
    new_from = itertools.count(SPACING, SPACING)
    repeat, new, bares = [], [], [send(yardstick.heartbeat, rounds.seconds, distinct=INSTANCES)]
    for _ in range(rounds.times):
        repeat.append(send(homing.heartbeat, rounds.seconds, distinct=INSTANCES))
        bares.append(send(yardstick.heartbeat, rounds.seconds, distinct=INSTANCES))
        new.append(send(homing.heartbeat, rounds.seconds, distinct=0, offset=next(new_from)))
        bares.append(send(yardstick.heartbeat, rounds.seconds, distinct=INSTANCES))
    figures.note(f"{_rates('bare', bares)}; {_rates('repeating', repeat)}; {_rates('new', new)}")
    figures.add(
        "ratio_repeat", _ratio(repeat, bares[0::2], bares[1::2]), (">=", 0.40), "repeating instances; 0.55 wanted"
    )
    figures.add("ratio_new", _ratio(new, bares[1::2], bares[2::2]), (">=", 0.25), "only new instances; 0.40 wanted")
    worst = max(statistics.median(each.p99_ms for each in loads) for loads in (repeat, new))
    figures.add("p99_ms", worst, ("<=", 50), "99th percentile, median of the rounds")
    errors = sum(each.errors for each in (*repeat, *new))
    figures.add("errors", errors, ("<=", 0), "requests without a 2xx")


def _ratio(loads: list[Load], before: list[Load], after: list[Load]) -> float:
    """Return the median ratio of each round to the mean of the yardstick's rounds before and after it."""
    pairs = zip(loads, before, after, strict=False)
    return statistics.median(2 * load.per_second / (a.per_second + b.per_second) for load, a, b in pairs)


def _rates(name: str, loads: list[Load]) -> str:
    rates = sorted(round(each.per_second) for each in loads)
    return f"{name} {rates[0]} to {rates[-1]} requests/s"


def _under_reports(rounds: Rounds, homing: Running, key: str, figures: Figures) -> None:
    without, during, asked = [], [], 0
    for _ in range(rounds.times):
        without.append(send(homing.heartbeat, rounds.seconds, distinct=INSTANCES))
        with reports_without_pause(homing, key) as count:
            during.append(send(homing.heartbeat, rounds.seconds, distinct=INSTANCES))
        asked += len(count)
    figures.note(f"{_rates('without reports', without)}; {_rates('during reports', during)}; {asked} reports answered")
    slower = statistics.median(a.per_second / b.per_second for a, b in zip(without, during, strict=True))
    later = statistics.median(b.p99_ms / a.p99_ms for a, b in zip(without, during, strict=True))
    figures.add("reports_factor", max(slower, later), ("<=", 1.5), f"requests/s {slower:.2f}, p99 {later:.2f}")


@contextmanager
def reports_without_pause(homing: Running, key: str) -> Iterator[list[int]]:
    """Ask for full reports one after the other meanwhile; the list grows by one for each answer."""
    stop, sizes = Event(), list[int]()
    asked = Request(f"{homing.url}/api/v1/report?range=month", headers={"Authorization": f"Bearer {key}"})

    def ask() -> None:
        while not stop.is_set():
            sizes.append(len(urlopen(asked, timeout=30).read()))

    thread = Thread(target=ask)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


def read_key(store: Path) -> str:
    """Give the first app a key to read with."""
    clock = SystemClock()
    opened = open_store(f"sqlite:///{store}", clock, options=Options())
    _row, plain = make_key(opened.control, clock, app=opened.control.apps()[0], scope="read")
    opened.store.close()
    return plain
