"""Decides what becomes of each ping of one owner's share of a batch, and gathers what is to be written for it.

Made under the owner's lock, so what it was given is the truth; thrown away when the commit fails. Every ping goes
through `decide`, so what happens there for nearly every one of them is done in few steps.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from homing.clock import day_of
from homing.outcomes import ACCEPTED, DUPLICATE, Refusal, Verdict
from homing.ping import ENDINGS, TURNS, Ping
from homing.server.counting.labels import LATE_MS, follow, read_trace, write_trace
from homing.server.counting.segment import Heard, Profile, Shown
from homing.server.stores.sql.caches import Known
from homing.server.stores.written import Written, digest

NOBODY = 0
"""The ordinal that stands for no instance in the history; instances are numbered from 1."""

InstanceKey = tuple[int, str | None]
"""An app and one of its instances; None is nobody, of whom nothing is known."""

Claim = tuple[int, str | None]
"""An app and what stands for a ping's id; None is none, which nobody claims."""

Said = tuple[Ping, int, int]
"""A ping as it was sent, the hash of what it says of its instance, and the day it counts on."""

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

    `keys` name each ping's instance, `known` is what is known of it, `ordinals` are those of ids the owner knows from
    another app, `claims` what each ping claims by its id, `taken` the claims that came before, `erased` digests of
    instance ids that were erased.
    """

    keys: Sequence[InstanceKey]
    known: Sequence[Known | None]
    ordinals: dict[str, int]
    claims: Sequence[Claim]
    taken: set[Claim]
    erased: frozenset[str]


class HistoryRow(NamedTuple):
    """One ping as the history keeps it; `state` is the JSON of its dimensions and properties."""

    ordinal: int
    at: int
    received: int
    kind: str
    state: str


def mark_of(kind: str, state: bytes) -> int:
    """Return the hash by which it is noticed that an instance says something else than before."""
    return hash((kind, state))


def _is_late(ping: Written) -> bool:
    return ping.received - ping.at > LATE_MS


def _tells_how_it_is(ping: Written) -> bool:
    """Say whether a ping is its instance's last report.

    One that is not kept is counted alone. An ending that was held back may have been followed by another start.
    """
    return ping.is_kept and not (ping.kind in ENDINGS and _is_late(ping))


class Draft:
    """What one owner's share of a batch will write. `profile` is `ValueLimits.profile` on the connection."""

    def __init__(self, head: Head, stored: Stored, profile: Callable[..., Profile], bucket_bits: int) -> None:
        self.head = head
        self.ordinals = head.ordinals
        self.clients: list[Row] = []
        self.instances: dict[InstanceKey, Row] = {}
        self.newcomers: list[Row] = []
        self.turns: list[Row] = []
        self.ping_ids: list[Row] = []
        self.heard: defaultdict[tuple[int, int, int], list[Heard]] = defaultdict(list)
        self.history: defaultdict[int, list[Row]] = defaultdict(list)
        self.seen: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self.labels: defaultdict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self.fresh: dict[InstanceKey, Known] = {}
        self._stored = stored
        self._profile = profile
        self._bits = bucket_bits

    def decide(self, pings: Sequence[Written]) -> list[Verdict]:
        """Say what becomes of each ping, in order, and note what is to be written for it."""
        return list(map(self._decide, pings, self._stored.keys, self._stored.known, self._stored.claims))

    def _decide(self, ping: Written, key: InstanceKey, known: Known | None, claim: Claim) -> Verdict:
        if claim in self._stored.taken:
            return DUPLICATE
        if self.fresh:
            known = self.fresh.get(key, known)
        if known is None:
            if self._stored.erased and self._is_erased(ping):
                return Refusal("instance_erased")
        elif known.credential is not None and known.credential != ping.credential:
            return Refusal("token_wrong" if ping.credential else "token_missing")
        mark = mark_of(ping.kind, ping.state)
        if known is not None and known.mark == mark and self._again(ping, known):
            ordinal = known.ordinal
        else:
            ordinal = self._anew(ping, key, known, (ping.read(), mark, day_of(ping.at)))
        if ping.claim is not None:
            self._stored.taken.add(claim)
            self.ping_ids.append((*claim, ordinal, ping.received))
        return ACCEPTED

    def _again(self, ping: Written, known: Known) -> bool:
        """Note a ping that says what its instance said last on that day, where it changes nothing: nearly every one.

        False where it may change something.
        """
        ordinal, day = known.ordinal, known.day
        if known.heard is None or day != day_of(ping.at) or known.credential != ping.credential:
            return False
        if not ping.repeats:
            if not known.steady or not ping.is_kept or _is_late(ping):
                return False
            self._remember(ping, ordinal)
        self.seen[ping.app][ordinal] = ping.received
        self.heard[(ping.app, day, ordinal >> self._bits)].append(known.heard)
        return True

    def _is_erased(self, ping: Written) -> bool:
        return ping.instance is not None and digest(ping.instance) in self._stored.erased

    def _receive(self, ping: Written, ordinal: int) -> None:
        """Note when an instance that was known before was heard from."""
        if ping.kind in TURNS:
            self.turns.append((ping.app, ordinal, ping.received))
        else:
            self.seen[ping.app][ordinal] = ping.received

    def _remember(self, ping: Written, ordinal: int) -> None:
        if ping.is_kept:
            # A plain tuple is made faster than a `HistoryRow`, and written down alike.
            self.history[ping.app].append((ordinal, ping.at, ping.received, ping.kind, ping.state.decode()))

    def _anew(self, ping: Written, key: InstanceKey, known: Known | None, said: Said) -> int:
        """Return the ordinal that a ping counts under, and note what is new."""
        sent, _mark, day = said
        profile = self._profile(sent, day=day)
        if ping.instance is None:
            ordinal, heard = NOBODY, Heard(None, new=False, profile=profile)
            self._remember(ping, NOBODY)
        elif known is not None and not _tells_how_it_is(ping):
            # It is counted, and leaves its instance's last report as it is.
            ordinal, heard = known.ordinal, Heard(known.ordinal, new=False, profile=profile)
            self.seen[ping.app][ordinal] = ping.received
            self._remember(ping, ordinal)
        else:
            heard = self._somebody(ping, key, known, said, profile)
            ordinal = heard.ordinal or NOBODY
        self.heard[(ping.app, day, ordinal >> self._bits)].append(heard)
        return ordinal

    def _somebody(self, ping: Written, key: InstanceKey, known: Known | None, said: Said, profile: Profile) -> Heard:
        """Return how the instance is heard from, and note what is new about it."""
        sent, mark, day = said
        if known is None:
            ordinal, credential = self._ordinal(ping.instance or ""), ping.credential
            self.newcomers.append((ping.app, ordinal, ping.received))
        else:
            ordinal, credential = known.ordinal, known.credential or ping.credential
            self._receive(ping, ordinal)
        trace = self._follow(sent, known, ordinal, profile.shown)
        heard = Heard(ordinal, new=False, profile=profile)
        self.fresh[key] = now = Known(ordinal, credential, mark, trace, day, heard, not _is_late(ping))
        changed = known is None or known.mark != mark or known.credential != credential
        if changed or known is None or known.trace != trace:
            self._change(ping, key, now)
        if changed or not ping.repeats:
            self._remember(ping, ordinal)
        return Heard(ordinal, new=True, profile=profile) if known is None else heard

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

    def _change(self, ping: Written, key: InstanceKey, now: Known) -> None:
        earlier = self.instances.get(key)
        first_seen = earlier[2] if earlier else ping.received
        state = ping.state.decode()
        self.instances[key] = (ping.app, now.ordinal, first_seen, ping.kind, state, now.credential, now.trace)
