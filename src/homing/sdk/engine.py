"""Puts the sending side together: what was decided, where to send, and the threads that do it."""

import threading
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from homing.clock import Clock
from homing.errors import SettingsError, SettingsLocked
from homing.sdk.consent import CONSENT, Decision, decide, read_setting
from homing.sdk.content import Arguments, Content, compose
from homing.sdk.destinations import Destination, Route, route
from homing.sdk.endings import Endings
from homing.sdk.identity import Identities, IdentityFiles, StoredIdentity, default_directory
from homing.sdk.licence import asked
from homing.sdk.policy import HOUR, IdKept, IdMade, Mode
from homing.sdk.schedule import Schedule, Times
from homing.sdk.sender import Outside, Sender
from homing.sdk.sources import PROFILE, SAVED, read_sources, with_database
from homing.sdk.status import UNMADE, Shown, Status
from homing.sdk.stores import JsonStore, SqliteStore, Store
from homing.sdk.transports.base import Transport
from homing.sdk.worker import Worker

DATABASE_FILE: Final = "telemetry.db"
NOTICE: Final = "notice"
"""The name under which it is kept that the notice was shown."""


class Engine:
    """What `Telemetry` shows the face of. A lock guards which threads there are; nothing slow happens under it."""

    def __init__(self, given: Arguments, *, database: Store | None, clock: Clock, transport: Transport | None) -> None:
        self._given = given
        self._clock = clock
        self._transport = transport
        self._content = compose(given)
        self._policy = self._content.policy
        self._file = _settings_file(self._content, given)
        self._store = database or self._usual_store()
        self._lock = threading.RLock()
        self._began = clock.monotonic()
        self._problems: tuple[str, ...] = ()
        self._senders: tuple[Sender, ...] = ()
        self._workers: tuple[Worker, ...] = ()
        self._is_started = False
        self._is_held = False
        self._endings: Endings | None = None
        hours = given.interval_hours
        sources = read_sources(self._policy, self._file)
        self._sources = sources._replace(enabled=given.enabled, interval=hours * HOUR if hours else None)
        self._refresh()

    # What was decided.

    def _refresh(self) -> None:
        """Look at the database and the licence again, and decide anew."""
        if "database" in self._policy.layers:
            self._sources = with_database(self._sources, self._store)
        self._sources = self._sources._replace(licence=asked(self._content.licence))
        self._decision = decide(self._policy, self._sources)
        self._route = self._route_of(self._decision)
        self._content = self._content._replace(rows=self._agreed_rows(), profile=self._profile())

    def _route_of(self, decision: Decision) -> Route:
        return route(self._policy, self._content.form, decision=decision, vendor=self._content.vendor)

    def _agreed_rows(self) -> tuple[Any, ...]:
        """Return the rows that were in the list when somebody agreed to it; all of them where nobody was asked."""
        agreed = self._sources.database.get(CONSENT)
        rows = (*self._content.form.rows, *self._given.rows)
        if not isinstance(agreed, Mapping) or not isinstance(agreed.get("fields"), int):
            return rows
        return tuple(row for row in rows if row.since <= agreed["fields"])

    def _profile(self) -> dict[str, str]:
        found = {name: self._sources.database.get(f"{PROFILE}{name}") for name in ("id", "version")}
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def _usual_store(self) -> Store | None:
        if self._policy.id_kept is IdKept.SETTINGS and self._file is not None:
            return JsonStore(self._file)
        try:
            return SqliteStore(self._directory() / DATABASE_FILE)
        except OSError:
            return None

    def _directory(self) -> Path:
        given = self._given.directory
        return default_directory(self._given.app) if given is None else Path(given)

    # Beginning and ending.

    def start(self) -> None:
        """Begin to send where telemetry is on; make the id where the policy does so in any case."""
        with self._lock:
            self._is_started = True
            if self._policy.id_made is IdMade.EVERY_START and not self._decision.is_on:
                self._make_id()
            if self._decision.is_on:
                self._log_level()
                self._is_held = self._is_held or self._shows_notice()
                self._agree(self._decision.layer)
                self._run()

    def stop(self, timeout: float | None, *, with_farewell: bool = True) -> None:
        """End; wait at most so many seconds for what is under way, then cut it off."""
        seconds = self._policy.flush_seconds if timeout is None else max(timeout, 0.0)
        with self._lock:
            workers, self._workers = self._workers, ()
            endings, self._endings = self._endings, None
        if endings is not None:
            endings.release()
        for worker in workers:
            worker.tell_to_end(seconds, with_farewell=with_farewell)
        end = self._clock.monotonic() + seconds
        for worker in workers:
            worker.join(end - self._clock.monotonic())

    def ask(self, wait: float) -> None:
        """Send as soon as possible, and wait at most so many seconds until that is done."""
        if self._decision.is_on:
            with self._lock:
                self._run()
                workers = self._workers
            end = self._clock.monotonic() + wait
            for worker in workers:
                worker.ask(end - self._clock.monotonic() if wait else 0.0)

    def license_changed(self) -> None:
        """Ask for the licence now."""
        was_on = self._decision.is_on
        self._refresh()
        for worker in self._workers:
            worker.look()
        if self._is_started and self._decision.is_on != was_on:
            self._apply()

    def save(self, settings: Mapping[str, Any], who: str) -> None:
        """Keep settings and go by them at once; raise `SettingsError` with all problems, and then change nothing."""
        self._check(settings)
        if self._store is None:
            raise SettingsError(["There is no place to keep settings in."])
        for name, raw in settings.items():
            self._store.save(self._kept_name(name), raw)
        if self._file is not None and self._policy.id_kept is IdKept.SETTINGS:
            given = self._sources
            self._sources = read_sources(self._policy, self._file)._replace(
                enabled=given.enabled, interval=given.interval
            )
        self._refresh()
        if self._decision.is_on and "enabled" in settings:
            self._store.save(CONSENT, None)
            self._agree(who)
        self._apply()

    def _check(self, settings: Mapping[str, Any]) -> None:
        problems, locked = [], []
        for name, raw in settings.items():
            try:
                read_setting(self._policy, name, raw)
            except ValueError as reason:
                problems.append(f"{name} {reason}.")
                continue
            layer = self._decision.values[name].layer
            if self._decision.is_locked and name == "enabled":
                locked.append("A licensed installation cannot switch telemetry off.")
            elif layer in self._policy.layers[: self._policy.layers.index(self._saving_layer())]:
                locked.append(f"{name} is set in the {layer}, which stands above what is saved.")
        if problems:
            raise SettingsError(problems)
        if locked:
            raise SettingsLocked(locked)

    def _saving_layer(self) -> str:
        layer = "file" if self._policy.id_kept is IdKept.SETTINGS else "database"
        if layer not in self._policy.layers:
            raise SettingsLocked(["These settings come from the environment only."])
        return layer

    def _kept_name(self, setting: str) -> str:
        name = self._policy.name_of(setting)
        return name.file if name and self._policy.id_kept is IdKept.SETTINGS else f"{SAVED}{setting}"

    def _apply(self) -> None:
        """Go by the decision: nothing that was on its way before goes on."""
        self.stop(0.0, with_farewell=False)
        for sender in self._senders:
            sender.drop()
        with self._lock:
            self._senders = ()
            if self._is_started and self._decision.is_on:
                self._run()

    def _run(self) -> None:
        """Begin a thread for each destination, where there is none."""
        if self._workers or self._is_held:
            return
        workers = [self._worker(sender) for sender in self._made()]
        try:
            for worker in workers:
                worker.start()
        except RuntimeError as error:
            self._problems = (f"The thread of telemetry cannot begin: {error}.",)
            return
        self._workers, self._problems = tuple(workers), ()
        if self._policy.kinds.end and workers:
            self._endings = Endings(self._end)
            self._endings.watch()

    def _end(self) -> None:
        self.stop(None)

    def _worker(self, sender: Sender) -> Worker:
        policy, first = self._policy, self._given.first_seconds
        interval = sender.destination.interval
        usual = interval if policy.kinds.begin else policy.start_seconds
        times = Times(
            usual if first is None else first, interval, policy.failure_seconds, policy.jitter, policy.has_random_minute
        )
        return Worker(
            sender,
            Schedule(self._clock, times),
            may_send=self._may_send,
            licence=lambda: asked(self._content.licence),
        )

    def _may_send(self) -> bool:
        """Tell whether a ping may leave now: somebody, in this process or another, may have said no since."""
        if "database" in self._policy.layers:
            sources = with_database(self._sources, self._store)
            sources = sources._replace(licence=asked(self._content.licence))
            if not decide(self._policy, sources).is_on:
                return False
        ask = self._given.initialised
        try:
            return ask is None or bool(ask())
        except Exception:  # noqa: BLE001 - the host's code: what it cannot say is no
            return False

    def _made(self) -> tuple[Sender, ...]:
        if not self._senders:
            self._senders = self._senders_for(self._route.destinations, self._identities())
        return self._senders

    def _senders_for(self, to: tuple[Destination, ...], identities: Identities | None) -> tuple[Sender, ...]:
        outside = Outside(self._clock, identities, self._store, self._transport, self._began)
        return tuple(Sender(self._content, each, outside=outside) for each in to)

    def _identities(self) -> Identities | None:
        policy = self._policy
        try:
            if policy.id_kept is IdKept.FILE:
                return IdentityFiles(self._directory(), clock=self._clock, with_token=policy.has_token)
            return StoredIdentity(self._store, policy.id_key, clock=self._clock) if self._store else None
        except OSError as error:
            self._problems = (f"The instance's id cannot be kept, so nothing is sent: {error}.",)
            return None

    def _make_id(self) -> None:
        identities = self._identities()
        try:
            if identities is not None:
                identities.make()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a disk must not harm the host
            self._problems = (f"The instance's id cannot be kept: {error}.",)

    # What people are told, and what they said.

    def _agree(self, who: str) -> None:
        """Write down who agreed, when, and to which version of the field list, unless that is written already."""
        if self._policy.at_first is not Mode.DISABLED or self._store is None:
            return
        try:
            if CONSENT not in self._store.load():
                fields = max((row.since for row in (*self._content.form.rows, *self._given.rows)), default=1)
                self._store.save(CONSENT, {"at": self._clock.now(), "who": who, "fields": fields})
        except Exception as error:  # noqa: BLE001 - the store may be anybody's code
            self._problems = (f"The consent cannot be written down: {error}.",)

    def _shows_notice(self) -> bool:
        """Tell people at a terminal once what will be sent; nothing is sent in that run."""
        if not self._policy.has_notice or self._store is None:
            return False
        from homing.sdk.notice import is_terminal, show

        try:
            if not is_terminal() or NOTICE in self._store.load():
                return False
            show(self._given.app, self._policy, self._route)
            self._store.save(NOTICE, self._clock.now())
        except Exception:  # noqa: BLE001 - without a place for the mark it is shown again
            return True
        return True

    def _log_level(self) -> None:
        level = self._decision.text("log_level")
        if level:
            from homing.sdk.notice import log

            log(level, self._instance())

    # What can be seen of it.

    def preview(self) -> tuple[Shown, ...]:
        """Return what would be sent now; while telemetry is off, what would be sent if it were switched on."""
        if self._decision.is_on:
            with self._lock:
                senders = self._made()
        else:
            on = self._decision._replace(mode=Mode.DEFAULT)
            senders = self._senders_for(self._route_of(on).destinations, None)
        return tuple(sender.preview(self._policy.kinds.repeat) for sender in senders)

    def last(self) -> tuple[Shown, ...]:
        """Return what was last sent to each destination."""
        return tuple(sender.last for sender in self._senders if sender.last)

    def status(self) -> Status:
        """Return what telemetry is doing."""
        decision = self._decision
        plain = Status(
            decision.is_on,
            decision.layer,
            decision.mode.value,
            UNMADE,
            tuple(decision.values.items()),
            decision.is_locked,
            problems=(*decision.problems, *self._route.problems, *self._problems),
        )
        if not decision.is_on:
            return plain
        with self._lock:
            senders, workers = self._made(), self._workers
        due: list[int | None] = [worker.next_due for worker in workers]
        courses = tuple(sender.course(when) for sender, when in zip_longest(senders, due))
        failed: dict[str, int] = {}
        for sender in senders:
            failed = {**failed, **{name: failed.get(name, 0) + times for name, times in sender.failed.items()}}
        further = [problem for sender in senders for problem in sender.problems]
        return plain._replace(
            instance=self._instance(),
            destinations=courses,
            failed_probes=tuple(sorted(failed.items())),
            problems=(*plain.problems, *dict.fromkeys(further), *([HELD] if self._is_held else [])),
        )

    def _instance(self) -> str:
        senders = self._made()
        return senders[0].instance() if senders else UNMADE

    # In a child.

    def forget_threads(self) -> None:
        """Rest: in a child that was forked off the threads are gone, and so is whoever held the lock."""
        self._lock = threading.RLock()
        self._workers = ()
        self._endings = None
        for sender in self._senders:
            sender.forget()


HELD: Final = "The notice was shown for the first time: nothing is sent in this run."


def _settings_file(content: Content, given: Arguments) -> Path | None:
    if given.file is not None:
        return Path(given.file)
    return Path(content.policy.file) if content.policy.file else None
