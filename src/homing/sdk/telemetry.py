"""The face of the sending side."""

from __future__ import annotations

# What type checkers take for the constant of that name: importing typing costs more than all of this module.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any, Self

    from homing.clock import Clock
    from homing.sdk.payload import Row
    from homing.sdk.sender import Sender
    from homing.sdk.status import Status
    from homing.sdk.transports.base import Transport
    from homing.sdk.worker import Worker

FLUSH_SECONDS = 0.1
"""How long stopping waits for what is under way, unless it is told otherwise."""


class Telemetry:
    """Tells an application's maker, once a day, that this installation is alive; off unless switched on.

    Arguments that cannot be used raise `SettingsError` at once, with every problem. After that nothing raises, and
    nothing delays the host. While telemetry is off there is no thread, no socket and no file.

    A child that was forked off is the same instance. Its telemetry rests until `start` is called in it, so that many
    workers behind one parent send one ping.
    """

    def __init__(
        self,
        *,
        app: str,
        version: str,
        endpoint: str,
        key: str = "",
        enabled: bool | None = None,
        wire: str = "native",
        rows: Sequence[Row] = (),
        values: Mapping[str, Any] | None = None,
        interval_hours: int = 24,
        first_seconds: float = 30.0,
        directory: Path | str | None = None,
        clock: Clock | None = None,
        transport: Transport | None = None,
    ) -> None:
        import threading

        from homing.sdk.consent import decide
        from homing.sdk.content import Arguments, compose

        self._given = Arguments(
            app, version, endpoint, key, enabled, wire, rows, values or {}, interval_hours, first_seconds, directory
        )
        self._content = compose(self._given)
        self._decision = decide(enabled=enabled, hours=interval_hours)
        self._clock = clock
        self._transport = transport
        self._lock = threading.RLock()
        self._sender: Sender | None = None
        self._worker: Worker | None = None
        self._problems: tuple[str, ...] = ()
        self._is_fork_known = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to send: the first ping soon, the next one interval later. Does nothing when telemetry is off."""
        if self._decision.is_on:
            self._running()

    def preview(self) -> bytes:
        """Return the body that would be sent now, byte for byte."""
        return self._made().preview()

    def send_now(self, wait: float = 0.0) -> Status:
        """Send as soon as possible, starting where that was not done, and return the status.

        Waits at most so many seconds until the attempt is over. Does nothing when telemetry is off.
        """
        worker = self._running() if self._decision.is_on else None
        if worker is not None:
            worker.ask(wait)
        return self.status()

    def status(self) -> Status:
        """Return what telemetry is doing."""
        from homing.sdk.status import UNMADE, Status

        decision, sender, worker = self._decision, self._sender, self._worker
        plain = Status(
            enabled=decision.is_on,
            layer=decision.layer,
            endpoint=self._content.target.url,
            instance=UNMADE,
            interval_hours=decision.hours,
            problems=(*decision.problems, *self._problems),
        )
        if not decision.is_on:
            return plain
        return (sender or self._made()).described(plain)._replace(next_due=worker.next_due if worker else None)

    def stop(self, timeout: float = FLUSH_SECONDS) -> None:
        """End; wait at most so many seconds for what is under way, then cut it off. `start` begins anew."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(timeout)

    def _made(self) -> Sender:
        """Return what makes and sends pings; when telemetry is off it knows of no file."""
        from homing.clock import SystemClock
        from homing.sdk.identity import IdentityFiles
        from homing.sdk.sender import Sender

        with self._lock:
            if self._sender is None:
                given, clock = self._given, self._clock or SystemClock()
                files = IdentityFiles(given.directory, given.app, clock=clock, with_token=self._content.form.has_token)
                self._sender = Sender(
                    self._content, files if self._decision.is_on else None, transport=self._transport, clock=clock
                )
            return self._sender

    def _running(self) -> Worker | None:
        """Return the thread, begun where there is none; None when the process can have no more threads."""
        from homing.sdk.worker import Worker

        with self._lock:
            if self._worker is None:
                worker = Worker(self._made(), hours=self._decision.hours, first_seconds=self._given.first_seconds)
                try:
                    worker.start()
                except RuntimeError as error:
                    self._problems = (f"The thread of telemetry cannot begin: {error}.",)
                    return None
                self._worker, self._problems = worker, ()
                self._rest_in_children()
            return self._worker

    def _rest_in_children(self) -> None:
        """See to it that a child, in which the thread is gone, has a lock of its own and no thread to wait for."""
        import os
        from weakref import WeakMethod

        if not self._is_fork_known:
            self._is_fork_known = True
            forget = WeakMethod(self._forget_thread)
            os.register_at_fork(after_in_child=lambda: (found := forget()) and found())

    def _forget_thread(self) -> None:
        import threading

        self._lock = threading.RLock()
        self._worker = None
        if self._sender is not None:
            self._sender.forget()
