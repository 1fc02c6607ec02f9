"""Puts the sending side together: what was decided, where to send, and the threads that do it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from homing.clock import Clock
from homing.errors import SettingsError
from homing.sdk.about import About
from homing.sdk.content import Arguments, Content, compose
from homing.sdk.destinations import DEFAULT, NAMES, Destination
from homing.sdk.endings import Endings
from homing.sdk.identity import FilePlace, Identities, Place, Renewal, StorePlace, default_directory
from homing.sdk.last import read_last
from homing.sdk.machine import Linux
from homing.sdk.outboxes import Outboxes
from homing.sdk.policy import HOUR, IdKept, IdMade, Mode
from homing.sdk.ruling import Ruling
from homing.sdk.schedule import Schedule, Times
from homing.sdk.seeding import Seed, find_seeds
from homing.sdk.sender import Outside, Sender
from homing.sdk.sources import read_environment, with_file
from homing.sdk.status import UNMADE, Course, Shown, Status
from homing.sdk.stores import JsonStore, SqliteStore, Store, absolute
from homing.sdk.transports.base import Deadline, Transport
from homing.sdk.turns import Turns
from homing.sdk.worker import House, Worker

if TYPE_CHECKING:
    from homing.sdk.erasure import Erasure

DATABASE_FILE: Final = "telemetry.db"
NOTICE: Final = "notice"
"""The name under which it is kept that the notice was shown."""


class Engine:
    """What `Telemetry` shows the face of. One lock guards which threads there are, one lets savers go one by one."""

    def __init__(self, given: Arguments, *, database: Store | None, clock: Clock, transport: Transport | None) -> None:
        self._given = given
        self._clock = clock
        self._transport = transport
        content = compose(given)
        self._policy = content.policy
        self._file = _settings_file(content, given)
        self._own_directory = None if given.directory is None else absolute(given.directory)
        self._store = self._usual_store() if database is None else database
        self._asks_host = database is not None and self._policy.id_kept is not IdKept.FILE
        self._turns = Turns(self._place())
        self._lock = threading.RLock()
        self._saving = threading.Lock()
        self._began = clock.monotonic()
        self._problems: dict[str, str] = {}
        self._own_instance = UNMADE
        self._renewed: tuple[str, Renewal | None] = (UNMADE, None)
        self._senders: tuple[Sender, ...] = ()
        self._workers: tuple[Worker, ...] = ()
        self._outboxes = Outboxes(self._policy, self._place(), clock=clock, turns=self._turns)
        self._is_started = False
        self._is_held = False
        self._begun: set[str] = set()
        self._endings: Endings | None = None
        hours = given.interval_hours
        sources = read_environment(content.policy)._replace(
            enabled=given.enabled, interval=hours * HOUR if hours else None
        )
        sources = with_file(sources, content.policy, path=self._file)
        self._ruling = Ruling(content, sources, file=self._file, store=self._store, clock=clock)

    # Where things are kept.

    def _usual_store(self) -> Store | None:
        if self._policy.id_kept is IdKept.SETTINGS and self._file is not None:
            return JsonStore(self._file)
        place = self._place()
        return SqliteStore(place / DATABASE_FILE) if place else None

    def _place(self) -> Path | None:
        try:
            return self._directory()
        except OSError:
            return None

    def _directory(self) -> Path:
        return self._own_directory or default_directory(self._given.app)

    # Beginning and ending.

    def start(self) -> None:
        """Begin to send where telemetry is on; make the id where the policy does so in any case."""
        with self._lock:
            if self._workers:
                return
            self._is_started = True
            self._watch()
            if self._policy.id_made is IdMade.EVERY_START:
                self._make_id()
            self._log_level()
            if self._ruling.decision.is_on:
                self._is_held = self._is_held or self._shows_notice()
                self._run()
            elif not self._ruling.is_in_doubt:
                self._outboxes.empty()

    def _watch(self) -> None:
        """Notice the end also while it is off: who switches it on later may do so in a thread that has no signals."""
        if self._endings is None and (self._policy.kinds.end or self._policy.events):
            self._endings = Endings(self._end)
            self._endings.watch()

    def stop(self, timeout: float | None) -> None:
        """End; wait at most so many seconds for what is under way, then cut it off."""
        self._is_started = False
        self._begun = set()
        self.release()
        self._halt(self._policy.flush_seconds if timeout is None else max(timeout, 0.0), with_farewell=True)

    def release(self) -> None:
        """Give the signals back; that is possible in the main thread only."""
        with self._lock:
            endings, self._endings = self._endings, None
        if endings is not None:
            endings.release()

    def _halt(self, seconds: float, *, with_farewell: bool) -> None:
        with self._lock:
            workers, self._workers = self._workers, ()
        for worker in workers:
            worker.tell_to_end(seconds, with_farewell=with_farewell)
        end = self._clock.monotonic() + seconds
        for worker in workers:
            worker.join(end - self._clock.monotonic())
        if with_farewell:
            for worker in workers:
                worker.leave()
        self._turns.resign()

    def ask(self, wait: float) -> None:
        """Send as soon as possible, and wait at most so many seconds until that is done."""
        if self._ruling.decision.is_on:
            if not self._is_started:
                self.start()
            with self._lock:
                self._run()
                workers = self._workers
            end = self._clock.monotonic() + wait
            for worker in workers:
                worker.ask(end - self._clock.monotonic() if wait else 0.0)

    def send_once(self) -> tuple[Course, ...]:
        """Send one ping to each destination now, in this thread, and return what came of those that were tried."""
        tried = []
        for sender in self._made() if self._ruling.decision.is_on else ():
            sender.recall()
            with self._turns.sending() as noes:
                deadline = Deadline(self._clock, self._policy.timeout_seconds)
                may_send = noes is not None and self._may_send()
                if may_send and sender.send(deadline, self._policy.kinds.repeat) is not None:
                    tried.append(sender.course(None))
        return tuple(tried)

    def export(self) -> tuple[Shown, ...]:
        """Return what would be sent now, under the id, which is made where there is none; nothing while it is off."""
        senders = self._made() if self._ruling.decision.is_on and self._may_send() else ()
        return tuple(sender.preview(self._policy.kinds.repeat) for sender in senders if sender.prepare())

    def erase(self) -> tuple[Erasure, ...]:
        """Ask each destination to erase what it has of this installation; raise `SettingsError`."""
        from homing.sdk.erasure import erase

        ruling = self._ruling
        to = ruling.route.destinations or ruling.route_if_on().destinations
        if not to:
            raise SettingsError(["There is nobody to ask.", *ruling.problems, *ruling.route_if_on().problems])
        return erase(ruling.content, to, instance=self._known_instance(), clock=self._clock)

    def license_changed(self) -> None:
        """Ask for the licence now."""
        has_moved = self._ruling.has_moved()
        for worker in self._workers:
            worker.look()
        if has_moved and self._is_started and not self._ruling.is_in_doubt:
            self._apply()

    def save(self, settings: Mapping[str, Any], who: str) -> None:
        """Keep settings and go by them at once; raise `SettingsError` with all problems, and then change nothing."""
        with self._saving:
            before = self._ruling.mark
            try:
                self._ruling.save(settings, who)
            except SettingsError:
                # Another process may have saved something meanwhile.
                if before != self._ruling.mark:
                    self._apply()
                raise
            self._apply()
            # Whoever switched it on is shown the id at once.
            for sender in self._senders if self._workers else ():
                sender.prepare()

    def seed(self, seeds: Sequence[Seed], who: str) -> tuple[Seed, ...]:
        """Keep first settings where there are none yet, go by them, and return them; raise `SettingsError`."""
        with self._saving:
            kept = self._ruling.seed(seeds, who)
            self._apply()
        return kept

    def absent(self, config: Path | str | None, profile: Path | str | None) -> tuple[Seed, ...]:
        """Return the first settings that would be kept; raise `SettingsError`."""
        return self._ruling.absent(find_seeds(self._policy, config, profile=profile))

    def agree(self, who: str) -> None:
        """Keep that somebody agreed to the list of fields as it is now."""
        with self._saving:
            self._ruling.agree(who)
            self._apply()

    def reset_id(self, who: str) -> None:
        """Make another id and token where there are any, and drop what waits; raise `SettingsError`."""
        with self._saving:
            self._halt(0.0, with_farewell=False)
            try:
                # Nobody else may have sent the one of them with the other's predecessor.
                with self._turns.alone(self._policy.timeout_seconds):
                    self._reset_id(who)
                    # What waits has the old one.
                    self._outboxes.empty()
            except Exception as error:
                raise SettingsError([f"The id cannot be replaced: {error}."]) from error
            finally:
                self._apply()

    def _reset_id(self, who: str) -> None:
        identities = self._identities()
        if identities is None:
            raise OSError("there is no place for it")
        if self._ruling.decision.is_on or identities.read() is not None:
            made = identities.reset(who)
            if self._policy.id_made is IdMade.EVERY_START:
                self._own_instance = made.instance

    def refresh(self) -> None:
        """Look again at what was saved, and go by it."""
        with self._saving:
            # While a layer cannot be read threads go on asking.
            if self._ruling.has_moved() and not self._ruling.is_in_doubt:
                self._apply()

    def _apply(self) -> None:
        """Go by the decision: nothing that was on its way before goes on."""
        with self._lock:
            # Whoever asks for a ping meanwhile begins with new ones.
            senders, self._senders = self._senders, ()
        self._halt(0.0, with_farewell=False)
        if not self._ruling.decision.is_on and not self._ruling.is_in_doubt:
            # What another process was about to send is over when its turn is.
            with self._turns.alone(self._policy.timeout_seconds):
                self._outboxes.empty()
        for sender in senders:
            sender.drop()
        with self._lock:
            if self._is_started and self._ruling.decision.is_on:
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
            self._problems["thread"] = f"The thread of telemetry cannot begin: {error}."
            return
        self._problems.pop("thread", None)
        self._workers = tuple(workers)

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
            house=House(
                leads=self._turns.leads,
                turn=self._turns.sending,
                may_send=self._may_send,
                licence=self._ruling.content.licence,
                begun=self._begun,
            ),
        )

    def _may_send(self) -> bool:
        """Tell whether a ping may leave now."""
        self._ruling.agree_once(self._ruling.decision.layer)
        has_moved = self._ruling.has_moved() or any(sender.is_another() for sender in self._senders)
        if self._ruling.is_in_doubt:
            return False
        if not self._ruling.decision.is_on:
            self._outboxes.empty()
            return False
        if has_moved:
            # Called by a thread that ends with this: others take its place.
            self._apply()
            return False
        return self._is_ready()

    def _is_ready(self) -> bool:
        ask = self._given.initialised
        try:
            is_ready = ask is None or bool(ask())
        except Exception as error:  # noqa: BLE001 - the host's code must not stop its telemetry
            self._problems["initialised"] = (
                f"The host cannot say whether it is initialised, so nothing is sent: {type(error).__name__}."
            )
            return False
        self._problems.pop("initialised", None)
        return is_ready

    def _made(self) -> tuple[Sender, ...]:
        if not self._senders:
            self._senders = self._senders_for(self._ruling.route.destinations, self._identities())
        return self._senders

    def _senders_for(self, to: tuple[Destination, ...], identities: Identities | None) -> tuple[Sender, ...]:
        boxes = self._outboxes.open(to, self._ruling.content) if self._ruling.decision.is_on else {}
        outside = Outside(self._clock, identities, self._store, self._transport, self._began, self._place())
        content = self._ruling.content
        outside = outside._replace(asks_host=self._asks_host)
        return tuple(Sender(content, each, outside=outside._replace(outbox=boxes.get(each.name))) for each in to)

    # Events.

    def event(self, name: Any, properties: Any) -> None:
        """Take what the application tells of itself, while telemetry is on."""
        if not self._ruling.decision.is_on or self._is_held:
            return
        if not self._senders:
            with self._lock:
                self._made()
        # What the caller gave is asked nothing that would run code of its own.
        is_bare = isinstance(name, str) and properties.__class__ is dict and not properties
        if is_bare and name in self._policy.kinds and name in self._policy.events:
            self.track(name, {})
        elif self._outboxes.tell(name, properties):
            for worker in self._workers:
                worker.wake()

    def track(self, kind: str, told: Mapping[str, Any]) -> None:
        """Send one of the policy's own events now; `told` are values for its rows from now on."""
        if not self._ruling.decision.is_on or self._is_held:
            return
        if kind not in self._policy.events or kind not in self._policy.kinds:
            self._outboxes.refuse("name", f"The policy {self._policy.name} has no event {kind}.")
            return
        self._ruling.content.told.update(told)
        if not self._workers:
            self.start()
        for worker in self._workers:
            worker.say(kind)

    def _identities(self) -> Identities | None:
        policy = self._policy
        try:
            place = self._id_place()
        except OSError as error:
            self._problems["id"] = f"The instance's id cannot be kept, so nothing is sent: {error}."
            return None
        if place is None:
            return None
        machine = Linux() if policy.notices_copies else None
        return Identities(place, clock=self._clock, with_token=policy.has_token, machine=machine)

    def _id_place(self) -> Place | None:
        if self._policy.id_kept is IdKept.FILE:
            return FilePlace(self._directory())
        return StorePlace(self._store, self._policy.id_key) if self._store else None

    def _make_id(self) -> None:
        identities = self._identities()
        try:
            if identities is not None:
                self._own_instance = identities.make().instance
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a disk must not harm the host
            self._problems["id"] = f"The instance's id cannot be kept: {error}."

    def device(self, host: str) -> str | None:
        """Return the id for a request to a host, where it may go along: pings may go there, or to the maker."""
        if not self._is_started or self._is_held:
            return None
        decision, route = self._ruling.look()
        if not any(to.name == DEFAULT or to.target.host == host for to in route.destinations) or not self._is_ready():
            return None
        self._ruling.agree_once(decision.layer)
        identities = self._identities()
        return identities.make().instance if identities else None

    # What people are told, and what they said.

    def _shows_notice(self) -> bool:
        """Tell people at a terminal once what will be sent; nothing is sent in that run."""
        if not self._policy.has_notice or self._store is None:
            return False
        from homing.sdk.notice import is_terminal, show

        if not is_terminal() or self._has_shown(self._store):
            return False
        if not show(self._given.app, self._policy, self._ruling.route):
            return False
        # Without a place for the mark it is shown again.
        with suppress(Exception):
            self._store.save(NOTICE, self._clock.now())
        return True

    def _has_shown(self, store: Store) -> bool:
        try:
            return NOTICE in store.load()
        except Exception:  # noqa: BLE001 - the store may be anybody's code
            return False

    def _log_level(self) -> None:
        from homing.sdk.notice import log, log_instance

        level = self._ruling.decision.text("log_level")
        if level:
            log(level, self._own_instance)
        elif self._own_instance != UNMADE:
            log_instance(self._own_instance)

    # What can be seen of it.

    def preview(self) -> tuple[Shown, ...]:
        """Return what would be sent now; while telemetry is off, what would be sent if it were switched on."""
        if self._ruling.decision.is_on:
            with self._lock:
                senders = self._made()
        else:
            senders = self._senders_for(self._ruling.route_if_on().destinations, self._identities())
        return tuple(sender.preview(self._policy.kinds.repeat) for sender in senders)

    def last(self) -> tuple[Shown, ...]:
        """Return what was last sent to each destination, by this process or another, and be it off by now."""
        own = {sender.destination.name: sender.last for sender in self._senders}
        kept = {name: found.shown for name in NAMES[Mode.BOTH] if (found := read_last(self._place(), name))}
        return tuple(shown for shown in {**own, **kept}.values() if shown)

    def status(self) -> Status:
        """Return what telemetry is doing."""
        decision = self._ruling.decision
        plain = Status(
            decision.is_on,
            decision.layer,
            decision.mode.value,
            self._own_instance,
            tuple(decision.values.items()),
            decision.is_locked,
            problems=(*self._ruling.problems, *self._problems.values(), *self._ruling.content.licence.problems),
            waiting=self._outboxes.waiting,
            lost=self._outboxes.lost,
        )
        if not decision.is_on:
            problems = (*plain.problems, *self._outboxes.left)
            return plain._replace(problems=problems, renewed=self._renewal(plain.instance))
        with self._lock:
            senders, workers = self._made(), self._workers
        due: list[int | None] = [worker.next_due for worker in workers]
        courses = tuple(sender.course(when) for sender, when in zip_longest(senders, due))
        failed: dict[str, int] = {}
        for sender in senders:
            failed = {**failed, **{name: failed.get(name, 0) + times for name, times in sender.failed.items()}}
        further = [*(problem for sender in senders for problem in sender.problems), *self._outboxes.problems]
        instance = senders[0].instance() if senders else self._own_instance
        return plain._replace(
            instance=instance,
            destinations=courses,
            failed_probes=tuple(sorted(failed.items())),
            problems=(*plain.problems, *dict.fromkeys(further), *([HELD] if self._is_held else [])),
            renewed=self._renewal(instance),
        )

    def is_on(self) -> bool:
        """Tell whether anything may be sent, as every layer says now."""
        return self._ruling.is_on_now()

    def about(self) -> About:
        """Return what telemetry is made of."""
        return self._ruling.about(self._given.app, self._known_instance())

    def _known_instance(self) -> str:
        try:
            identities = self._identities()
            found = identities.read() if identities else None
        except Exception:  # noqa: BLE001 - the store may be anybody's code, and the status says what is wrong with it
            return ""
        return found.instance if found else ""

    def _renewal(self, instance: str) -> Renewal | None:
        """Return when the id was replaced; looked up once for each."""
        if instance not in (UNMADE, self._renewed[0]):
            try:
                identities = self._identities()
                self._renewed = instance, identities.renewal() if identities else None
            except Exception:  # noqa: BLE001 - the sender has said so already
                return None
        return self._renewed[1] if instance == self._renewed[0] else None

    # In a child.

    def forget_threads(self) -> None:
        """Rest: in a child that was forked off the threads are gone, and so is whoever held the lock."""
        self._lock = threading.RLock()
        self._saving = threading.Lock()
        self._workers = ()
        self._begun = set()
        self._endings = None
        self._ruling.forget()
        self._turns.forget()
        for sender in self._senders:
            sender.forget()
        self._outboxes.forget()


HELD: Final = "The notice was shown for the first time: nothing is sent in this run."


def _settings_file(content: Content, given: Arguments) -> Path | None:
    found = given.file or content.policy.file
    return absolute(found) if found else None
