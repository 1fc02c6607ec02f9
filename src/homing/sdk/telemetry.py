"""The face of the sending side."""

from __future__ import annotations

# What type checkers take for the constant of that name: importing typing costs more than all of this module.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Self

    from homing.clock import Clock
    from homing.sdk.about import About
    from homing.sdk.build import BuildInfo
    from homing.sdk.erasure import Erasure
    from homing.sdk.licence import Ask
    from homing.sdk.payload import BeforeSend, Row
    from homing.sdk.policy import Policy
    from homing.sdk.seeding import Seed
    from homing.sdk.status import Course, Shown, Status
    from homing.sdk.stores import Store
    from homing.sdk.transports.base import Transport


class Telemetry:
    """Tells an application's maker, as its policy says, that this installation is alive.

    Arguments that cannot be used raise `SettingsError` at once, with every problem. After that nothing raises but what
    somebody decides or asks for by hand: `save`, `agree`, `reset_id`, `first_settings`, `seed` and `erase`; and nothing
    delays the host. While telemetry is off there is no thread and no socket, and no file but the one that a decision
    was written to, and `sending.lock`, which tells other processes of it.

    A child that was forked off is the same instance. Its telemetry rests until `start` is called in it, so that many
    workers behind one parent send one ping.
    """

    def __init__(
        self,
        *,
        app: str,
        version: str,
        policy: Policy | str = "homing",
        endpoint: str = "",
        key: str = "",
        enabled: bool | None = None,
        rows: Sequence[Row] = (),
        values: Mapping[str, Any] | None = None,
        interval_hours: int | None = None,
        first_seconds: float | None = None,
        directory: Path | str | None = None,
        file: Path | str | None = None,
        database: Store | None = None,
        licence: Ask | None = None,
        initialised: Callable[[], bool] | None = None,
        before_send: BeforeSend | None = None,
        ca_file: Path | str | None = None,
        build: BuildInfo | None = None,
        clock: Clock | None = None,
        transport: Transport | None = None,
    ) -> None:
        from homing.clock import SystemClock
        from homing.sdk.content import Arguments
        from homing.sdk.engine import Engine

        given = Arguments(
            app,
            version,
            policy,
            endpoint,
            key,
            enabled,
            rows,
            values or {},
            interval_hours,
            first_seconds,
            directory,
            file,
            licence,
            initialised,
            before_send,
            ca_file,
            build,
        )
        self._engine = Engine(given, database=database, clock=clock or SystemClock(), transport=transport)
        self._is_fork_known = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to send, as the policy says when. Sends nothing while telemetry is off."""
        self._rest_in_children()
        self._engine.start()

    def preview(self) -> tuple[Shown, ...]:
        """Return what would be sent now, for each destination: the body byte for byte, secret headers masked."""
        return self._engine.preview()

    def show_last(self) -> tuple[Shown, ...]:
        """Return what was last sent to each destination since the start."""
        return self._engine.last()

    def send_now(self, wait: float = 0.0) -> Status:
        """Send as soon as possible, starting where that was not done, and return the status.

        Waits at most so many seconds until the attempt is over. Does nothing when telemetry is off.
        """
        self._rest_in_children()
        self._engine.ask(max(wait, 0.0))
        return self.status()

    def event(self, name: str, properties: Mapping[str, Any] | None = None) -> None:
        """Tell something that happened; it is sent within 5 seconds, or with 99 others, or when that is possible.

        Never raises and never waits. `properties` are values that JSON has, at most 5 levels deep and 8 KiB long. While
        telemetry is off nothing is kept. What the policy does not allow, and what is lost, is counted in the status.
        """
        self._engine.event(name, {} if properties is None else properties)

    def track_startup(self, version: str | None = None, release: str | None = None) -> None:
        """Begin, where that was not done: the event `startup` is sent once. `slackonos` only, like the next two."""
        self._track("startup", version, release)

    def track_heartbeat(self, version: str | None = None, release: str | None = None) -> None:
        """Send the event `heartbeat` now."""
        self._track("heartbeat", version, release)

    def track_shutdown(self, version: str | None = None, release: str | None = None) -> None:
        """Send the event `shutdown` now; it is then not sent once more at the end."""
        self._track("shutdown", version, release)

    def _track(self, kind: str, version: str | None, release: str | None) -> None:
        """Send one of the policy's events; version and release hold from now on."""
        self._rest_in_children()
        told = {"properties.app_version": version, "properties.release": release}
        self._engine.track(kind, {name: value for name, value in told.items() if value is not None})

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as long as `stop` waits
        """Flush and end as `stop` does, without holding up the event loop."""
        import asyncio

        self._engine.release()
        await asyncio.to_thread(self._engine.stop, timeout)

    def status(self) -> Status:
        """Return what telemetry is doing."""
        return self._engine.status()

    def refresh(self) -> Status:
        """Look again at what was saved, by another process too, go by it, and return the status."""
        self._engine.refresh()
        return self.status()

    def is_on(self) -> bool:
        """Tell whether anything may be sent, as every layer says now: another process may have saved something."""
        return self._engine.is_on()

    def about(self) -> About:
        """Return what telemetry is made of: policy, fields, id, licence, file, and where each setting comes from."""
        return self._engine.about()

    def send_once(self) -> tuple[Course, ...]:
        """Send one ping to each destination now, in the caller's thread, and return what came of each that was tried.

        For commands that end after it: it begins no thread, and sends no first or last ping. Nothing is tried while
        telemetry is off.
        """
        self._rest_in_children()
        return self._engine.send_once()

    def export(self) -> tuple[Shown, ...]:
        """Return what would be sent now, to be carried there by other means; nothing while telemetry is off."""
        return self._engine.export()

    def erase(self) -> tuple[Erasure, ...]:
        """Ask each destination to erase what it has stored of this installation, and return what each answered.

        Raises `SettingsError` where that cannot be asked for. Telemetry that is on goes on: switch it off before.
        """
        return self._engine.erase()

    def first_settings(self, config: Path | str | None = None, profile: Path | str | None = None) -> tuple[Seed, ...]:
        """Return what the environment, a set-up file and an install profile say that is not saved yet.

        The environment beats the file. Raises `SettingsError` for what cannot be read or understood.
        """
        return self._engine.absent(config, profile)

    def seed(self, seeds: Sequence[Seed], *, who: str) -> tuple[Seed, ...]:
        """Save first settings where there are none yet, and return those; a second time changes nothing.

        Raises `SettingsError` where nothing can be saved.
        """
        return self._engine.seed(seeds, who)

    def save(self, settings: Mapping[str, Any], *, who: str) -> Status:
        """Keep what somebody chose, go by it at once, and return the status.

        Raises `SettingsError` for what cannot be understood, `SettingsLocked` for what a stronger layer holds; then
        nothing is changed. None takes back what was saved. When telemetry was switched off and this has returned,
        nothing is on its way any more.
        """
        self._engine.save(settings, who)
        return self.status()

    def agree(self, *, who: str) -> None:
        """Keep that somebody agreed to the list of fields as it is now, after it has grown; raises `SettingsError`."""
        self._engine.agree(who)

    def reset_id(self, *, who: str) -> Status:
        """Give this installation another id and token at once, and return the status.

        What waits under the old id is dropped, settings and consent stay, and pings go on as after a start. While
        telemetry is off an id that is there is replaced, and none is made. Raises `SettingsError` when the new one
        cannot be kept; then telemetry goes on as before.
        """
        self._engine.reset_id(who)
        return self.status()

    def device_id(self, url: str) -> str | None:
        """Return the instance's id for a request of the application's own, such as an update check.

        None while telemetry is off or not started, and where pings go to the operator alone but for the operator's own
        host: then it may not go along. It is the same at every request, and over restarts.
        """
        from homing.sdk.endpoint import parse

        try:
            return self._engine.device(parse(url).host)
        except Exception:  # noqa: BLE001 - whatever is wrong with a disk or an address must not harm the host
            return None

    def license_changed(self) -> None:
        """Ask the host for its licence now, not at the next look."""
        self._engine.license_changed()

    def stop(self, timeout: float | None = None) -> None:
        """End; wait at most so many seconds for what is under way, then cut it off. `start` begins anew.

        Without a timeout the policy's holds.
        """
        self._engine.stop(timeout)

    def _rest_in_children(self) -> None:
        """See to it that a child, in which the threads are gone, has locks of its own and no thread to wait for."""
        if self._is_fork_known:
            return
        import os
        from weakref import WeakMethod

        self._is_fork_known = True
        forget = WeakMethod(self._engine.forget_threads)
        os.register_at_fork(after_in_child=lambda: (found := forget()) and found())
