"""Makes pings for one destination, sends them, and remembers what came of it.

Only the worker's thread sends. What the host may look at meanwhile is replaced whole, never changed in place, so no
lock is held while a probe or the network takes its time.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.clock import Clock, day_of
from homing.sdk.content import Content
from homing.sdk.destinations import Destination
from homing.sdk.events import Event
from homing.sdk.identity import Identities, Identity
from homing.sdk.last import Last, later, read_last, write_last
from homing.sdk.outbox import FLUSH_SECONDS, Outbox, Waiting
from homing.sdk.payload import LOST, Gathered, Moment, Row, encode, gather, narrowed
from homing.sdk.policy import Retry
from homing.sdk.status import UNMADE, Course, Shown
from homing.sdk.stores import Store
from homing.sdk.transports.base import GONE, TOO_LARGE, Deadline, Reply, Request, Transport
from homing.sdk.wire.base import OF_EACH, Credentials
from homing.settings import MASK

SENT: Final = "sent."
STOPPED_AT: Final = "gone."
"""How the names begin under which it is kept when a destination last took a ping, and which one wants no more."""

NOTHING: Final[Mapping[str, int]] = {}
SECRET_HEADERS: Final = frozenset({"Authorization", "X-SeqDesk-Telemetry-Token"})


class Outside(NamedTuple):
    """What a sender knows of the world; without a place for the identity nothing can be sent.

    `asks_host` says that looking for the identity is to run code of the host's.
    """

    clock: Clock
    identities: Identities | None
    store: Store | None
    transport: Transport | None
    began: float = 0.0
    directory: Path | None = None
    outbox: Outbox | None = None
    asks_host: bool = False


class Memory(NamedTuple):
    """What came of the attempts so far."""

    attempt: int | None = None
    success: int | None = None
    reply: Reply = Reply(None)


class _Unconfirmed(NamedTuple):
    """A ping that the receiver may or may not have: it is sent again as it was."""

    day: int
    gathered: Gathered
    lost: Mapping[str, int] = {}


class Sender:
    """Sends pings of one application to one destination; nothing it does raises."""

    def __init__(self, content: Content, destination: Destination, *, outside: Outside) -> None:
        self.clock = outside.clock
        self.destination = destination
        self.policy = content.policy
        self.outbox = outside.outbox or Outbox(clock=outside.clock)
        self._content = content
        self._outside = outside
        self._transport = outside.transport
        self._identity: Identity | None = None
        self._unconfirmed: dict[str, _Unconfirmed] = {}
        self._under_way: Deadline | None = None
        self._memory = Memory()
        self._shown: Shown | None = None
        self._failed: Mapping[str, int] = {}
        self._problems: Mapping[str, str] = {}
        self._is_gone = False

    def prepare(self, *, may_ask: bool = True) -> bool:
        """Make or find the identity; return whether there is one."""
        may_look = may_ask or not self._outside.asks_host
        try:
            if self._identity is None and self._outside.identities is not None and may_look:
                self._identity = self._outside.identities.make()
                self._problem("id", None)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a disk must not harm the host
            reason = error.strerror if isinstance(error, OSError) else None
            self._problem("id", f"The instance's id cannot be kept, so nothing is sent: {reason or error}.")
        return self._identity is not None

    def recall(self) -> int | None:
        """Return when an earlier run last had success, as far as the policy counts that."""
        store = self._outside.store
        if store is None or not (self.policy.is_throttled or self.policy.stops_at_gone):
            return None
        try:
            found = store.load()
        except Exception:  # noqa: BLE001 - the decision has said so already
            return None
        if self.policy.stops_at_gone and found.get(self._name(STOPPED_AT)) == self.destination.target.url:
            self._is_gone = True
        success = found.get(self._name(SENT)) if self.policy.is_throttled else None
        if isinstance(success, int) and self._memory.success is None:
            self._memory = self._memory._replace(success=success)
        return success if isinstance(success, int) else None

    def preview(self, kind: str) -> Shown:
        """Return what would be sent now; without a body where the host's `before_send` fails, for nothing would be."""
        gathered, _ = self._ping(kind)
        try:
            return self._as_shown(self._request([self._left(gathered.fields)]))
        except Exception:  # noqa: BLE001 - the host's own code
            return self._as_shown(Request(self.destination.target, {}, b""))

    def send(self, deadline: Deadline, kind: str) -> Reply | None:
        """Try once to send one ping; whatever happens is remembered. Return None when it was not even tried."""
        if self.policy.retry is Retry.EVERYTHING:
            self.outbox.put(self.noted(kind))
            return self.flush(deadline, is_asked=True)
        if self._is_gone or not self.prepare():
            return None
        gathered = self._kept_ping(kind)
        reply = self._try(deadline, [gathered.fields])
        if reply is not None:
            self._remember((kind,), reply)
            if not reply.is_unsure:
                self._settle(kind, reply)
            if kind != self.policy.kinds.repeat and not reply.is_success:
                # What is told once has no other after it.
                self.outbox.lose("failed" if reply.is_unsure else "refused")
        return reply

    def noted(self, kind: str, *, may_ask: bool = True) -> list[Waiting]:
        """Return a ping for the outbox, if any; without asking the host, where it must not be waited for."""
        if self._is_gone or not self.prepare(may_ask=may_ask):
            return []
        # In the order in which all of it was told.
        self.take_in(may_ask=may_ask)
        rows, told = self._rows(may_ask=may_ask)
        gathered = gather(rows, self._moment(kind, may_ask=may_ask), told=told)
        self._count(gathered.failed)
        return [Waiting(self.clock.now(), gathered.fields, len(encode(gathered.fields)))]

    def flush(self, deadline: Deadline, *, is_asked: bool = False) -> Reply | None:
        """Make pings of the events that were told, and send what waits, one batch of it; or keep it when it is not due.

        Return None when nothing was tried.
        """
        if not self.prepare():
            self.outbox.rest(FLUSH_SECONDS)
            return None
        self.take_in()
        while self._is_gone and self.outbox.first():
            self.outbox.drop(self.outbox.first(), "refused")
        waiting = self.outbox.first()
        if not waiting or not (is_asked or self.outbox.is_due):
            self.outbox.keep()
            return None
        reply = self._try(deadline, [ping.fields for ping in waiting])
        if reply is not None:
            # First what follows from it, then what can be seen: whoever sees the answer finds nothing waiting.
            self._conclude(waiting, reply)
            self._remember(_names(waiting), reply)
        return reply

    def take_in(self, *, may_ask: bool = True) -> None:
        """Make pings of the events that were told. The host is asked once for all; the first tells of losses."""
        told_before = self.outbox.told()
        if not told_before.events or not self.prepare(may_ask=may_ask):
            return
        rows, told = self._rows(may_ask=may_ask)
        lost = self._untold(rows)
        moment = self._moment("", lost, may_ask=may_ask)
        whole = gather(rows, moment, told=told)
        self._count(whole.failed)
        of_each = tuple(row for row in rows if any(row.probe is probe for probe in OF_EACH))
        common = _without_losses(whole.fields)
        size = len(encode(whole.fields))
        made = []
        for number, event in enumerate(told_before.events):
            when = moment._replace(kind=event.name, at=event.at, id=self.clock.id())
            own = gather(of_each, when, told=NOTHING).fields
            fields, told_of = ({**common, **own}, NOTHING) if number else ({**whole.fields, **own}, lost)
            made.append(Waiting(event.at, _with_own(fields, event), size + len(event.properties), told_of))
        self.outbox.replace(told_before, made)

    def _untold(self, rows: tuple[Row, ...]) -> Mapping[str, int]:
        """Return the losses that the next ping tells of."""
        tells_losses = any(row.name.startswith(LOST) for row in rows)
        return self.outbox.take_losses() if tells_losses else NOTHING

    def _rows(self, *, may_ask: bool) -> tuple[tuple[Row, ...], Mapping[str, Any]]:
        """Return the rows with the host's values; without its functions where it must not be waited for."""
        content = self._content
        if may_ask:
            return content.rows, content.told
        own = {row.name for row in content.form.rows}
        told = {name: value for name, value in dict(content.told).items() if not callable(value)}
        return tuple(row for row in content.rows if row.name in own), told

    def _conclude(self, waiting: Sequence[Waiting], reply: Reply) -> None:
        """Forget what is done or lost, and keep the rest."""
        outbox = self.outbox
        if reply.is_success:
            outbox.done(waiting)
        elif reply.status == TOO_LARGE and len(waiting) > 1:
            outbox.halve(waiting)
        elif not reply.is_unsure:
            outbox.drop(waiting, "refused")
        elif self.policy.retry is Retry.NOTHING:
            outbox.drop(waiting, "failed")
        else:
            outbox.put_off(reply.again_seconds)
            outbox.keep()

    def _kept_ping(self, kind: str) -> Gathered:
        """Return the ping to send, and remember it until its answer is known."""
        before = self._unconfirmed.get(kind)
        gathered, lost = self._ping(kind, is_sent=True)
        if before is not None and before.gathered is not gathered:
            self.outbox.give_back(before.lost)
        if self._content.form.has_id:
            self._unconfirmed = {**self._unconfirmed, kind: _Unconfirmed(day_of(self.clock.now()), gathered, lost)}
        self._count(gathered.failed)
        return gathered

    def _settle(self, kind: str, reply: Reply) -> None:
        """Forget a ping whose answer is known."""
        known = self._unconfirmed.get(kind)
        self._unconfirmed = {name: waiting for name, waiting in self._unconfirmed.items() if name != kind}
        if known is not None and not reply.is_success:
            self.outbox.give_back(known.lost)
        if reply.is_success and self.policy.is_throttled:
            self._keep(SENT, self._memory.success)

    def _try(self, deadline: Deadline, pings: Sequence[dict[str, Any]]) -> Reply | None:
        """Send pings once, and return the answer; None when this thread was given up meanwhile."""
        self._under_way = deadline
        self._memory = self._memory._replace(attempt=self.clock.now())
        try:
            reply = self._deliver(deadline, pings)
        except Exception as error:  # noqa: BLE001 - a transport may be anybody's code
            reply = Reply(None, f"The transport failed: {type(error).__name__}.")
        # A thread that was given up may come back after another has begun to send.
        if self._under_way is not deadline:
            return None
        self._under_way = None
        return reply

    def _deliver(self, deadline: Deadline, pings: Sequence[dict[str, Any]]) -> Reply:
        try:
            request = self._request([self._left(fields) for fields in pings])
        except Exception as error:  # noqa: BLE001 - the host's own code
            return Reply(None, f"Nothing was sent: before_send failed with {type(error).__name__}.")
        self._shown = self._as_shown(request)
        return self.way().send(request, deadline)

    def _left(self, fields: dict[str, Any]) -> dict[str, Any]:
        return narrowed(fields, self._content.before_send)

    def _request(self, pings: Sequence[dict[str, Any]]) -> Request:
        content, to, identity = self._content, self.destination, self._identity
        body = encode(content.form.body(pings, key=to.key, now=self.clock.now()))
        own = Credentials(to.key, identity.token if identity else "", to.bearer)
        return Request(to.target, {"User-Agent": content.user_agent, **content.form.headers(own)}, body)

    def _as_shown(self, request: Request) -> Shown:
        headers = tuple((name, MASK if name in SECRET_HEADERS else text) for name, text in request.headers.items())
        name, now = self.destination.name, self.clock.now()
        # A transport that does more than to send what it is given says so.
        note = f"{self.policy.privacy} {getattr(self._transport, 'note', '')}".strip()
        return Shown(name, request.endpoint.url, headers, request.body, now, note)

    def warm(self) -> None:
        """Import what sending needs, so that nothing is imported when the program ends."""
        # What is wrong is said when it is tried.
        with suppress(Exception):
            self.way()

    def way(self) -> Transport:
        """Return how requests leave."""
        if self._transport is None:
            from homing.sdk.transports.http import usual_transport

            self._transport = usual_transport(self._content.ca_file)
        return self._transport

    def _ping(self, kind: str, *, is_sent: bool = False) -> tuple[Gathered, Mapping[str, int]]:
        """Return the ping to send now, and the losses it tells of. Preview and sending both come here."""
        waiting = self._unconfirmed.get(kind)
        if waiting and waiting.day == day_of(self.clock.now()):
            return waiting.gathered, waiting.lost
        rows = self._content.rows
        lost = self._untold(rows)
        if not is_sent:
            self.outbox.give_back(lost)
        return gather(rows, self._moment(kind, lost), told=self._content.told), lost

    def _moment(self, kind: str, lost: Mapping[str, int] = NOTHING, *, may_ask: bool = True) -> Moment:
        content, to = self._content, self.destination
        return Moment(
            content.version,
            self.instance(),
            kind,
            self.clock.now(),
            self.clock.id(),
            int(self.clock.monotonic() - self._outside.began),
            to.name,
            to.identifier,
            content.licence() if may_ask else content.licence.last,
            content.profile,
            lost,
        )

    def _remember(self, kinds: Sequence[str], reply: Reply) -> None:
        success = self._memory.attempt if reply.is_success else self._memory.success
        self._memory = self._memory._replace(success=success, reply=reply)
        if reply.status == GONE and self.policy.stops_at_gone:
            self._is_gone = True
            self._keep(STOPPED_AT, self.destination.target.url)
        self._write_down()
        self._log(",".join(kinds), reply)

    def _keep(self, prefix: str, value: Any) -> None:
        try:
            if self._outside.store is not None:
                self._outside.store.save(self._name(prefix), value)
                self._problem("state", None)
        except Exception as error:  # noqa: BLE001 - the store may be anybody's code
            self._problem("state", f"What was sent cannot be written down: {error}.")

    def _write_down(self) -> None:
        """Let other processes know; where that is impossible this one knows."""
        memory, reply, directory = self._memory, self._memory.reply, self._outside.directory
        if directory is not None and memory.attempt is not None:
            last = Last(memory.attempt, memory.success, reply.status, reply.problem, self._shown)
            with suppress(OSError):
                write_last(directory, self.destination.name, last=last)

    def _name(self, prefix: str) -> str:
        return f"{prefix}{self.destination.name}"

    def _log(self, kind: str, reply: Reply) -> None:
        # Where nobody imported it nobody listens. It must not be imported now: the program may be about to end by an
        # interrupt, and Python forgets how to end by that when a module is made meanwhile that evaluates text.
        logging = sys.modules.get("logging")
        if logging is None or not hasattr(logging, "getLogger"):
            return
        logger, name = logging.getLogger("homing.telemetry"), self.destination.name
        if reply.status is None:
            logger.debug("[telemetry:%s] not sent reason=%s error=%s", name, kind, reply.problem)
        else:
            logger.debug("[telemetry:%s] sent reason=%s status=%d", name, kind, reply.status)

    def _count(self, failed: tuple[str, ...]) -> None:
        self._failed = {**self._failed, **{name: self._failed.get(name, 0) + 1 for name in failed}}

    def _problem(self, what: str, sentence: str | None) -> None:
        others = {name: text for name, text in self._problems.items() if name != what}
        self._problems = {**others, what: sentence} if sentence else others

    def forget(self) -> None:
        """Forget what is under way: in a child, its thread is gone."""
        self._under_way = None

    def drop(self) -> None:
        """Drop the pings that wait to be sent again: they may not be sent any more."""
        self._unconfirmed = {}

    # What can be seen of it.

    def instance(self) -> str:
        """Return the instance's id, or the words for none."""
        if self._identity is None and self._outside.identities is not None:
            try:
                self._identity = self._outside.identities.read()
            except Exception:  # noqa: BLE001 - the store may be anybody's code
                return UNMADE
        return self._identity.instance if self._identity else UNMADE

    def is_another(self) -> bool:
        """Look whether the identity was replaced since it was found: another process may have done so."""
        if self._identity is None or self._outside.identities is None:
            return False
        try:
            found = self._outside.identities.read()
        except Exception:  # noqa: BLE001 - what cannot be read is not another
            return False
        return found is not None and found != self._identity

    @property
    def last(self) -> Shown | None:
        """What was last sent."""
        return self._shown

    @property
    def failed(self) -> Mapping[str, int]:
        """How often the value of each field was not found."""
        return self._failed

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each thing that is wrong."""
        return tuple(self._problems.values())

    def course(self, due: int | None) -> Course:
        """Return what came of the attempts."""
        memory, reply, under_way, to = self._memory, self._memory.reply, self._under_way, self.destination
        if under_way is not None and under_way.is_over:
            # Its thread may still wait for a name, but nothing will be sent.
            reply = Reply(None, under_way.reason)
        course = Course(
            to.name,
            to.target.url,
            to.interval,
            memory.attempt,
            memory.success,
            reply.status,
            reply.problem,
            None if self._is_gone else due,
            self._is_gone,
        )
        return later(course, read_last(self._outside.directory, to.name))


def _without_losses(fields: dict[str, Any]) -> dict[str, Any]:
    own = fields.get("properties", NOTHING)
    return {**fields, "properties": {name: value for name, value in own.items() if name != "lost"}} if own else fields


def _with_own(fields: dict[str, Any], event: Event) -> dict[str, Any]:
    """Return the fields of an event with its own properties; those of rows stand above them."""
    import json

    own = json.loads(event.properties)
    return {**fields, "properties": {**own, **fields.get("properties", {})}} if own else fields


def _names(waiting: Sequence[Waiting]) -> list[str]:
    """Return what the pings of a batch are called in their forms, each once."""
    return sorted({ping.fields.get("kind") or ping.fields.get("event") or "" for ping in waiting})
