"""What holds for one application: asked for anew when it may have changed, and changed when somebody saves."""

import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.clock import Clock
from homing.errors import SettingsError, SettingsLocked
from homing.sdk.about import About
from homing.sdk.consent import CONSENT, ENDPOINT, MODE, ON, Decision, decide, origins_of, read_setting
from homing.sdk.content import Content
from homing.sdk.destinations import Route, route
from homing.sdk.payload import Row
from homing.sdk.policy import IdKept, Mode
from homing.sdk.seeding import Seed
from homing.sdk.sources import PROFILE, SAVED, Sources, with_database, with_file
from homing.sdk.stores import Store

SECTION: Final = "telemetry"
"""The part of a settings file that is telemetry's own."""

NOES: Final = (False, Mode.DISABLED)


class _Held(NamedTuple):
    """What holds since one look at the sources."""

    sources: Sources
    decision: Decision
    route: Route
    content: Content


class Ruling:
    """The decision, the route that follows from it, and the content as far as somebody agreed to it.

    Several threads may look at once, and a look may last: what an earlier one finds never replaces what a later one
    found. None waits for another, for a database may hang.
    """

    def __init__(
        self, content: Content, sources: Sources, *, file: Path | None, store: Store | None, clock: Clock
    ) -> None:
        self._rows = content.rows
        self._policy = content.policy
        self._form = content.form
        self._vendor = content.vendor
        self._file = file
        self._store = store
        self._clock = clock
        self._is_agreed = False
        self._problem = ""
        self._looks = count(1)
        self._newest = 0
        self._one = threading.RLock()
        self._held = self._made(content, sources)
        self.refresh()

    @property
    def decision(self) -> Decision:
        """What holds."""
        return self._held.decision

    @property
    def route(self) -> Route:
        """Where pings go."""
        return self._held.route

    @property
    def content(self) -> Content:
        """What is sent; while telemetry is off, what would be: whoever switches it on agrees to all fields."""
        return self._held.content

    # Looking.

    def refresh(self) -> None:
        """Look again at what may have changed, and decide anew."""
        number = next(self._looks)
        found = self._made(self.content, self._fresh())
        with self._one:
            if number > self._newest:
                self._newest, self._held = number, found

    def forget(self) -> None:
        """In a child: nobody holds the lock."""
        self._one = threading.RLock()

    def _made(self, content: Content, sources: Sources) -> _Held:
        decision = decide(self._policy, sources)
        rows = self._agreed_rows(sources) if decision.is_on else self._rows
        content = content._replace(rows=rows, profile=_profile(sources))
        return _Held(sources, decision, self._route_of(decision), content)

    def _fresh(self) -> Sources:
        """Return the sources with the licence and what people saved since, here or in another process."""
        sources = self._held.sources
        if "database" in self._policy.layers:
            sources = with_database(sources, self._store)
        elif self._policy.id_kept is IdKept.SETTINGS:
            sources = with_file(sources, self._policy, path=self._file)
        if self._policy.is_locked_by_licence:
            sources = sources._replace(licence=self.content.licence())
        return sources

    def _route_of(self, decision: Decision) -> Route:
        return route(self._policy, self._form, decision=decision, vendor=self._vendor)

    def _agreed_rows(self, sources: Sources) -> tuple[Row, ...]:
        """Return the rows that were in the list when somebody agreed to it; all of them where nobody was asked."""
        agreed = sources.database.get(CONSENT)
        if not isinstance(agreed, Mapping) or not isinstance(agreed.get("fields"), int):
            return self._rows
        return tuple(row for row in self._rows if row.since <= agreed["fields"])

    def has_moved(self) -> bool:
        """Look again, and tell whether pings change, or go elsewhere: another process may have saved that."""
        before = self.mark
        self.refresh()
        return before != self.mark

    @property
    def mark(self) -> tuple[Any, ...]:
        """What pings depend on."""
        return self.route.destinations, self.content.rows, self.is_in_doubt

    @property
    def is_in_doubt(self) -> bool:
        """Whether it is off only because a layer cannot be read: then nothing is sent, and yet nobody said no."""
        found, problems = self._held.decision, self._held.sources.problems
        if found.is_on or not problems or found.layer != problems[0][0]:
            return False
        switches = [found.values[name] for name in (ON, MODE) if name in found.values]
        return all(each.layer == "default" or each.value not in NOES for each in switches)

    def look(self) -> tuple[Decision, Route]:
        """Return what would be decided now, and go on as before."""
        decision = decide(self._policy, self._fresh())
        return decision, self._route_of(decision)

    def is_on_now(self) -> bool:
        """Look again, and tell whether anything may be sent; threads that send find out for themselves."""
        return self.look()[0].is_on

    def route_if_on(self) -> Route:
        """Return where pings would go if somebody switched telemetry on."""
        decision = self.decision
        has_own = decision.has_bad_endpoint or decision.text(ENDPOINT) or decision.text("key")
        return self._route_of(decision._replace(mode=Mode.CUSTOM if has_own else Mode.DEFAULT))

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each thing that is wrong."""
        return (*self.decision.problems, *self.route.problems, *([self._problem] if self._problem else []))

    def about(self, app: str, instance: str) -> About:
        """Return what telemetry is made of."""
        content, sources = self.content, self._held.sources
        own = {SECTION, *(name.file.partition(".")[0] for name in self._policy.names)}
        return About(
            app,
            content.version,
            self._policy,
            content.rows,
            tuple(row for row in self._rows if row not in content.rows),
            instance,
            content.vendor.endpoint,
            content.licence(),
            content.profile,
            origins_of(self._policy, sources),
            self._keeping_layer() if self._store else "",
            sources.file_name,
            # The rest of it is the host's own, and may be secret.
            {name: value for name, value in sources.file.items() if name in own},
        )

    # Changing.

    def save(self, settings: Mapping[str, Any], who: str) -> None:
        """Keep settings and decide anew; raise `SettingsError` with all problems, and then change nothing."""
        self._check(settings)
        was_on = self.is_on_now()
        wanted = {name: read_setting(self._policy, name, raw) for name, raw in settings.items()}
        # One value is kept or not: there is nothing to put back.
        before = self._kept() if len(wanted) > 1 or wanted.get(ON) else {}
        done: list[str] = []
        try:
            for name in sorted(wanted, key=lambda name: _order(name, wanted[name])):
                self._keep(self._kept_name(name), wanted[name])
                done.append(self._kept_name(name))
            self.refresh()
            if self.decision.is_on and ON in settings:
                self._consent(who, is_new=not was_on)
        except SettingsError:
            for name in reversed(done):
                with suppress(SettingsError):
                    self._keep(name, before.get(name))
            self.refresh()
            raise

    def _consent(self, who: str, *, is_new: bool) -> None:
        """Write down a yes; one to telemetry that was on already is none to fields that came later."""
        if is_new:
            self.agree(who)
        else:
            self.agree_once(who)

    def _kept(self) -> Mapping[str, Any]:
        try:
            return self._store.load() if self._store else {}
        except Exception as error:
            raise SettingsError([f"What was saved cannot be read: {error}."]) from error

    def absent(self, seeds: Iterable[Seed]) -> tuple[Seed, ...]:
        """Return those of the first settings that are not kept yet; raise `SettingsError`."""
        self._saving_layer()
        kept = self._kept()
        return tuple(each for each in seeds if self._seed_name(each) not in kept)

    def seed(self, seeds: Iterable[Seed], who: str) -> tuple[Seed, ...]:
        """Keep those of the first settings that are not kept yet, and return them; raise `SettingsError`."""
        absent = self.absent(seeds)
        for each in absent:
            self._keep(self._seed_name(each), each.value)
        self.refresh()
        if self.decision.is_on and any((each.setting, each.layer) == (ON, "database") for each in absent):
            self.agree_once(who)
        return absent

    def _seed_name(self, seed: Seed) -> str:
        return f"{PROFILE}{seed.setting}" if seed.layer == "profile" else self._kept_name(seed.setting)

    def agree_once(self, who: str) -> None:
        """Write down who agreed, when, and to which version of the field list, unless that is written already."""
        if self._is_agreed or self._policy.at_first is not Mode.DISABLED or self._store is None:
            return
        try:
            if CONSENT not in self._store.load():
                self._store.save(CONSENT, self._yes(who))
        except Exception as error:  # noqa: BLE001 - the store may be anybody's code
            self._problem = f"The consent cannot be written down: {error}."
            return
        self._is_agreed = True
        self._problem = ""

    def agree(self, who: str) -> None:
        """Write down that somebody agreed to the list of fields as it is now; raise `SettingsError`."""
        if self._policy.at_first is Mode.DISABLED:
            self._keep(CONSENT, self._yes(who))
            self._is_agreed = True
            self._problem = ""
        self.refresh()

    def _yes(self, who: str) -> dict[str, Any]:
        fields = max((row.since for row in self._rows), default=1)
        return {"at": self._clock.now(), "who": who, "fields": fields}

    def _keep(self, name: str, value: Any) -> None:
        if self._store is None:
            raise SettingsError(["It cannot be kept: there is no place for it."])
        try:
            self._store.save(name, value)
        except Exception as error:
            raise SettingsError([f"It cannot be kept: {error}."]) from error

    def _check(self, settings: Mapping[str, Any]) -> None:
        problems, locked = [], []
        for name, raw in settings.items():
            try:
                read_setting(self._policy, name, raw)
            except ValueError as reason:
                problems.append(f"{name} {reason}.")
                continue
            layer = self.decision.values[name].layer
            if self.decision.is_locked and name == ON:
                locked.append("A licensed installation cannot switch telemetry off.")
            elif layer in self._policy.stronger_than(self._saving_layer()):
                locked.append(f"{name} is set in the {layer}, which stands above what is saved.")
        if problems:
            raise SettingsError(problems)
        if locked:
            raise SettingsLocked(locked)

    def _saving_layer(self) -> str:
        layer = self._keeping_layer()
        if not layer:
            raise SettingsLocked(["These settings come from the environment only."])
        return layer

    def _keeping_layer(self) -> str:
        layer = "file" if self._policy.id_kept is IdKept.SETTINGS else "database"
        return layer if layer in self._policy.layers else ""

    def _kept_name(self, setting: str) -> str:
        name = self._policy.name_of(setting)
        return name.file if name and self._policy.id_kept is IdKept.SETTINGS else f"{SAVED}{setting}"


def _profile(sources: Sources) -> dict[str, str]:
    found = {name: sources.database.get(f"{PROFILE}{name}") for name in ("id", "version")}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _order(name: str, value: Any) -> int:
    """Return when a value is kept: a no first, and last what may be a yes."""
    if name not in (ON, MODE):
        return 1
    return 0 if value in NOES else 2
