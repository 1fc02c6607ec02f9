"""Whatever happens to a store, in whatever order, it answers as the oracle does.

Two writers take turns, each with its own memory of what is stored; a reader is asked now and then only, so that its
cache lags; compaction, erasure, pruning, failed commits and new days come in between.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from homing.clock import DAY_MS
from homing.outcomes import outcome_of
from homing.ping import Ping
from homing.server.counting.labels import LABELS
from homing.server.counting.sets import Set, anyone, first, marked, plan, seen, union
from homing.server.stores.base import Batch, Store
from tests.conftest import STORE_CHECKS
from tests.contract.engines import Engine, Limits
from tests.contract.site import SMALL, Site, everything
from tests.oracle import Oracle

DIMENSIONS = {"version": ["1", "2", "3", "4", "5"], "platform": ["linux", "mac"], "size": ["s", "m"]}
KINDS = ["heartbeat", "heartbeat", "check", "clicked"]
NAMES = ["a", "b", "c", "d", "e", "f", "g"]
LIMITS = Limits(values=3, combinations=4)
WHO = st.integers(0, 1)


def drafts() -> st.SearchStrategy[dict[str, Any]]:
    """Draw what a ping carries; which app and day are chosen by index."""
    return st.fixed_dictionaries(
        {
            "place": st.integers(0, 2),
            "instance": st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), st.none()),
            "kind": st.sampled_from(KINDS),
            "days": st.sampled_from([0, 0, 0, -1, -2, 1]),
            "id": st.one_of(st.none(), st.none(), st.sampled_from(["p", "q", "r"])),
            "credential": st.sampled_from([None, None, None, "1" * 64, "2" * 64]),
            "properties": st.sampled_from([{}, {}, {"n": 1}, {"ci": True}, {"container": True}, {"ci": False}]),
            "dimensions": st.fixed_dictionaries(
                {}, optional={name: st.sampled_from(values) for name, values in DIMENSIONS.items()}
            ),
        }
    )


class Machine(RuleBasedStateMachine):
    """The store beside the oracle."""

    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(self.engine, options=SMALL, limits=LIMITS)
        self.apps = (self.site.app, self.site.other_app, self.site.foreign_app)
        self.oracle = Oracle(self.site.owners, *LIMITS)
        self.sent: list[Batch] = []

    def teardown(self) -> None:
        """Ask a reader that lags and one that is new, before and after compaction."""
        try:
            self.ask_everything(self.site.reader)
            self.site.compact(self.site.writers[1])
            self.ask_everything(self.site.reader)
            self.ask_everything(self.site.opened())
            self.list_everything()
        finally:
            self.site.close()

    def ping(self, place: int, instance: str | None, dimensions: dict[str, Any], **rest: Any) -> Ping:
        """Make a ping of what was drawn."""
        return self.site.ping(instance, app=self.apps[place], **rest, **dimensions)

    def batch(self, drawn: Sequence[dict[str, Any]]) -> Batch:
        """Make a batch of what was drawn."""
        return Batch(self.site.next_id(), [self.ping(**each) for each in drawn])

    def send(self, who: int, batch: Batch) -> None:
        """Record a batch in both."""
        verdicts = self.site.writers[who].record(batch)
        pings = [each for each in batch.pings if isinstance(each, Ping)]
        expected = self.oracle.record(batch.id, pings, self.site.clock.now())
        assert expected == [outcome_of(verdict).name for verdict in verdicts]

    @rule(who=WHO, drawn=st.lists(drafts(), min_size=1, max_size=6))
    def record(self, who: int, drawn: list[dict[str, Any]]) -> None:
        """A batch arrives at one of the writers."""
        self.sent.append(self.batch(drawn))
        self.send(who, self.sent[-1])

    @rule(who=WHO, drawn=st.lists(drafts(), min_size=1, max_size=2), times=st.integers(7, 12))
    def record_often(self, who: int, drawn: list[dict[str, Any]], times: int) -> None:
        """The same is sent again and again, so that there is something to compact."""
        for _ in range(times):
            self.send(who, self.batch(drawn))

    @precondition(lambda self: self.remembered())
    @rule(who=WHO, data=st.data())
    def retry(self, who: int, data: st.DataObject) -> None:
        """A batch comes again, perhaps at the other writer."""
        self.send(who, data.draw(st.sampled_from(self.remembered())))

    def remembered(self) -> list[Batch]:
        """Return the batches that no prune has forgotten."""
        return [batch for batch in self.sent if batch.id in self.oracle.batches]

    @rule(who=WHO, drawn=st.lists(drafts(), max_size=4))
    def fail(self, who: int, drawn: list[dict[str, Any]]) -> None:
        """A commit fails, and nothing of it stays."""
        self.site.fail(*(self.ping(**each) for each in drawn), by=self.site.writers[who])

    @rule(who=WHO)
    def compact(self, who: int) -> None:
        """One of the processes compacts a little."""
        self.site.writers[who].compact()

    @rule(name=st.sampled_from(NAMES), who=WHO)
    def erase(self, name: str, who: int) -> None:
        """An instance is erased."""
        receipt = self.site.writers[who].erase(self.site.owner, name)
        expected = self.oracle.erase(self.site.owner, name)
        assert expected == (receipt and (receipt.apps, receipt.days, receipt.history))

    @rule(
        who=WHO, place=st.integers(0, 2), name=st.sampled_from(NAMES), times=st.integers(3, 6), days=st.integers(0, 3)
    )
    def alternate(self, who: int, place: int, name: str, times: int, days: int) -> None:
        """Two machines report under one id."""
        for n in range(times):
            self.send(who, Batch(self.site.next_id(), [self.ping(place, name, {"version": "12"[n % 2]})]))
            self.site.clock.advance(days=days)

    @rule(who=WHO, place=st.integers(0, 2), label=st.sampled_from(LABELS), on=st.booleans(), data=st.data())
    def mark(self, who: int, place: int, label: str, on: bool, data: st.DataObject) -> None:  # noqa: FBT001 - drawn
        """The owner gives or takes a label."""
        ids = data.draw(st.sets(st.sampled_from(NAMES)))
        expected = self.oracle.mark(self.apps[place], label, ids, on=on)
        assert expected == self.site.writers[who].mark(self.apps[place], label, ids=ids, on=on)

    @rule(name=st.sampled_from(NAMES), place=st.integers(0, 2), who=WHO)
    def release(self, name: str, place: int, who: int) -> None:
        """The owner releases an instance's token."""
        app = self.apps[place]
        assert self.oracle.release(app, name) == self.site.writers[who].release(app, name)

    @rule(days=st.sampled_from([0, 0, 1, 1, 2, 8]), seconds=st.integers(0, 4000))
    def wait(self, days: int, seconds: int) -> None:
        """Time passes."""
        self.site.clock.advance(days=days, seconds=seconds)

    @rule(who=WHO)
    def settle(self, who: int) -> None:
        """A writer writes what it put off."""
        self.site.writers[who].settle()

    @rule(who=WHO)
    def prune(self, who: int) -> None:
        """What is past its keep goes, just as a dry run said."""
        store = self.site.writers[who]
        said = store.prune(dry_run=True)
        first_day, history_day = (self.site.today + 1 - keep for keep in (SMALL.retention_days, SMALL.history_days))
        expected = self.oracle.prune(first_day, history_from=history_day * DAY_MS, now=self.site.clock.now())
        assert said == store.prune()
        assert expected == (said.days, said.instances, said.ping_ids, said.batches)

    @rule()
    def ask(self) -> None:
        """The reader is asked everything."""
        self.ask_everything(self.site.reader)

    @rule(data=st.data())
    def ask_anything(self, data: st.DataObject) -> None:
        """The reader is asked a few sets of any form."""
        self.assert_counts(self.site.reader, self.site.owner, data.draw(st.lists(self.sets(), min_size=1, max_size=4)))

    def sets(self) -> st.SearchStrategy[Set]:
        """Draw any set over the owner's apps and the days around today."""
        app, day = st.sampled_from(self.apps[:2]), st.sampled_from(list(self.site.days()))
        more = st.sampled_from([0, 0, 1, 4])
        under = [(name, value) for name, values in DIMENSIONS.items() for value in (*values, "(other)", None)]
        under += [("kind", kind) for kind in KINDS]
        leaves = st.one_of(
            st.builds(lambda app, day, n: anyone(app, day, to=day + n), app, day, more),
            st.builds(lambda app, day, n: first(app, day, to=day + n), app, day, more),
            st.builds(marked, app, st.sampled_from(LABELS)),
            st.builds(
                lambda app, day, n, pair: seen(app, day, *pair, to=day + n), app, day, more, st.sampled_from(under)
            ),
        )
        return st.recursive(
            leaves,
            lambda parts: st.one_of(
                st.builds(lambda a, b: a & b, parts, parts),
                st.builds(lambda a, b: a - b, parts, parts),
                st.lists(parts, min_size=1, max_size=4).map(union),
            ),
            max_leaves=8,
        )

    def assert_counts(self, store: Store, owner: int, asked: Sequence[Set]) -> None:
        """Assert that a store counts as the oracle does."""
        expected = {each: len(self.oracle.log.members(each)) for each in asked}
        assert expected == dict(zip(asked, store.count(owner, plan(asked)).numbers, strict=True))

    def ask_everything(self, store: Store) -> None:
        """Ask a store every plain question about the days around today."""
        days = list(self.site.days())
        for app in self.apps:
            self.assert_counts(store, self.site.owners[app], [each for day in days for each in questions(app, day)])
            for name in DIMENSIONS:
                assert self.oracle.values_of([app], days, name) == store.values([app], days, dimension=name)
            places = [(app, day) for day in days]
            for by in ("day", "kind", "version"):
                filters: dict[str, list[str | None]] = {"platform": ["linux", None]} if by == "day" else {}
                found = store.requests(self.site.owners[app], [app], days=days, filters=filters, by=by)
                assert self.oracle.log.requests(places, filters, by) == found

    def list_everything(self) -> None:
        """List instances, members and history, and compare each with the oracle."""
        for writer in self.site.writers:
            writer.settle()
        for app in self.apps:
            self.list_instances(app)
            self.list_history(app)
        asked = union([anyone(app, day) for app in self.apps[:2] for day in self.site.days()])
        expected = self.oracle.names(self.site.owner, self.oracle.log.members(asked))
        assert expected == everything(
            lambda after: self.site.reader.members(self.site.owner, plan([asked]), after=after, limit=2)
        )

    def list_instances(self, app: int) -> None:
        """Compare an app's instances."""
        owner = self.site.owners[app]
        found = everything(lambda after: self.site.reader.instances(owner, app, after=after, limit=2))
        expected = {
            name: (each.first_seen, each.last_seen, *each.state, each.credential is not None, each.labels())
            for (of, name), each in self.oracle.known.items()
            if of == app
        }
        assert expected == {
            i.instance_id: (i.first_seen, i.last_seen, i.kind, i.dimensions, i.properties, i.bound, list(i.labels))
            for i in found
        }
        assert sorted((i.last_seen for i in found), reverse=True) == [i.last_seen for i in found]

    def list_history(self, app: int) -> None:
        """Compare an app's history."""
        found = everything(lambda after: self.site.reader.history(app, after=after, limit=3))
        ids = {number: name for (_owner, name), number in self.oracle.numbers.items()}
        expected = [
            (ids.get(e.number or 0), e.kind, e.at, e.received, e.dimensions, e.properties)
            for e in self.oracle.history
            if e.app == app
        ]
        assert sorted(map(repr, expected)) == sorted(repr(tuple(each)) for each in found)
        assert sorted((each.received for each in found), reverse=True) == [each.received for each in found]


def questions(app: int, day: int) -> list[Set]:
    """Return every plain set of a day."""
    under = [seen(app, day, name, v) for name, values in DIMENSIONS.items() for v in (*values, "(other)", None)]
    borne = [anyone(app, day) & marked(app, label) for label in LABELS]
    kinds = [seen(app, day, "kind", kind) for kind in sorted(set(KINDS))]
    return [anyone(app, day), first(app, day), *under, *borne, *kinds]


def test_a_store_answers_as_the_oracle_does(engine: Engine) -> None:
    """Two writers, a lagging reader and everything that may come in between agree with the oracle."""

    class EngineMachine(Machine):
        pass

    EngineMachine.engine = engine
    few = settings(max_examples=settings().max_examples * 2 // 3, stateful_step_count=30)
    run_state_machine_as_test(EngineMachine, settings=settings(few, suppress_health_check=STORE_CHECKS))
