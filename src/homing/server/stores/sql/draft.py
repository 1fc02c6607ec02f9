"""Decides what becomes of each ping of one owner's share of a batch, and gathers what is to be written for it.

Made under the owner's lock, so what it was given is the truth; thrown away when the commit fails.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection

from homing.clock import day_of
from homing.outcomes import ACCEPTED, DUPLICATE, Refusal, Verdict
from homing.ping import HEARTBEATS, Ping
from homing.server.counting.segment import Heard
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

    `known` are instances by app and id, `ordinals` those of ids the owner knows from another app, `taken` ping ids by
    app and digest, `erased` digests of instance ids that were erased.
    """

    known: dict[InstanceKey, Known]
    ordinals: dict[str, int]
    taken: set[tuple[int, str]]
    erased: frozenset[str]


class HistoryRow(NamedTuple):
    """One ping as the history keeps it; `state` is the JSON of its dimensions and properties."""

    ordinal: int
    at: int
    received: int
    kind: str
    state: str


class Draft:
    """What one owner's share of a batch will write."""

    def __init__(self, head: Head, stored: Stored, bucket_bits: int) -> None:
        self.head = head
        self.ordinals = head.ordinals
        self.clients: list[Row] = []
        self.instances: dict[InstanceKey, Row] = {}
        self.ping_ids: list[Row] = []
        self.heard: dict[tuple[int, int, int], list[Heard]] = {}
        self.history: dict[int, list[HistoryRow]] = {}
        self.seen: dict[tuple[int, int], int] = {}
        self.known = stored.known
        self.fresh: dict[InstanceKey, Known] = {}
        self._stored = stored
        self._bits = bucket_bits

    def decide(self, connection: Connection, ping: Ping, *, limits: ValueLimits) -> Verdict:
        """Say what becomes of a ping and note what is to be written for it."""
        claim = None if ping.id is None else (ping.app, digest(ping.id))
        if claim in self._stored.taken:
            return DUPLICATE
        if ping.instance is None:
            ordinal, new = self._nobody(ping), False
        else:
            known = self.known.get((ping.app, ping.instance))
            refusal = self._refusal(ping, known)
            if refusal is not None:
                return refusal
            ordinal, new = self._somebody(ping, ping.instance, known), known is None
        if claim is not None:
            self._claim(ping, claim, ordinal)
        day = day_of(ping.at)
        heard = Heard(ordinal or None, new, limits.profile(connection, ping, day=day))
        self.heard.setdefault((ping.app, day, ordinal >> self._bits), []).append(heard)
        return ACCEPTED

    def _refusal(self, ping: Ping, known: Known | None) -> Refusal | None:
        if known is None:
            erased = self._stored.erased and digest(ping.instance or "") in self._stored.erased
            return Refusal("instance_erased") if erased else None
        if known.credential is not None and known.credential != ping.credential:
            return Refusal("token_wrong" if ping.credential else "token_missing")
        return None

    def _nobody(self, ping: Ping) -> int:
        self._remember(ping, NOBODY, state_of(ping))
        return NOBODY

    def _somebody(self, ping: Ping, name: str, known: Known | None) -> int:
        """Return the instance's ordinal, and note what is new about it."""
        state = state_of(ping)
        mark = hash((ping.kind, state))
        ordinal = self._ordinal(name) if known is None else known.ordinal
        credential = (known.credential if known else None) or ping.credential
        changed = known is None or known.mark != mark or known.credential != credential
        if changed:
            self._change(ping, Known(ordinal, credential, mark), state)
        if changed or ping.kind not in HEARTBEATS:
            self._remember(ping, ordinal, state)
        self.seen[(ping.app, ordinal)] = ping.received
        return ordinal

    def _ordinal(self, name: str) -> int:
        found = self._stored.ordinals.get(name)
        if found is None:
            self.ordinals += 1
            found = self._stored.ordinals[name] = self.ordinals
            self.clients.append((self.head.owner, found, name))
        return found

    def _change(self, ping: Ping, known: Known, state: str) -> None:
        key = (ping.app, ping.instance or "")
        self.known[key] = self.fresh[key] = known
        earlier = self.instances.get(key)
        first_seen = earlier[2] if earlier else ping.received
        self.instances[key] = (ping.app, known.ordinal, first_seen, ping.kind, state, known.credential)

    def _remember(self, ping: Ping, ordinal: int, state: str) -> None:
        row = HistoryRow(ordinal, ping.at, ping.received, ping.kind, state)
        self.history.setdefault(ping.app, []).append(row)

    def _claim(self, ping: Ping, claim: tuple[int, str], ordinal: int) -> None:
        self._stored.taken.add(claim)
        self.ping_ids.append((ping.app, claim[1], ordinal, ping.received))
