"""What holds for one application: asked for anew when it may have changed, and changed when somebody saves."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from homing.clock import Clock
from homing.errors import SettingsError, SettingsLocked
from homing.sdk.about import About
from homing.sdk.consent import CONSENT, ENDPOINT, Decision, decide, origins_of, read_setting
from homing.sdk.content import Content
from homing.sdk.destinations import Route, route
from homing.sdk.payload import Row
from homing.sdk.policy import IdKept, Mode
from homing.sdk.seeding import Seed
from homing.sdk.sources import PROFILE, SAVED, Sources, with_database, with_file
from homing.sdk.stores import Store


class Ruling:
    """The decision, the route that follows from it, and the content as far as somebody agreed to it."""

    decision: Decision
    route: Route

    def __init__(
        self, content: Content, sources: Sources, *, file: Path | None, store: Store | None, clock: Clock
    ) -> None:
        self.content = content
        self._rows = content.rows
        self._policy = content.policy
        self._sources = sources
        self._file = file
        self._store = store
        self._clock = clock
        self._is_agreed = False
        self._problem = ""
        self.refresh()

    # Looking.

    def refresh(self) -> None:
        """Look again at what may have changed, and decide anew."""
        self._sources = self._fresh()
        self.decision = decide(self._policy, self._sources)
        self.route = self._route_of(self.decision)
        self.content = self.content._replace(rows=self._agreed_rows(), profile=self._profile())

    def _fresh(self) -> Sources:
        """Return the sources with the licence and what people saved since, here or in another process."""
        sources = self._sources
        if "database" in self._policy.layers:
            sources = with_database(sources, self._store)
        elif self._policy.id_kept is IdKept.SETTINGS:
            sources = with_file(sources, self._policy, path=self._file)
        if self._policy.is_locked_by_licence:
            sources = sources._replace(licence=self.content.licence())
        return sources

    def _route_of(self, decision: Decision) -> Route:
        return route(self._policy, self.content.form, decision=decision, vendor=self.content.vendor)

    def _agreed_rows(self) -> tuple[Row, ...]:
        """Return the rows that were in the list when somebody agreed to it; all of them where nobody was asked."""
        agreed = self._sources.database.get(CONSENT)
        if not isinstance(agreed, Mapping) or not isinstance(agreed.get("fields"), int):
            return self._rows
        return tuple(row for row in self._rows if row.since <= agreed["fields"])

    def _profile(self) -> dict[str, str]:
        found = {name: self._sources.database.get(f"{PROFILE}{name}") for name in ("id", "version")}
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def has_moved(self) -> bool:
        """Look again, and tell whether pings change, or go elsewhere: another process may have saved that."""
        before = self.route.destinations, self.content.rows
        self.refresh()
        return before != (self.route.destinations, self.content.rows)

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
        content = self.content
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
            origins_of(self._policy, self._sources),
            self._keeping_layer() if self._store else "",
            self._sources.file_name,
            self._sources.file,
        )

    # Changing.

    def save(self, settings: Mapping[str, Any], who: str) -> None:
        """Keep settings and decide anew; raise `SettingsError` with all problems, and then change nothing."""
        self._check(settings)
        for name, raw in settings.items():
            self._keep(self._kept_name(name), read_setting(self._policy, name, raw))
        self.refresh()
        if self.decision.is_on and "enabled" in settings:
            self.agree(who)

    def absent(self, seeds: Iterable[Seed]) -> tuple[Seed, ...]:
        """Return those of the first settings that are not kept yet; raise `SettingsError`."""
        self._saving_layer()
        try:
            kept = self._store.load() if self._store else {}
        except Exception as error:
            raise SettingsError([f"What was saved cannot be read: {error}."]) from error
        return tuple(each for each in seeds if self._seed_name(each) not in kept)

    def seed(self, seeds: Iterable[Seed], who: str) -> tuple[Seed, ...]:
        """Keep those of the first settings that are not kept yet, and return them; raise `SettingsError`."""
        absent = self.absent(seeds)
        for each in absent:
            self._keep(self._seed_name(each), each.value)
        self.refresh()
        if self.decision.is_on and any((each.setting, each.layer) == ("enabled", "database") for each in absent):
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
                fields = max((row.since for row in self._rows), default=1)
                self._store.save(CONSENT, {"at": self._clock.now(), "who": who, "fields": fields})
        except Exception as error:  # noqa: BLE001 - the store may be anybody's code
            self._problem = f"The consent cannot be written down: {error}."
            return
        self._is_agreed = True
        self._problem = ""

    def agree(self, who: str) -> None:
        """Write down that somebody agreed to the list of fields as it is now; raise `SettingsError`."""
        if self._policy.at_first is Mode.DISABLED:
            self._keep(CONSENT, None)
        self._is_agreed = False
        self.agree_once(who)
        self.refresh()

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
            if self.decision.is_locked and name == "enabled":
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
