"""What every store does, and the plain values it takes and gives.

Everything but the bitmaps inside a store is a plain value here, so that it can cross from one process to another.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from homing.outcomes import Verdict
from homing.ping import Ping
from homing.server.counting.numbers import Bucket, Number
from homing.server.counting.sets import Plan
from homing.server.stores.written import Written

Made = TypeVar("Made")


class Aside(Protocol):
    """Does work that takes a while and writes nothing, where it is in nobody's way."""

    def __call__(self, work: Callable[[], Made], /) -> Made:
        """Return what the work returns, or raise what it raises."""


def at_once(work: Callable[[], Made], /) -> Made:
    """Do work where it is asked for."""
    return work()


Sort = Literal["last_seen", "first_seen", "instance_id"]

State = Literal["alive", "late", "silent", "ended"]
"""Late is who was not heard from for 1.5 of its intervals, silent for 3; ended who said so last."""


Switch = Literal["retired", "demands_bearer", "keeps_addresses"]
"""What of an app can be changed: the fields of `App`."""


class Batch(NamedTuple):
    """Pings that become durable together. A batch recorded twice under one `id` changes nothing the second time.

    They may have been written down before, in another process.
    """

    id: str
    pings: Sequence[Ping | Written]


class Counts(NamedTuple):
    """The answer to `count`: how many clients each set holds, as of the owner's commit numbered `as_of`."""

    as_of: int
    numbers: list[int]


class Instance(NamedTuple):
    """One installation of an app as the registry knows it. Times are in milliseconds since 1970-01-01 UTC.

    `interval` is how far apart its pings usually are, in milliseconds, as it was learned from them; a day until then.
    """

    app: int
    instance_id: str
    first_seen: int
    last_seen: int
    kind: str
    dimensions: Mapping[str, str]
    properties: Mapping[str, Any]
    bound: bool
    labels: Sequence[str] = ()
    state: State = "alive"
    interval: int = 86_400_000


class Measured(NamedTuple):
    """A number that instances report, summarised as of the owner's commit `as_of`; see `counting.numbers.Numbers`."""

    as_of: int
    n: int
    total: Number | None
    median: Number | None
    p95: Number | None
    buckets: list[Bucket]


class Entry(NamedTuple):
    """One ping in an instance's history. `at` and `received` are in milliseconds since 1970-01-01 UTC."""

    instance_id: str | None
    kind: str
    at: int
    received: int
    dimensions: Mapping[str, str]
    properties: Mapping[str, Any]


class Listing(NamedTuple):
    """One page of a longer list; `after` asks for the next one, None when this is the last."""

    items: list[Any]
    after: str | None


class Receipt(NamedTuple):
    """What an erasure removed, given once it is gone from the disk."""

    instance_id: str
    at: int
    apps: int
    days: int
    history: int


class Pruned(NamedTuple):
    """What a prune removed, or would remove: days of counting, history blocks, instances, ping ids, old batches."""

    days: int
    history: int
    instances: int
    ping_ids: int
    batches: int


class Features(NamedTuple):
    """What an engine can do beyond counting."""

    history: bool


class Options(NamedTuple):
    """What a store can be told: see the settings of the same names. A bucket holds 2 to the `bucket_bits` clients."""

    retention_days: int = 92
    history_days: int = 30
    cache_mb: int = 192
    cached_instances: int = 200_000
    bucket_bits: int = 20


class Store(Protocol):
    """An engine. Raises `StoreUnavailable` whenever it cannot be used at the moment; nothing is changed then."""

    features: Features

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch in one transaction, durable on return, and say what became of each ping in order."""

    def record_together(self, batches: Sequence[Batch]) -> list[list[Verdict]]:
        """Store batches in one transaction, durable on return, and say what became of each ping of each.

        Raises `StoreRejected` when one of them was recorded before, or holds what cannot be stored: nothing is stored.
        """

    def snapshot(self) -> AbstractContextManager[None]:
        """Let every question inside the block see the same state of the store; a block within is part of it."""

    def count(self, owner: int, asked: Plan) -> Counts:
        """Count the clients of each planned set in one snapshot."""

    def requests(
        self,
        owner: int,
        apps: Sequence[int],
        *,
        days: Sequence[int],
        filters: Mapping[str, Sequence[str | None]],
        by: str,
    ) -> dict[Any, int]:
        """Count requests by day, kind or a core dimension; raise `StoreUnsupported` for any other."""

    def settle(self) -> None:
        """Write what `record` put off: when each instance was last heard from."""

    def values(self, apps: Sequence[int], days: Sequence[int], *, dimension: str) -> dict[str, tuple[int, int]]:
        """Return the values of a dimension with the first and last day each was seen."""

    def members(self, owner: int, asked: Plan, *, after: str | None, limit: int) -> Listing:
        """List the instance ids of one planned set."""

    # wide: a list is narrowed, sorted and paged, each independently
    def instances(
        self,
        owner: int,
        app: int,
        *,
        asked: Plan | None = None,
        search: str = "",
        state: State | None = None,
        sort: Sort = "last_seen",
        after: str | None = None,
        limit: int = 50,
    ) -> Listing:
        """List instances of an app, of one planned set where it is given, in a state, whose id contains `search`."""

    def instance(self, app: int, instance_id: str) -> Instance | None:
        """Return one instance."""

    def measure(self, owner: int, app: int, *, asked: Plan, name: str) -> Measured:
        """Summarise the number under a name in the last state of an app's instances of one planned set."""

    def numbers(self, owner: int, app: int) -> list[str]:
        """Return the names of numbers in the states of the instances heard from last, at most 200."""

    def history(
        self,
        app: int,
        *,
        instance_id: str | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Listing:
        """List entries, newest first, of an instance or of a kind."""

    def mark(self, app: int, label: str, *, ids: Collection[str], on: bool) -> int:
        """Give instances a label, or take it from them, whatever they send; return how many of them are known."""

    def release(self, app: int, instance_id: str) -> bool:
        """Forget the token an instance is bound to; False when there is no such binding."""

    def bindings(self, owner: int, instance_id: str) -> dict[int, str | None]:
        """Return the apps of an owner that know an instance, each with the hash of the token it is bound to there."""

    def erase(self, owner: int, instance_id: str) -> Receipt | None:
        """Remove all data of an instance in all apps of the owner; None when the id was never known."""

    def prune(self, *, dry_run: bool = False) -> Pruned:
        """Remove what is past its keep; with `dry_run` only count it."""

    def compact(self, aside: Aside = at_once) -> bool:
        """Merge what is most fragmented, all but the writing of it `aside`; False when there is nothing worth it."""

    def warm(self, seconds: float) -> None:
        """Read into memory what is asked for most, the last days of every app, for at most so many seconds."""

    def checkpoint(self) -> None:
        """Move committed data to where it is read fastest; whoever writes waits some milliseconds at most."""

    def close(self) -> None:
        """Let go of every connection."""


class Owner(NamedTuple):
    """A tenant. `password` is an argon2 hash."""

    id: int
    name: str
    password: str
    must_change: bool


class App(NamedTuple):
    """A product whose installations report. `dimensions` are what it declares beyond the built-in ones.

    Where it `demands_bearer`, its send keys alone let nothing in. `keeps_addresses` says whether keyed hashes of
    senders' addresses are kept; None leaves it to the dialect.
    """

    id: int
    owner: int
    name: str
    retired: bool
    retention_days: int | None
    history_days: int | None
    dimensions: tuple[str, ...]
    demands_bearer: bool = False
    keeps_addresses: bool | None = None


class AppKey(NamedTuple):
    """A key of an app. `plain` is kept for `send` keys only: they travel inside applications and open nothing.

    Times are in milliseconds since 1970-01-01 UTC. From `ends` on it opens nothing; `used` is when it last did, to the
    minute.
    """

    id: int
    app: int
    scope: str
    digest: bytes
    plain: str | None
    hint: str
    created: int
    ends: int | None = None
    used: int | None = None

    def is_active(self, now: int) -> bool:
        """Say whether it still opens anything."""
        return self.ends is None or now < self.ends


class NewKey(NamedTuple):
    """What a key to be added is, in the order of `AppKey`."""

    scope: str
    digest: bytes
    plain: str | None
    hint: str


class Secret(NamedTuple):
    """What keyed hashes are made with, and since when, in milliseconds since 1970-01-01 UTC."""

    value: bytes
    since: int


class Webhook(NamedTuple):
    """An address at which any JSON is taken in as an event of an app; `token` is the part that cannot be guessed.

    Where it is not `persistent` the event is counted, and not kept; where it does not `includes_input` nothing of what
    was sent is kept with it. `created` is in milliseconds since 1970-01-01 UTC.
    """

    id: int
    app: int
    key: str
    token: str
    event: str
    persistent: bool
    includes_input: bool
    active: bool
    created: int


class NewWebhook(NamedTuple):
    """What a webhook to be added is, in the order of `Webhook`."""

    app: int
    key: str
    token: str
    event: str
    persistent: bool
    includes_input: bool
    active: bool


class Webhooks(Protocol):
    """The part of control data that is about inbound webhooks."""

    def webhooks(self) -> list[Webhook]:
        """Return all webhooks, oldest first."""

    def add_webhook(self, new: NewWebhook, *, now: int) -> Webhook:
        """Add a webhook; raise `NameTaken` when the app has one of that key."""

    def change_webhook(self, webhook: Webhook) -> None:
        """Store what can change of a webhook: everything but its number, its app and its token."""

    def drop_webhook(self, number: int) -> bool:
        """Delete a webhook; False when there is none of that number."""


class Control(Webhooks, Protocol):
    """Control data: owners, sessions, apps and their keys. Always relational."""

    def secret(self, name: str, fresh: bytes, *, now: int, after: int = -1) -> Secret:
        """Return the secret of that name; `fresh`, from `now` on, where there is none from `after` a time."""

    def version(self) -> int:
        """Return a number that rises with every change, for caches."""

    def add_owner(self, name: str, password: str, *, now: int, must_change: bool) -> Owner:
        """Add an owner; raise `NameTaken` when the name is in use."""

    def owner(self, name: str) -> Owner | None:
        """Return the owner of that name."""

    def owners(self) -> list[Owner]:
        """Return every owner, oldest first."""

    def set_password(self, owner: int, password: str, *, must_change: bool) -> None:
        """Replace an owner's password hash and end all sessions."""

    def add_session(self, owner: int, digest: bytes, *, now: int, expires: int) -> None:
        """Store a session by the hash of its token."""

    def session(self, digest: bytes, now: int) -> int | None:
        """Return the owner of a session that has not expired."""

    def end_session(self, digest: bytes) -> None:
        """Forget a session."""

    def add_app(self, owner: int, name: str, *, now: int, dimensions: Sequence[str]) -> App:
        """Add an app; raise `NameTaken` when the owner has one of that name."""

    def apps(self, owner: int | None = None) -> list[App]:
        """Return the apps of one owner or of all, oldest first."""

    def add_key(self, app: int, key: NewKey, *, now: int) -> AppKey:
        """Add a key to an app."""

    def replace_key(self, old: AppKey, new: NewKey, *, ends: int, now: int) -> AppKey | None:
        """Add a key in the place of one, which ends at a time; None, and nothing is done, where that ends already."""

    def app_keys(self, app: int | None = None) -> list[AppKey]:
        """Return the keys of one app or of all, oldest first, ended ones too."""

    def change_app(self, app: int, *, switch: Switch, on: bool | None) -> None:
        """Change one switch of an app; the others stay as whoever changed them last left them.

        None is for `keeps_addresses` alone.
        """

    def end_key(self, key: int, ends: int | None, *, now: int) -> bool:
        """Let a key end at a time, or never; False when there is none of that number or it has ended already."""

    def note_use(self, used: Mapping[int, int]) -> None:
        """Store when keys were last used, by their numbers."""

    def imported(self, app: int, ids: Sequence[str]) -> set[str]:
        """Return which of the ids of lines were imported into an app before."""

    def note_imported(self, app: int, lines: Mapping[str, int], *, before: int) -> None:
        """Store which lines were imported, with the time of each; forget those from `before` a time."""
