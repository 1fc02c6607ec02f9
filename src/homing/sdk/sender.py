"""Makes pings for one destination, sends them, and remembers what came of it.

Only the worker's thread sends. What the host may look at meanwhile is replaced whole, never changed in place, so no
lock is held while a probe or the network takes its time.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.clock import Clock, day_of
from homing.sdk.content import Content
from homing.sdk.destinations import Destination
from homing.sdk.identity import Identities, Identity
from homing.sdk.last import Last, later, read_last, write_last
from homing.sdk.payload import Gathered, Moment, encode, gather, narrowed
from homing.sdk.policy import Retry
from homing.sdk.status import UNMADE, Course, Shown
from homing.sdk.stores import Store
from homing.sdk.transports.base import GONE, Deadline, Reply, Request, Transport
from homing.sdk.wire.base import Credentials
from homing.settings import MASK

SENT: Final = "sent."
STOPPED_AT: Final = "gone."
"""How the names begin under which it is kept when a destination last took a ping, and which one wants no more."""

SECRET_HEADERS: Final = frozenset({"Authorization", "X-SeqDesk-Telemetry-Token"})


class Outside(NamedTuple):
    """What a sender knows of the world; without a place for the identity nothing can be sent."""

    clock: Clock
    identities: Identities | None
    store: Store | None
    transport: Transport | None
    began: float = 0.0
    directory: Path | None = None


class Memory(NamedTuple):
    """What came of the attempts so far."""

    attempt: int | None = None
    success: int | None = None
    reply: Reply = Reply(None)


class _Unconfirmed(NamedTuple):
    """A ping that the receiver may or may not have: it is sent again as it was."""

    day: int
    gathered: Gathered


class Sender:
    """Sends pings of one application to one destination; nothing it does raises."""

    def __init__(self, content: Content, destination: Destination, *, outside: Outside) -> None:
        self.clock = outside.clock
        self.destination = destination
        self.policy = content.policy
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

    def prepare(self) -> bool:
        """Make or find the identity; return whether there is one."""
        try:
            if self._identity is None and self._outside.identities is not None:
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
        self._is_gone = self.policy.stops_at_gone and found.get(self._name(STOPPED_AT)) == self.destination.target.url
        success = found.get(self._name(SENT)) if self.policy.is_throttled else None
        if isinstance(success, int) and self._memory.success is None:
            self._memory = self._memory._replace(success=success)
        return success if isinstance(success, int) else None

    def preview(self, kind: str) -> Shown:
        """Return what would be sent now; without a body where the host's `before_send` fails, for nothing would be."""
        gathered = self._ping(kind)
        try:
            return self._as_shown(self._request(self._left(gathered)))
        except Exception:  # noqa: BLE001 - the host's own code
            return self._as_shown(Request(self.destination.target, {}, b""))

    def send(self, deadline: Deadline, kind: str) -> Reply | None:
        """Try once to send one ping; whatever happens is remembered. Return None when it was not even tried."""
        if self._is_gone or not self.prepare():
            return None
        self._under_way = deadline
        self._memory = self._memory._replace(attempt=self.clock.now())
        try:
            reply = self._deliver(deadline, kind)
        except Exception as error:  # noqa: BLE001 - a transport may be anybody's code
            reply = Reply(None, f"The transport failed: {type(error).__name__}.")
        # A thread that was given up may come back after another has begun to send.
        if self._under_way is deadline:
            self._under_way = None
            self._remember(kind, reply)
        return reply

    def _deliver(self, deadline: Deadline, kind: str) -> Reply:
        gathered = self._ping(kind)
        if self._content.form.has_id:
            self._unconfirmed = {**self._unconfirmed, kind: _Unconfirmed(day_of(self.clock.now()), gathered)}
        self._count(gathered.failed)
        try:
            request = self._request(self._left(gathered))
        except Exception as error:  # noqa: BLE001 - the host's own code
            return Reply(None, f"Nothing was sent: before_send failed with {type(error).__name__}.")
        self._shown = self._as_shown(request)
        return self._way().send(request, deadline)

    def _left(self, gathered: Gathered) -> dict[str, Any]:
        return narrowed(gathered.fields, self._content.before_send)

    def _request(self, fields: dict[str, Any]) -> Request:
        content, to, identity = self._content, self.destination, self._identity
        body = encode(content.form.body(fields, key=to.key, now=self.clock.now()))
        own = Credentials(to.key, identity.token if identity else "", to.bearer)
        return Request(to.target, {"User-Agent": content.user_agent, **content.form.headers(own)}, body)

    def _as_shown(self, request: Request) -> Shown:
        headers = tuple((name, MASK if name in SECRET_HEADERS else text) for name, text in request.headers.items())
        name, now, note = self.destination.name, self.clock.now(), self.policy.privacy
        return Shown(name, request.endpoint.url, headers, request.body, now, note)

    def _way(self) -> Transport:
        if self._transport is None:
            from homing.sdk.transports.http import usual_transport

            self._transport = usual_transport(self._content.ca_file)
        return self._transport

    def _ping(self, kind: str) -> Gathered:
        """Return the ping to send now. Preview and sending both come here."""
        now = self.clock.now()
        waiting = self._unconfirmed.get(kind)
        if waiting and (waiting.day == day_of(now) or self.policy.retry is Retry.EVERYTHING):
            return waiting.gathered
        content, to = self._content, self.destination
        moment = Moment(
            content.version,
            self.instance(),
            kind,
            now,
            self.clock.id(),
            int(self.clock.monotonic() - self._outside.began),
            to.name,
            to.identifier,
            content.licence(),
            content.profile,
        )
        return gather(content.rows, moment, told=content.told)

    def _remember(self, kind: str, reply: Reply) -> None:
        if not reply.is_unsure:
            self._unconfirmed = {name: waiting for name, waiting in self._unconfirmed.items() if name != kind}
        success = self._memory.attempt if reply.is_success else self._memory.success
        self._memory = self._memory._replace(success=success, reply=reply)
        if reply.is_success and self.policy.is_throttled:
            self._keep(SENT, success)
        if reply.status == GONE and self.policy.stops_at_gone:
            self._is_gone = True
            self._keep(STOPPED_AT, self.destination.target.url)
        self._write_down()
        self._log(kind, reply)

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
        from logging import getLogger

        logger, name = getLogger("homing.telemetry"), self.destination.name
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
        """Drop what waits to be sent again: it may not be sent any more."""
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
