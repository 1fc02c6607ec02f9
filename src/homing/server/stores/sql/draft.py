"""Decides what becomes of each ping of one owner's share of a batch, and gathers what is to be written for it.

Made under the owner's lock, so what it was given is the truth; thrown away when the commit fails.
"""

from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection

from homing.clock import day_of
from homing.outcomes import ACCEPTED, DUPLICATE, Refusal, Verdict
from homing.ping import ENDINGS, TURNS, Ping
from homing.server.counting.labels import LATE_MS, follow, read_trace, write_trace
from homing.server.counting.segment import Heard, Profile, Shown
from homing.server.stores.sql.caches import Known
from homing.server.stores.sql.text import digest, state_of
from homing.server.stores.sql.values import ValueLimits

NOBODY = 0
"""The ordinal that stands for no instance in the history; instances are numbered from 1."""

InstanceKey = tuple[int, str]
Row = tuple[Any, ...]
"""Values for the columns of a bulk insert, in its order."""


class Head(NamedTuple):
    """The owner's numbers as of the commit being made."""

    owner: int
    seq: int
    ordinals: int
    erasures: int


class Stored(NamedTuple):
    """What the store already holds about the instances and ids in a batch.

    `known` are instances by app and id, `ordinals` those of ids the owner knows from another app, `digests` those of
    the ping ids in the batch, `taken` ping ids by app and digest, `erased` digests of instance ids that were erased.
    """

    known: dict[InstanceKey, Known]
    ordinals: dict[str, int]
    digests: dict[str, str]
    taken: set[tuple[int, str]]
    erased: frozenset[str]


class HistoryRow(NamedTuple):
    """One ping as the history keeps it; `state` is the JSON of its dimensions and properties."""

    ordinal: int
    at: int
    received: int
    kind: str
    state: str


def mark_of(kind: str, state: str) -> int:
    """Return the hash by which it is noticed that an instance says something else than before."""
    return hash((kind, state))


def _repeats(ping: Ping, known: Known) -> bool:
    """Say whether this is a heartbeat with which nothing changes but the count: nearly every ping is one."""
    return (
        known.day == day_of(ping.at)
        and known.credential == ping.credential
        and ping.repeats
        and known.mark == mark_of(ping.kind, state_of(ping))
    )


def _tells_how_it_is(ping: Ping) -> bool:
    """Say whether a ping is its instance's last report.

    One that is not kept is counted alone. An ending that was held back may have been followed by another start.
    """
    return ping.is_kept and not (ping.kind in ENDINGS and ping.received - ping.at > LATE_MS)


class Draft:
    """What one owner's share of a batch will write."""

    def __init__(self, head: Head, stored: Stored, bucket_bits: int) -> None:
        self.head = head
        self.ordinals = head.ordinals
        self.clients: list[Row] = []
        self.instances: dict[InstanceKey, Row] = {}
        self.newcomers: list[Row] = []
        self.turns: list[Row] = []
        self.ping_ids: list[Row] = []
        self.heard: defaultdict[tuple[int, int, int], list[Heard]] = defaultdict(list)
        self.history: dict[int, list[HistoryRow]] = {}
        self.seen: dict[tuple[int, int], int] = {}
        self.labels: defaultdict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self.known = stored.known
        self.fresh: dict[InstanceKey, Known] = {}
        self._stored = stored
        self._bits = bucket_bits

    def decide(self, connection: Connection, ping: Ping, *, limits: ValueLimits) -> Verdict:
        """Say what becomes of a ping and note what is to be written for it."""
        claim = None if ping.id is None else (ping.app, self._stored.digests[ping.id])
        if claim in self._stored.taken:
            return DUPLICATE
        key = (ping.app, ping.instance or "")
        known = None if ping.instance is None else self.known.get(key)
        if known is not None and known.heard is not None and _repeats(ping, known):
            ordinal = known.ordinal
            self.seen[(ping.app, ordinal)] = ping.received
            self.heard[(ping.app, known.day, ordinal >> self._bits)].append(known.heard)
        else:
            refusal = None if ping.instance is None else self._refusal(ping, known)
            if refusal is not None:
                return refusal
            profile = limits.profile(connection, ping, day=day_of(ping.at))
            ordinal = self._heard_from(ping, known, profile)
        if claim is not None:
            self._claim(ping, claim, ordinal)
        return ACCEPTED

    def _refusal(self, ping: Ping, known: Known | None) -> Refusal | None:
        if known is None:
            erased = self._stored.erased and digest(ping.instance or "") in self._stored.erased
            return Refusal("instance_erased") if erased else None
        if known.credential is not None and known.credential != ping.credential:
            return Refusal("token_wrong" if ping.credential else "token_missing")
        return None

    def _heard_from(self, ping: Ping, known: Known | None, profile: Profile) -> int:
        """Return the ordinal that a ping counts under, and note what is new."""
        if ping.instance is None:
            return self._nobody(ping, profile)
        if known is not None and not _tells_how_it_is(ping):
            return self._aside(ping, known, profile)
        return self._somebody(ping, known, profile)

    def _nobody(self, ping: Ping, profile: Profile) -> int:
        self._remember(ping, NOBODY, state_of(ping))
        self.heard[(ping.app, day_of(ping.at), NOBODY)].append(Heard(None, new=False, profile=profile))
        return NOBODY

    def _aside(self, ping: Ping, known: Known, profile: Profile) -> int:
        """Count a ping that leaves its instance's last report as it is."""
        self.seen[(ping.app, known.ordinal)] = ping.received
        self._remember(ping, known.ordinal, state_of(ping))
        place = (ping.app, day_of(ping.at), known.ordinal >> self._bits)
        self.heard[place].append(Heard(known.ordinal, new=False, profile=profile))
        return known.ordinal

    def _somebody(self, ping: Ping, known: Known | None, profile: Profile) -> int:
        """Return the instance's ordinal, and note what is new about it."""
        state = state_of(ping)
        mark = mark_of(ping.kind, state)
        ordinal = self._ordinal(ping.instance or "") if known is None else known.ordinal
        credential = (known.credential if known else None) or ping.credential
        changed = known is None or known.mark != mark or known.credential != credential
        day, key = day_of(ping.at), (ping.app, ping.instance or "")
        trace = self._follow(ping, known, ordinal, profile.shown)
        now = Known(ordinal, credential, mark, trace, day, Heard(ordinal, new=False, profile=profile))
        if known != now:
            self.known[key] = self.fresh[key] = now
        if known is None:
            self.newcomers.append((ping.app, ordinal, ping.received))
        elif ping.kind in TURNS:
            self.turns.append((ping.app, ordinal, ping.received))
        else:
            self.seen[(ping.app, ordinal)] = ping.received
        if changed or (known is not None and known.trace != trace):
            self._change(ping, key, state)
        if changed or not ping.repeats:
            self._remember(ping, ordinal, state)
        self.heard[(ping.app, day, ordinal >> self._bits)].append(Heard(ordinal, known is None, profile))
        return ordinal

    def _follow(self, ping: Ping, known: Known | None, ordinal: int, shown: Shown) -> str:
        """Return the instance's trace after this ping, and note what labels it gave."""
        earlier = None if known is None else read_trace(known.trace)
        trace = follow(earlier, ping, day=day_of(ping.at), shown=shown)
        had = 0 if earlier is None else earlier.labels
        if trace.labels != had:
            self.labels[(ping.app, ordinal >> self._bits)].append((ordinal, had, trace.labels))
        return known.trace if known is not None and trace is earlier else write_trace(trace)

    def _ordinal(self, name: str) -> int:
        found = self._stored.ordinals.get(name)
        if found is None:
            self.ordinals += 1
            found = self._stored.ordinals[name] = self.ordinals
            self.clients.append((self.head.owner, found, name))
        return found

    def _change(self, ping: Ping, key: InstanceKey, state: str) -> None:
        known = self.known[key]
        earlier = self.instances.get(key)
        first_seen = earlier[2] if earlier else ping.received
        said = (ping.kind, state, known.credential, known.trace)
        self.instances[key] = (ping.app, known.ordinal, first_seen, *said)

    def _remember(self, ping: Ping, ordinal: int, state: str) -> None:
        if not ping.is_kept:
            return
        row = HistoryRow(ordinal, ping.at, ping.received, ping.kind, state)
        self.history.setdefault(ping.app, []).append(row)

    def _claim(self, ping: Ping, claim: tuple[int, str], ordinal: int) -> None:
        self._stored.taken.add(claim)
        self.ping_ids.append((ping.app, claim[1], ordinal, ping.received))
