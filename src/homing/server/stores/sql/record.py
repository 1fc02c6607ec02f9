"""Records batches: durable on return, exactly once per batch id and ping id."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice, repeat
from operator import itemgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam, exists, literal_column, select
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from homing.clock import DAY_MS, Clock
from homing.errors import StoreRejected
from homing.outcomes import ACCEPTED, OUTCOMES, Refusal, Verdict, outcome_of
from homing.server.counting.labels import labelled
from homing.server.counting.segment import build
from homing.server.counting.sets import EVERY_DAY
from homing.server.stores.base import Batch
from homing.server.stores.sql import history
from homing.server.stores.sql.caches import Generations, Known
from homing.server.stores.sql.database import Bulk, Database, Many, Prepared, adding, among, bulk_insert, given_rows
from homing.server.stores.sql.draft import Claim, Draft, Head, InstanceKey, Row, Stored, mark_of
from homing.server.stores.sql.heads import DEALT, NEXT
from homing.server.stores.sql.liveness import learned
from homing.server.stores.sql.schema import app, batch, client, instance, last_seen, ping_id, segment, tombstone
from homing.server.stores.sql.schema import history as blocks
from homing.server.stores.sql.segments import Place, row_of
from homing.server.stores.sql.text import json_list
from homing.server.stores.sql.values import ValueLimits
from homing.server.stores.written import Written, digest, write_down

PING_ID_MS: Final = 7 * DAY_MS
"""So long after it was received a ping's id is remembered."""

FLUSH_MS: Final = 5_000
WARY_BATCHES: Final = 100
"""So many batches after one with an id that came before, ids are looked for before they are claimed."""

FLUSH_ROWS: Final = 500
"""Rows of `last_seen` that one commit carries along: few enough that no commit is slow."""


_KEY: Final = itemgetter(*map(Written._fields.index, ("app", "instance")))
_CLAIM: Final = itemgetter(*map(Written._fields.index, ("app", "claim")))


class _ClaimedBefore(Exception):
    """A ping has an id that was claimed before."""


class Recorder:
    """The one writer of pings in this process. Not for use by two threads at once."""

    def __init__(self, database: Database, clock: Clock, *, bucket_bits: int, cached: int, limits: ValueLimits) -> None:
        self._database = database
        self._clock = clock
        self._bits = bucket_bits
        self._known: Generations[InstanceKey, Known] = Generations(cached)
        self._seqs: dict[int, int] = {}
        self._owners: dict[int, int] = {}
        self._limits = limits
        self._unsaved: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._saving: list[Row] = []
        self._saved_at = clock.now()
        self._wary = 0
        self._run = _Statements()

    def record(self, group: Batch) -> list[Verdict]:
        """Store a batch and say what became of each ping, in order."""
        try:
            [verdicts] = self.record_together([group])
        except StoreRejected:
            earlier = self._recorded(group)
            if earlier is None:
                raise
            return earlier
        return verdicts

    def record_together(self, groups: Sequence[Batch]) -> list[list[Verdict]]:
        """Store batches in one commit, and say what became of each ping of each.

        Raises `StoreRejected` when one of them was recorded before, or holds what cannot be stored: nothing is stored.
        """
        try:
            return self._record_warily(groups)
        except BaseException:
            self._limits.clear()
            raise

    def _record_warily(self, groups: Sequence[Batch]) -> list[list[Verdict]]:
        """Record batches, once more where ids were claimed before and nobody looked.

        Nearly no id comes twice, and claiming one finds out by itself. To look for each of them costs as much again.
        """
        try:
            return self._record(groups)
        except _ClaimedBefore:
            self._limits.clear()
            self._wary = WARY_BATCHES
            return self._record(groups)

    def _record(self, groups: Sequence[Batch]) -> list[list[Verdict]]:
        drafts: list[Draft] = []
        with self._database.write() as connection:
            written = [write_down(ping) for group in groups for ping in group.pings]
            verdicts: list[Verdict] = [ACCEPTED] * len(written)
            for owner, places in self._by_owner(connection, written).items():
                pings = [written[place] for place in places]
                draft = self._open(connection, owner, pings)
                drafts.append(draft)
                for place, verdict in zip(places, draft.decide(pings), strict=True):
                    verdicts[place] = verdict
                self._write(connection, draft)
            left = iter(verdicts)
            parts = [list(islice(left, len(group.pings))) for group in groups]
            for group, part in zip(groups, parts, strict=True):
                self._run.batch(connection, id=group.id, at=self._clock.now(), verdicts=_pack(part))
            saved = self._save_seen(connection)
        self._keep(drafts, saved)
        self._wary = max(0, self._wary - 1)
        return parts

    def _by_owner(self, connection: Connection, pings: Sequence[Written]) -> Mapping[int, Sequence[int]]:
        owners = {number: self._owner_of(connection, number) for number in {ping.app for ping in pings}}
        if len(set(owners.values())) == 1:
            return {next(iter(owners.values())): range(len(pings))}
        places: dict[int, list[int]] = {}
        for place, ping in enumerate(pings):
            places.setdefault(owners[ping.app], []).append(place)
        # Always in the same order: two writers that need the heads of the same owners never wait for each other.
        return dict(sorted(places.items()))

    def _owner_of(self, connection: Connection, number: int) -> int:
        if number not in self._owners:
            found = connection.execute(select(app.c.owner).where(app.c.id == number)).scalar_one()
            self._owners[number] = int(found)
        return self._owners[number]

    def _recorded(self, group: Batch) -> list[Verdict] | None:
        """Return what an earlier try of this batch came to, None when there was none."""
        with self._database.read() as connection:
            found = connection.execute(select(batch.c.verdicts).where(batch.c.id == group.id)).scalar()
        return None if found is None else _unpack(found, len(group.pings))

    # What the store already holds.

    def _open(self, connection: Connection, owner: int, pings: Sequence[Written]) -> Draft:
        taken_head = Head(owner, *self._run.next(connection, of=owner).fetchone())
        if self._seqs.get(owner) != taken_head.seq - 1:
            # Somebody else wrote since this writer's last commit: what it remembers may be behind.
            self._known.clear()
            self._limits.clear()
        keys = list(map(_KEY, pings))
        known, ordinals = self._look_up(connection, owner, keys)
        claims = list(map(_CLAIM, pings))
        taken = self._taken(connection, pings) if self._wary else set()
        erased = self._erased(connection, owner, keys, known) if taken_head.erasures else frozenset()
        stored = Stored(keys, known, ordinals, claims, taken, erased)
        return Draft(taken_head, stored, partial(self._limits.profile, connection), self._bits)

    def _look_up(
        self, connection: Connection, owner: int, keys: Sequence[InstanceKey]
    ) -> tuple[list[Known | None], dict[str, int]]:
        """Return what is known of each instance, and the ordinals of ids that were asked for."""
        found = self._known.among(keys)
        missing: dict[int, set[str]] = {}
        for (number, name), each in zip(keys, found, strict=True):
            if each is None and name is not None:
                missing.setdefault(number, set()).add(name)
        ordinals: dict[str, int] = {}
        if missing:
            loaded = self._load(connection, owner, missing, ordinals)
            found = [loaded.get(key) if each is None else each for key, each in zip(keys, found, strict=True)]
        return found, ordinals

    def _load(
        self, connection: Connection, owner: int, missing: Mapping[int, set[str]], ordinals: dict[str, int]
    ) -> dict[InstanceKey, Known]:
        """Return what is stored of instances that are not remembered, and note the ordinals of their ids."""
        loaded: dict[InstanceKey, Known] = {}
        for number, ids in missing.items():
            rows = self._run.known(connection, asked=owner, of=number, wanted=json_list(ids))
            for name, ordinal, kind, state, credential, trace in rows:
                ordinals[name] = ordinal
                if state is not None:
                    loaded[(number, name)] = Known(ordinal, credential, mark_of(kind, state.encode()), trace)
        self._known.update(loaded.items())
        return loaded

    def _taken(self, connection: Connection, pings: Sequence[Written]) -> set[Claim]:
        """Return the claims that came before, and are not forgotten."""
        wanted: dict[int, set[str]] = {}
        for ping in pings:
            if ping.claim is not None:
                wanted.setdefault(ping.app, set()).add(ping.claim)
        before: dict[Claim, int] = {}
        for number, asked in wanted.items():
            rows = self._run.taken(connection, of=number, wanted=json_list(asked))
            before.update(((number, claim), received) for claim, received in rows)
        claims = (((ping.app, ping.claim), ping.received) for ping in pings)
        taken = {claim for claim, received in claims if before.get(claim, 0) > received - PING_ID_MS}
        if taken:
            self._wary = WARY_BATCHES
        return taken

    def _erased(
        self, connection: Connection, owner: int, keys: Sequence[InstanceKey], known: Sequence[Known | None]
    ) -> frozenset[str]:
        unknown = {name for (_app, name), found in zip(keys, known, strict=True) if found is None}
        strangers = [name for name in unknown if name is not None]
        rows = self._run.erased(connection, asked=owner, wanted=json_list(map(digest, strangers)))
        return frozenset(found for (found,) in rows)

    # What is written.

    def _write(self, connection: Connection, draft: Draft) -> None:
        if draft.clients:
            self._run.clients(connection, draft.clients)
            self._run.dealt(connection, of=draft.head.owner, dealt=draft.ordinals)
        self._run.instances(connection, list(draft.instances.values()))
        self._run.newcomers(connection, draft.newcomers)
        self._run.turns(connection, draft.turns)
        # In the order of the table: its pages are gone through once.
        if self._run.ping_ids(connection, sorted(draft.ping_ids)) < len(draft.ping_ids):
            raise _ClaimedBefore
        for row in _segments(draft):
            self._run.segment(connection, **row)
        for number, rows in draft.history.items():
            self._run.history(connection, **history.block(number, rows, level=0))

    def _keep(self, drafts: Iterable[Draft], saved: int) -> None:
        """Remember what is now committed."""
        for draft in drafts:
            self._seqs[draft.head.owner] = draft.head.seq
            self._known.update(draft.fresh.items())
            for number, seen in draft.seen.items():
                unsaved = self._unsaved[number]
                # What was received earlier may be committed later.
                unsaved.update((each, at) for each, at in seen.items() if unsaved.get(each, 0) < at)
        del self._saving[:saved]

    def _save_seen(self, connection: Connection) -> int:
        """Write some of the receipts noted since the last time; return how many."""
        if not self._saving and self._unsaved and self._clock.now() - self._saved_at >= FLUSH_MS:
            self._gather_seen()
        rows = self._saving[:FLUSH_ROWS]
        self._run.seen(connection, rows)
        return len(rows)

    def _gather_seen(self) -> None:
        # In the order of the table. As pairs, or together with their apps, they would take many times as long to sort.
        for number, seen in sorted(self._unsaved.items()):
            ordinals = sorted(seen)
            self._saving += zip(repeat(number), ordinals, map(seen.__getitem__, ordinals))
        self._unsaved.clear()
        self._saved_at = self._clock.now()

    def settle(self) -> None:
        """Write every instance's last receipt that is not written yet."""
        self._gather_seen()
        while self._saving:
            with self._database.write() as connection:
                saved = self._save_seen(connection)
            del self._saving[:saved]


def _segments(draft: Draft) -> list[dict[str, Any]]:
    made = {Place(*place): build(heard) for place, heard in draft.heard.items()}
    for (number, bucket), changes in draft.labels.items():
        made[Place(number, EVERY_DAY, bucket)] = labelled(changes)
    return [row_of(place, each, owner=draft.head.owner, seq=draft.head.seq) for place, each in made.items()]


def _last_seen() -> Insert:
    """Return the statement that notes last receipts put off, unless the instance was erased meanwhile."""
    rows, (number, ordinal, at) = given_rows(3)
    alive = exists().where(instance.c.app == number, instance.c.ordinal == ordinal)
    found = select(number, ordinal, at).select_from(rows).where(alive)
    return _unless_older(sqlite_insert(last_seen).from_select(["app", "ordinal", "at"], found))


def _turns() -> Insert:
    """Return the statement that notes last receipts of instances that are known under the owner's lock."""
    made = sqlite_insert(last_seen).values({name: literal_column("?") for name in ("app", "ordinal", "at")})
    return _unless_older(made)


def _claims() -> Insert:
    """Return the statement that claims a ping's id, unless it was claimed before and that is not forgotten yet."""
    made = sqlite_insert(ping_id).values({name: literal_column("?") for name in _PING_ID})
    anew = {name: made.excluded[name] for name in ("ordinal", "received")}
    forgotten = ping_id.c.received <= made.excluded.received - PING_ID_MS
    return made.on_conflict_do_update(["app", "digest"], set_=anew, where=forgotten)


def _unless_older(made: Insert) -> Insert:
    later = made.excluded.at > last_seen.c.at
    interval = learned(last_seen.c.interval, made.excluded.at - last_seen.c.at)
    return made.on_conflict_do_update(
        ["app", "ordinal"], set_={"at": made.excluded.at, "interval": interval}, where=later
    )


def _pack(verdicts: Sequence[Verdict]) -> bytes:
    """Return verdicts as bytes: none at all in the usual case that every ping was accepted."""
    if verdicts.count(ACCEPTED) == len(verdicts):
        return b""
    details = [verdict.detail if isinstance(verdict, Refusal) else None for verdict in verdicts]
    names = [outcome_of(verdict).name for verdict in verdicts]
    return msgspec.msgpack.encode(list(zip(names, details, strict=True)))


def _unpack(blob: bytes, count: int) -> list[Verdict]:
    if not blob:
        return [ACCEPTED] * count
    rows = msgspec.msgpack.decode(blob)
    return [OUTCOMES[name] if detail is None else Refusal(name, detail) for name, detail in rows]


class _Statements:
    """The statements of a commit."""

    def __init__(self) -> None:
        self.next = Prepared(NEXT)
        self.dealt = Prepared(DEALT)
        self.known = Prepared(_KNOWN)
        self.taken = Prepared(_TAKEN)
        self.erased = Prepared(_TOMBSTONES)
        self.batch = Prepared(adding(batch, "id", "at", "verdicts"))
        self.clients = bulk_insert(client, "owner", "ordinal", "instance_id")
        self.instances = bulk_insert(instance, *_INSTANCE, changing=("kind", "state", "credential", "trace"))
        self.newcomers = bulk_insert(last_seen, "app", "ordinal", "at", changing=("at",))
        self.ping_ids = Many(_claims())
        self.segment = Prepared(adding(segment, *_SEGMENT))
        self.history = Prepared(adding(blocks, *history.COLUMNS))
        self.seen = Bulk(_last_seen(), 3)
        self.turns = Bulk(_turns(), 3)


_INSTANCE: Final = ("app", "ordinal", "first_seen", "kind", "state", "credential", "trace")
_PING_ID: Final = ("app", "digest", "ordinal", "received")
_SEGMENT: Final = ("owner", "app", "day", "bucket", "first", "last", "size", "blob")
_KNOWN: Final = (
    select(
        *(client.c.instance_id, client.c.ordinal),
        *(instance.c.kind, instance.c.state, instance.c.credential, instance.c.trace),
    )
    .select_from(
        client.outerjoin(instance, (instance.c.app == bindparam("of")) & (instance.c.ordinal == client.c.ordinal))
    )
    .where(client.c.owner == bindparam("asked"), among(client.c.instance_id, "wanted"))
)
_TAKEN: Final = select(ping_id.c.digest, ping_id.c.received).where(
    ping_id.c.app == bindparam("of"), among(ping_id.c.digest, "wanted")
)
_TOMBSTONES: Final = select(tombstone.c.digest).where(
    tombstone.c.owner == bindparam("asked"), among(tombstone.c.digest, "wanted")
)
