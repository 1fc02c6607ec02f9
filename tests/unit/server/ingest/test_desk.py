"""The desk: every ping that was let in ends with exactly one verdict, on a real store."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.clock import day_of
from homing.errors import StoreUnavailable
from homing.outcomes import ACCEPTED, Refusal, Verdict, outcome_of
from homing.ping import Ping
from homing.server.ingest import desk as module
from homing.server.ingest.desk import Desk
from homing.server.stores.base import Batch, Store
from homing.server.writer.scribe import RETRY_SECONDS, Recorded
from homing.server.writer.thread import WriterThread
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Sqlite
from tests.contract.site import POISON, Site

GOOD, TWICE, GUILTY, BROKEN = "accepted", "duplicate", "unstorable", "internal"


class Gate:
    """A real store that can be told to wait, or to be unavailable for some batches; it notes every batch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.refuses: Callable[[Batch], bool] = _open
        self.sizes: list[int] = []

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch when the gate is open."""
        self.reached.set()
        self.open.wait(30)
        self.sizes.append(len(batch.pings))
        if self.refuses(batch):
            raise StoreUnavailable("the disk is full")
        return self._store.record(batch)

    def record_together(self, batches: Sequence[Batch]) -> list[list[Verdict]]:
        """Store batches, each by itself."""
        return list(map(self.record, batches))

    def settle(self) -> None:
        """Write what was put off."""
        self._store.settle()


class Office:
    """A desk on a real store."""

    def __init__(self, directory: Path) -> None:
        self.site = Site(Sqlite(directory))
        self.gate = Gate(self.site.store)
        self.commits: list[int] = []
        self._numbers = iter(range(1_000_000))

    def desk(self, most: int = 10_000) -> Desk:
        """Make a desk."""
        writer = WriterThread(self.gate, self.site.clock)
        return Desk(writer, self.site.clock, lambda pings, _seconds: self.commits.append(pings), most)

    def ping(self, what: str = GOOD) -> Ping:
        """Make a ping that will end so."""
        number = next(self._numbers)
        made = self.site.ping(f"i-{number}", id=None if what != TWICE else "twice")
        if what == GUILTY:
            return made._replace(id="guilty", received=POISON)
        return made._replace(properties={"x": object()}) if what == BROKEN else made

    def requests(self) -> int:
        """Return how many requests the store counted."""
        return sum(self.site.requests().values())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A desk on a real store."""
    made = Office(tmp_path)
    yield made
    made.site.close()


def names(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the names of verdicts."""
    return [outcome_of(verdict).name for verdict in verdicts]


def sent(desk: Desk, pings: Sequence[Ping], size: int) -> asyncio.Future[Sequence[Verdict]]:
    """Submit the pings of one request; the future holds their verdicts once they are told."""
    told: asyncio.Future[Sequence[Verdict]] = asyncio.get_running_loop().create_future()
    desk.submit(pings, size, told=told.set_result)
    return told


def told(desk: Desk, *groups: Sequence[Ping]) -> list[Sequence[Verdict]]:
    """Submit the pings of several requests at once and return their verdicts; the desk is stopped then."""

    async def run() -> list[Sequence[Verdict]]:
        desk.start()
        waiting = [sent(desk, group, 100 * len(group)) for group in groups]
        answered = await asyncio.gather(*waiting)
        await desk.stop()
        return answered

    return asyncio.run(run())


def test_each_request_gets_its_own_verdicts(office: Office) -> None:
    """Requests that were joined into one batch are told apart again, in order."""
    groups = [[office.ping(), office.ping(TWICE)], [], [office.ping(TWICE)], [office.ping()]]
    verdicts = told(office.desk(), *groups)
    assert [[GOOD, GOOD], [], [TWICE], [GOOD]] == [names(each) for each in verdicts]
    assert 3 == office.requests()


@pytest.mark.parametrize("place", [0, 1, 127, 255])
def test_a_guilty_ping_stands_alone(office: Office, place: int) -> None:
    """One ping that the store cannot hold costs the 255 beside it nothing but a few commits."""
    pings = [office.ping() for _ in range(256)]
    pings[place] = office.ping(GUILTY)
    [verdicts] = told(office.desk(), pings)
    assert [GUILTY if number == place else GOOD for number in range(256)] == names(verdicts)
    assert 255 == office.requests()
    assert len(office.gate.sizes) <= 2 * 8 + 1


def test_a_fault_of_ours_stands_alone_too(office: Office) -> None:
    """A ping that trips over a bug ends as `internal`, and the others are stored."""
    [verdicts] = told(office.desk(), [office.ping(), office.ping(BROKEN), office.ping()])
    assert [GOOD, BROKEN, GOOD] == names(verdicts)
    assert 2 == office.requests()


def test_an_unavailable_store_is_no_guilt(office: Office) -> None:
    """When the store cannot be written every ping of the commit is told to come back, and it is tried once."""
    office.gate.refuses = _shut
    desk = office.desk()
    [verdicts] = told(desk, [office.ping() for _ in range(8)])
    assert ["unavailable"] * 8 == names(verdicts)
    assert {RETRY_SECONDS} == {each.retry_after for each in verdicts if isinstance(each, Refusal)}
    assert [8] == office.gate.sizes
    assert not desk.healthy
    assert 0 == office.requests()


def test_only_the_failing_half_is_unavailable(office: Office) -> None:
    """A store that fails in the middle of looking for the guilty one harms that half alone."""
    pings = [office.ping() for _ in range(7)] + [office.ping(GUILTY)]
    office.gate.refuses = lambda batch: batch.pings[0] is pings[0] and len(batch.pings) == 4
    [verdicts] = told(office.desk(), pings)
    assert ["unavailable"] * 4 + [GOOD] * 3 + [GUILTY] == names(verdicts)
    assert 3 == office.requests()


def test_nobody_waits_for_nobody(office: Office) -> None:
    """When requests come one by one each is recorded at once; after a crowd, so is the first who comes alone."""
    desk = office.desk()

    async def run() -> None:
        desk.start()
        for size in (1, 1, 1, 30, 1):
            async with asyncio.timeout(10):
                await sent(desk, [office.ping() for _ in range(size)], 1)
        await desk.stop()

    asyncio.run(run())
    assert [1, 1, 1, 30, 1] == office.gate.sizes


def test_a_batch_is_bounded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is recorded in batches of some pings, so that no commit takes long; a request is never parted.

    Requests with few pings do not share batches with others.
    """
    monkeypatch.setattr(module, "BATCH_PINGS", 20)
    desk = office.desk()
    office.gate.open.clear()
    order: list[int] = []

    async def run() -> None:
        desk.start()
        first = sent(desk, [office.ping()], 1)
        await asyncio.to_thread(office.gate.reached.wait, 30)
        rest = [sent(desk, [office.ping() for _ in range(size)], 1) for size in (11, 12, 30, 3, 9)]
        for told in rest:
            told.add_done_callback(lambda each: order.append(len(each.result())))
        office.gate.open.set()
        await asyncio.gather(first, *rest)
        await desk.stop()

    asyncio.run(run())
    assert [1, 11, 12, 3 + 9, 30] == office.gate.sizes
    assert [11, 12, 3, 9, 30] == order


class Hands:
    """A writer that holds what it is given until it is told to finish."""

    alive = True
    restarts = 0

    def __init__(self) -> None:
        self.held: list[tuple[Batch, Callable[[Recorded], None]]] = []

    def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    def write(self, batch: Batch, told: Callable[[Recorded], None]) -> None:
        """Hold a batch."""
        self.held.append((batch, told))

    def sizes(self) -> list[int]:
        """Return how many pings each batch has that is held."""
        return [len(batch.pings) for batch, _told in self.held]

    def finish(self, place: int = 0) -> None:
        """Finish a batch, by itself the one that was given first."""
        batch, told = self.held.pop(place)
        told(Recorded([ACCEPTED] * len(batch.pings), 0.0))


def test_a_full_batch_goes_ahead(office: Office) -> None:
    """While one batch is written the next is given as soon as it is full, but no third; what is less waits."""
    hands = Hands()
    desk = Desk(hands, office.site.clock, lambda _pings, _seconds: None)
    most = module.BATCH_PINGS

    async def run() -> list[list[int]]:
        desk.start()
        seen, told = [], []
        for size in (20, most - 20, 20, most, 30):
            told.append(sent(desk, [office.ping() for _ in range(size)], 1))
            await asyncio.sleep(0)
            seen.append(hands.sizes())
        while hands.held:
            hands.finish()
            seen.append(hands.sizes())
        await asyncio.gather(*told)
        await desk.stop()
        return seen

    first = [[20], [20], [20, most], [20, most], [20, most]]
    assert [*first, [most, most], [most], [30], []] == asyncio.run(run())
    assert 0 == desk.pings == desk.size


def test_few_and_many_do_not_wait_for_each_other(office: Office) -> None:
    """Beside large batches requests with few pings go to the writer at once, and those with many beside small ones."""
    hands = Hands()
    desk = Desk(hands, office.site.clock, lambda _pings, _seconds: None)
    many = module.BATCH_PINGS

    async def run() -> list[list[int]]:
        desk.start()
        seen, told = [], []
        for size in (1, many, *[1] * (module.MOST_SMALL + 4)):
            told.append(sent(desk, [office.ping() for _ in range(size)], 1))
            await asyncio.sleep(0)
        for place in (1, 0):
            seen.append(hands.sizes())
            hands.finish(place)
        while hands.held:
            seen.append(hands.sizes())
            hands.finish()
        await asyncio.gather(*told)
        await desk.stop()
        return seen

    first, second, third, *_, last = asyncio.run(run())
    assert [1, many, *[1] * (module.MOST_SMALL - 1)] == first
    assert [1] * module.MOST_SMALL == second
    assert [1] * (module.MOST_SMALL - 1) == third
    assert [5] == last
    assert 0 == desk.pings == desk.size


def test_what_is_heavy_does_not_go_with_what_is_light(office: Office) -> None:
    """A request with one ping whose body is large waits as one with many does, and gathers as they do."""
    hands = Hands()
    desk = Desk(hands, office.site.clock, lambda _pings, _seconds: None)

    async def run() -> list[int]:
        desk.start()
        told = []
        for size in (module.LIGHT + 1, module.LIGHT + 1, module.LIGHT, module.LIGHT + 1):
            told.append(sent(desk, [office.ping()], size))
            await asyncio.sleep(0)
        seen = hands.sizes()
        hands.finish()
        seen += hands.sizes()
        while hands.held:
            hands.finish()
        await asyncio.gather(*told)
        await desk.stop()
        return seen

    assert [1, 1, 1, 2] == asyncio.run(run())


def _open(_batch: Batch) -> bool:
    return False


def _shut(_batch: Batch) -> bool:
    return True


def test_a_store_that_comes_back(office: Office) -> None:
    """The next commit that succeeds makes the desk healthy again."""
    desk = office.desk()

    async def run() -> list[bool]:
        desk.start()
        seen = []
        for gate in (_open, _shut, _open):
            office.gate.refuses = gate
            await sent(desk, [office.ping()], 1)
            seen.append(desk.healthy)
        await desk.stop()
        return seen

    assert [True, False, True] == asyncio.run(run())


def test_pings_gather_while_a_commit_runs(office: Office) -> None:
    """Whatever arrives during a commit becomes one batch, whichever requests it came with."""
    desk = office.desk()
    office.gate.open.clear()

    async def run() -> None:
        desk.start()
        first = sent(desk, [office.ping()], 1)
        await asyncio.to_thread(office.gate.reached.wait, 30)
        rest = [sent(desk, [office.ping()], 1) for _ in range(50)]
        office.gate.open.set()
        await asyncio.gather(first, *rest)
        await desk.stop()

    asyncio.run(run())
    assert [1, 50] == office.gate.sizes == office.commits


def test_the_number_of_pings_is_bounded(office: Office) -> None:
    """A desk that is full refuses whole requests, and takes more once it has released some."""
    desk = office.desk(most=3)
    office.gate.open.clear()

    async def run() -> None:
        desk.start()
        held = sent(desk, [office.ping(), office.ping()], 10)
        with pytest.raises(Refusal, match="overloaded") as caught:
            sent(desk, [office.ping(), office.ping()], 10)
        assert 1 == caught.value.retry_after
        assert (2, 10) == (desk.pings, desk.size)
        fits = sent(desk, [office.ping()], 10)
        office.gate.open.set()
        await asyncio.gather(held, fits)
        assert (0, 0) == (desk.pings, desk.size)
        await sent(desk, [office.ping(), office.ping(), office.ping()], 10)
        await desk.stop()

    asyncio.run(run())
    assert 6 == office.requests()


def test_the_weight_of_pings_is_bounded(office: Office) -> None:
    """64 MiB may wait, not a byte more."""
    desk = office.desk()
    office.gate.open.clear()

    async def run() -> None:
        desk.start()
        held = sent(desk, [office.ping()], module.MOST_BYTES)
        with pytest.raises(Refusal, match="overloaded"):
            sent(desk, [office.ping()], 1)
        office.gate.open.set()
        await held
        await desk.stop()

    asyncio.run(run())


def test_stopping_records_what_was_let_in(office: Office) -> None:
    """A desk that is stopped first records all that waits, and tells it."""
    desk = office.desk()
    office.gate.open.clear()

    async def run() -> list[Sequence[Verdict]]:
        desk.start()
        waiting = [sent(desk, [office.ping()], 1) for _ in range(20)]
        stopping = asyncio.create_task(desk.stop())
        await asyncio.sleep(0)
        office.gate.open.set()
        await stopping
        return [each.result() for each in waiting]

    assert [[GOOD]] * 20 == [names(each) for each in asyncio.run(run())]
    assert 20 == office.requests()


@settings(suppress_health_check=STORE_CHECKS, max_examples=25)
@given(st.lists(st.lists(st.sampled_from([GOOD, GOOD, GOOD, GUILTY, BROKEN]), max_size=6), max_size=12))
def test_every_ping_ends_with_one_verdict(office: Office, groups: list[list[str]]) -> None:
    """Whatever is mixed with whatever, each ping has the one verdict it deserves, and the good ones are counted."""
    before = office.requests()
    verdicts = told(office.desk(), *([office.ping(what) for what in group] for group in groups))
    assert groups == [names(each) for each in verdicts]
    assert sum(group.count(GOOD) for group in groups) == office.requests() - before


def test_the_day_is_that_of_the_ping(office: Office) -> None:
    """What is stored is what was let in: nothing is changed on the way."""
    late = office.site.ping("late", days=-1, version="1")
    told(office.desk(), [late])
    [entry] = office.site.reader.history(office.site.app).items
    assert (late.at, day_of(late.at), {"version": "1"}) == (entry.at, office.site.today - 1, entry.dimensions)


def test_nothing_waits_for_an_empty_request(office: Office) -> None:
    """A request without pings is told at once, and no commit is made for it alone."""
    verdicts: Any = told(office.desk(), [])
    assert [[]] == verdicts


def test_a_store_that_comes_back_by_itself(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody sends anything the store is tried again all the same, so that the receiver is ready again."""
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.01)
    desk = office.desk()

    async def run() -> list[bool]:
        desk.start()
        office.gate.refuses = _shut
        await sent(desk, [office.ping()], 1)
        seen = [desk.healthy]
        office.gate.refuses = _open
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if desk.healthy:
                break
        seen.append(desk.healthy)
        await desk.stop()
        return seen

    assert [False, True] == asyncio.run(run())
    assert {0} == set(office.gate.sizes[1:])
    assert ([1], 0) == (office.commits, office.requests())


def test_few_turns_at_a_time(office: Office) -> None:
    """Many refusals do not keep the event loop from what else is ready."""

    async def run() -> list[int]:
        desk = office.desk()
        desk.start()
        turns: list[None] = []
        for _ in range(2 * module.MOST_TURNS + 1):
            desk.turn(lambda: turns.append(None))
        seen = [len(turns)]
        while len(seen) < 5:
            await asyncio.sleep(0)
            seen.append(len(turns))
        await desk.stop()
        return seen

    most = module.MOST_TURNS
    assert [0, most, 2 * most, 2 * most + 1, 2 * most + 1] == asyncio.run(run())


def test_a_turn_is_the_commit_under_way(office: Office) -> None:
    """A refusal waits for the pings that were let in before it, makes no commit, and waits for nothing when idle."""

    async def run() -> list[bool]:
        desk = office.desk()
        desk.start()
        turns: list[str] = []
        desk.turn(lambda: turns.append("idle"))
        await asyncio.sleep(0)
        seen = [turns == ["idle"]]
        office.gate.open.clear()
        waiting = sent(desk, [office.ping()], 100)
        await asyncio.to_thread(office.gate.reached.wait, 5)
        desk.turn(lambda: turns.append("busy"))
        await asyncio.sleep(0.05)
        seen.append(turns == ["idle"])
        office.gate.open.set()
        await asyncio.wait_for(waiting, 5)
        await asyncio.sleep(0.05)
        seen.append(turns == ["idle", "busy"])
        await desk.stop()
        return seen

    assert [True] * 3 == asyncio.run(run())
    assert [1] == office.gate.sizes
