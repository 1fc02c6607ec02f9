"""A store under test: opened by two writers and a reader as by processes of their own, on one fixed clock."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from homing.clock import day_of
from homing.errors import StoreRejected
from homing.outcomes import outcome_of
from homing.ping import Ping
from homing.server.counting.sets import Set, plan
from homing.server.stores.base import Batch, Listing, Options, Store
from homing.server.stores.registry import Opened
from homing.testing import FixedClock
from tests.contract.engines import Engine, Limits

SMALL: Final = Options(retention_days=3, history_days=3, cache_mb=1, cached_instances=6, bucket_bits=2)
"""Buckets of four clients, a cache that forgets, three days that are kept."""

POISON: Final = 2**70
"""A time of receipt that no engine can hold."""


def everything(ask: Callable[[str | None], Listing]) -> list[Any]:
    """Go through all pages of a listing."""
    page = ask(None)
    found, cursors = [*page.items], [page.after]
    while page.after is not None:
        page = ask(page.after)
        assert page.items, "A page that another one named holds something."
        assert page.after not in cursors, "No page names an earlier one."
        found += page.items
        cursors.append(page.after)
    return found


class Site:
    """One owner with two apps, another owner with one, and a fresh store."""

    def __init__(self, engine: Engine, *, options: Options = SMALL, limits: Limits = Limits()) -> None:  # noqa: B008 - immutable
        self.clock = FixedClock()
        self.url = engine.fresh()
        self._engine = engine
        self._options = options
        self._limits = limits
        self._opened: list[Opened] = []
        self.writers = (self.opened(), self.opened())
        self.store = self.writers[0]
        self.reader = self.opened()
        self.control = self._opened[0].control
        self.owner, self.stranger = (
            self.control.add_owner(name, "hash", now=self.clock.now(), must_change=False).id
            for name in ("admin", "stranger")
        )
        self.app, self.other_app = (self.add_app(self.owner, name) for name in ("one", "two"))
        self.foreign_app = self.add_app(self.stranger, "one")
        self.owners = {self.app: self.owner, self.other_app: self.owner, self.foreign_app: self.stranger}
        self._batches = 0

    def add_app(self, owner: int, name: str) -> int:
        """Add an app and return its number."""
        return self.control.add_app(owner, name, now=self.clock.now(), dimensions=()).id

    def opened(self) -> Store:
        """Open the store once more; it is closed with the site."""
        opened = self._engine.open(self.url, self.clock, options=self._options, limits=self._limits)
        self._opened.append(opened)
        return opened.store

    def close(self) -> None:
        """Close and remove everything."""
        for opened in self._opened:
            opened.store.close()
        self._engine.drop(self.url)

    @property
    def today(self) -> int:
        """The day of the clock."""
        return day_of(self.clock.now())

    def next_id(self) -> str:
        """Return an id for a batch."""
        self._batches += 1
        return f"batch-{self._batches}"

    # wide: everything a ping can carry
    def ping(
        self,
        instance: str | None = "x",
        *,
        app: int | None = None,
        kind: str = "heartbeat",
        days: int = 0,
        id: str | None = None,  # noqa: A002 - the field's name
        properties: Mapping[str, Any] | None = None,
        credential: str | None = None,
        **dimensions: str,
    ) -> Ping:
        """Make a ping that is received now, and whose own time lies `days` ahead."""
        now = self.clock.now()
        at = now + days * 86_400_000
        return Ping(app or self.app, instance, kind, at, now, id, dimensions, properties or {}, credential)

    def record(self, *pings: Ping, by: Store | None = None, id: str | None = None) -> list[str]:  # noqa: A002 - what the batch calls it
        """Record a batch and return the names of the outcomes."""
        verdicts = (by or self.store).record(Batch(id or self.next_id(), pings))
        return [outcome_of(verdict).name for verdict in verdicts]

    def fail(self, *pings: Ping, by: Store | None = None) -> None:
        """Let a commit fail on its last ping."""
        poison = self.ping("poison", id="poison")._replace(received=POISON)
        try:
            (by or self.store).record(Batch(self.next_id(), [*pings, poison]))
        except StoreRejected:
            return
        raise AssertionError("The store holds a time beyond 64 bits.")

    def count(self, *sets: Set, by: Store | None = None) -> list[int]:
        """Count sets of the owner."""
        return (by or self.reader).count(self.owner, plan(sets)).numbers

    def members(self, asked: Set, by: Store | None = None) -> list[str]:
        """List all members of a set of the owner."""
        return everything(lambda after: (by or self.reader).members(self.owner, plan([asked]), after=after, limit=100))

    def requests(
        self, by: str = "day", *, app: int | None = None, filters: Mapping[str, Sequence[str | None]] | None = None
    ) -> dict[Any, int]:
        """Count the requests of an app over the days around today."""
        return self.reader.requests(self.owner, [app or self.app], days=self.days(), filters=filters or {}, by=by)

    def days(self) -> range:
        """Return the days around today."""
        return range(self.today - 5, self.today + 3)

    def instances(self, app: int | None = None) -> list[str]:
        """List the ids of all instances of an app, in order."""
        app = app or self.app
        owner = self.owners[app]
        pages = everything(lambda after: self.reader.instances(owner, app, sort="instance_id", after=after, limit=3))
        return [each.instance_id for each in pages]

    def compact(self, by: Store | None = None) -> None:
        """Compact until nothing is worth it."""
        while (by or self.reader).compact():
            pass
