"""Makes a ping, sends it, and remembers what came of it.

Only the worker's thread sends. What the host may look at meanwhile is replaced whole, never changed in place, so no
lock is held while a probe or the network takes its time.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from homing.clock import Clock, day_of
from homing.sdk.content import Content
from homing.sdk.identity import Identity, IdentityFiles
from homing.sdk.payload import Built, Moment, build
from homing.sdk.status import UNMADE, Status
from homing.sdk.transports.base import Deadline, Reply, Request, Transport
from homing.sdk.wire.base import Credentials

KIND: Final = "heartbeat"


class Memory(NamedTuple):
    """What came of the attempts so far."""

    attempt: int | None = None
    success: int | None = None
    reply: Reply = Reply(None)


class _Unconfirmed(NamedTuple):
    """A ping that the receiver may or may not have: the same bytes are sent again on the same day."""

    day: int
    built: Built


class Sender:
    """Sends pings of one application; nothing it does raises."""

    def __init__(
        self, content: Content, files: IdentityFiles | None, *, transport: Transport | None, clock: Clock
    ) -> None:
        self.clock = clock
        self._content = content
        self._files = files
        self._transport = transport
        self._identity: Identity | None = None
        self._unconfirmed: _Unconfirmed | None = None
        self._under_way: Deadline | None = None
        self._memory = Memory()
        self._failed: Mapping[str, int] = {}
        self._problems: tuple[str, ...] = ()

    def prepare(self) -> bool:
        """Make or find the identity; return whether there is one."""
        try:
            if self._identity is None and self._files is not None:
                self._identity = self._files.make()
                self._problems = ()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a disk must not harm the host
            reason = error.strerror if isinstance(error, OSError) else None
            self._problems = (f"The instance's id cannot be kept, so nothing is sent: {reason or error}.",)
        return self._identity is not None

    def preview(self) -> bytes:
        """Return the body that would be sent now."""
        return self._ping().body

    def send(self, deadline: Deadline) -> None:
        """Try once to send one ping; whatever happens is remembered."""
        if not self.prepare():
            return
        self._under_way = deadline
        self._memory = self._memory._replace(attempt=self.clock.now())
        try:
            reply = self._deliver(deadline)
        except Exception as error:  # noqa: BLE001 - a transport may be anybody's code
            reply = Reply(None, f"The transport failed: {type(error).__name__}.")
        # A thread that was given up may come back after another has begun to send.
        if self._under_way is deadline:
            self._under_way = None
            self._remember(reply)

    def _deliver(self, deadline: Deadline) -> Reply:
        built = self._ping()
        self._unconfirmed = _Unconfirmed(day_of(self.clock.now()), built)
        self._count(built.failed)
        content, identity = self._content, self._identity
        headers = content.form.headers(Credentials(content.version, content.key, identity.token if identity else ""))
        return self._way().send(Request(content.target, headers, built.body), deadline)

    def _way(self) -> Transport:
        if self._transport is None:
            from homing.sdk.transports.http import HttpTransport

            self._transport = HttpTransport()
        return self._transport

    def _ping(self) -> Built:
        """Return the ping to send now. Preview and sending both come here."""
        now = self.clock.now()
        if self._unconfirmed and self._unconfirmed.day == day_of(now):
            return self._unconfirmed.built
        content = self._content
        moment = Moment(content.version, self.instance(), KIND, now, self.clock.id())
        return build(content.rows, moment, told=content.told)

    def _remember(self, reply: Reply) -> None:
        if not reply.is_unsure:
            self._unconfirmed = None
        success = self._memory.attempt if reply.is_success else self._memory.success
        self._memory = self._memory._replace(success=success, reply=reply)

    def _count(self, failed: tuple[str, ...]) -> None:
        self._failed = {**self._failed, **{name: self._failed.get(name, 0) + 1 for name in failed}}

    def forget(self) -> None:
        """Forget what is under way: in a child, its thread is gone."""
        self._under_way = None

    # What can be seen of it.

    def instance(self) -> str:
        """Return the instance's id, or the words for none."""
        if self._identity is None and self._files is not None:
            try:
                self._identity = self._files.read()
            except OSError:
                return UNMADE
        return self._identity.instance if self._identity else UNMADE

    def described(self, plain: Status) -> Status:
        """Return a status with all that this sender knows."""
        memory, reply, under_way = self._memory, self._memory.reply, self._under_way
        if under_way is not None and under_way.is_over:
            # Its thread may still wait for a name, but nothing will be sent.
            reply = Reply(None, under_way.reason)
        return plain._replace(
            instance=self.instance(),
            last_attempt=memory.attempt,
            last_success=memory.success,
            last_status=reply.status,
            last_error=reply.problem,
            failed_probes=tuple(sorted(self._failed.items())),
            problems=(*plain.problems, *self._problems),
        )
