"""Who this installation is: a random UUID in a file of its own or in a store, and where the policy has one, a token.

Files are written whole or not at all, readable by their owner only. Several processes that begin at the same time
agree on one identity: they wait for each other at a lock on the directory, or swap values in the store, and the second
finds what the first made.
"""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from homing.clock import Clock
from homing.sdk.machine import MOST_MACHINES, Evidence, Machine, Verdict, judge, mark
from homing.sdk.stores import Store, alone, replace, swap
from homing.settings import environment_layer

INSTANCE_FILE: Final = "instance-id"
TOKEN_FILE: Final = "token"  # noqa: S105 - the name of a file
MACHINE_FILE: Final = "machine"
RENEWED_FILE: Final = "renewed"
TOKEN_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
TOKEN_LENGTH: Final = 43
MOST_BYTES: Final = 4096
MOST_WHO: Final = 100

COPIED: Final = "copied"
RESET: Final = "reset"
"""Why an id was replaced: the installation is the copy of another, or somebody wanted it."""

Check = Callable[[str], str | None]


class Identity(NamedTuple):
    """An instance's id and its token, which does not show itself; empty where the form has none."""

    instance: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Identity({self.instance!r})"


class Renewal(NamedTuple):
    """When an installation got another id, in milliseconds since 1970-01-01 UTC, why, and who wanted it."""

    at: int
    why: str
    who: str = ""


class Place(Protocol):
    """Where an identity is kept: texts under the names of files."""

    def alone(self) -> AbstractContextManager[Any]:
        """Keep others away, where swapping alone does not."""

    def read(self, name: str) -> str | None:
        """Return a text; None where there is none. Makes nothing; raises `OSError` where it cannot look."""

    def swap(self, name: str, *, old: str | None, new: str) -> str:
        """Keep `new` where `old` still stands, and return what stands there then; raise `OSError`."""

    def protect(self, name: str) -> None:
        """Let nobody but its owner read what stands there."""

    def print_on(self, machine: Machine) -> str | None:
        """Return what only the id's very file has; None where there is no such file, or doubt."""


class Identities:
    """Makes and finds the identity at a place. Without a machine to look at, copies are not told from originals."""

    def __init__(self, place: Place, *, clock: Clock, with_token: bool = False, machine: Machine | None = None) -> None:
        self._place = place
        self._clock = clock
        self._with_token = with_token
        self._machine = machine

    def read(self) -> Identity | None:
        """Return the identity; None while it is not whole, or another's. Makes nothing; may raise `OSError`."""
        instance = self._found(INSTANCE_FILE, _instance)
        token = self._found(TOKEN_FILE, _token) if self._with_token else ""
        if instance is None or token is None or self._verdict(instance) is Verdict.COPIED:
            return None
        return Identity(instance, token)

    def make(self) -> Identity:
        """Return the identity, made where there is none that is valid; raise `OSError` when it cannot be kept."""
        with self._place.alone():
            instance = self._found(INSTANCE_FILE, _instance)
            if instance and self._verdict(instance) is Verdict.COPIED:
                return self._renew(Renewal(self._clock.now(), COPIED))
            token = self._kept(TOKEN_FILE, _token, self._clock.token) if self._with_token else ""
            made = Identity(self._kept(INSTANCE_FILE, _instance, self._clock.id), token)
            self._remember(made.instance)
        return made

    def reset(self, who: str) -> Identity:
        """Make another identity, whatever there was, and return it; raise `OSError` when it cannot be kept."""
        with self._place.alone():
            return self._renew(Renewal(self._clock.now(), RESET, who[:MOST_WHO]))

    def renewal(self) -> Renewal | None:
        """Return when and why the id was last replaced; None where it is the first; raise `OSError`."""
        import json

        try:
            found = json.loads(self._place.read(RENEWED_FILE) or "")
            return Renewal(int(found["at"]), str(found["why"]), str(found["who"]))
        except (ValueError, TypeError, KeyError):
            return None

    def _renew(self, renewal: Renewal) -> Identity:
        import json

        # The token first: an id that was never heard of must not be bound to a token that others have.
        token = self._replaced(TOKEN_FILE, self._clock.token()) if self._with_token else ""
        made = Identity(self._replaced(INSTANCE_FILE, self._clock.id()), token)
        self._remember(made.instance)
        self._replaced(RENEWED_FILE, json.dumps(renewal._asdict()))
        return made

    def _found(self, name: str, check: Check) -> str | None:
        found = self._place.read(name)
        return None if found is None else check(found)

    def _kept(self, name: str, check: Check, make: Callable[[], str]) -> str:
        found = self._place.read(name)
        if found is None or check(found) is None:
            return self._place.swap(name, old=found, new=make())
        self._place.protect(name)
        return found

    def _replaced(self, name: str, text: str) -> str:
        return self._place.swap(name, old=self._place.read(name), new=text)

    # What tells a copy from its original.

    def _verdict(self, instance: str) -> Verdict:
        if self._machine is None:
            return Verdict.UNKNOWN
        seen = self._seen()
        return judge(seen, self._now(instance, seen))

    def _seen(self) -> Evidence | None:
        import json

        try:
            found = json.loads(self._place.read(MACHINE_FILE) or "")
            return Evidence(**found)._replace(machines=tuple(map(str, found["machines"])))
        except (ValueError, TypeError, KeyError):
            return None

    def _now(self, instance: str, seen: Evidence | None) -> Evidence | None:
        if self._machine is None:
            return None
        machine, file = self._machine.name(), self._place.print_on(self._machine)
        if machine is None or file is None:
            return None
        salt = seen.salt if seen else self._clock.token(16)
        return Evidence(instance, salt, (mark(machine, salt),), file)

    def _remember(self, instance: str) -> None:
        """Keep what is seen now beside what was; without a place for it, nothing is noticed later."""
        import json

        seen = self._seen()
        now = self._now(instance, seen)
        if now is None:
            return
        machines = tuple(dict.fromkeys([*(seen.machines if seen else ()), *now.machines]))
        now = now._replace(machines=machines[:MOST_MACHINES])
        if now != seen:
            with contextlib.suppress(OSError):
                self._replaced(MACHINE_FILE, json.dumps(now._asdict()))


class FilePlace:
    """A directory, with a file for each name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def alone(self) -> AbstractContextManager[Any]:
        """Hold the directory's lock; make the directory where it is missing."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return alone(self._directory)

    def read(self, name: str) -> str | None:
        """Return what stands in a file, without the spaces around it."""
        path = self._directory / name
        try:
            # Where there is nothing, nothing is opened either.
            path.stat()
            with path.open("rb") as file:
                return file.read(MOST_BYTES).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None

    def swap(self, name: str, *, old: str | None, new: str) -> str:
        """Replace a file, whose owner alone may read it; the lock is held meanwhile."""
        found = self.read(name)
        if found != old and found is not None:
            return found
        replace(self._directory / name, f"{new}\n")
        (self._directory / name).chmod(0o600)
        return new

    def protect(self, name: str) -> None:
        """Let nobody but its owner read a file."""
        path = self._directory / name
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)

    def print_on(self, machine: Machine) -> str | None:
        """Return what only the id's file has."""
        return machine.print_of(self._directory / INSTANCE_FILE)


class StorePlace:
    """A store: the id under a name of its own, the rest under names that begin with it."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key

    def alone(self) -> AbstractContextManager[Any]:
        """Keep nobody away: values are swapped."""
        return contextlib.nullcontext()

    def read(self, name: str) -> str | None:
        """Return a text; None for what is none."""
        found = self._store.load().get(self._name(name))
        return found if isinstance(found, str) else None

    def swap(self, name: str, *, old: str | None, new: str) -> str:
        """Swap one value."""
        key = self._name(name)
        found = self._store.load().get(key)
        # What is no text at all was read as nothing.
        return str(swap(self._store, key, old=old if found is None or isinstance(found, str) else found, new=new))

    def protect(self, name: str) -> None:
        """Do nothing: who may read a store is not ours to say."""

    def print_on(self, _machine: Machine) -> str | None:
        """Return nothing: a database may stand anywhere, and serve several machines."""
        return None

    def _name(self, name: str) -> str:
        return self._key if name == INSTANCE_FILE else f"{self._key}.{name}"


def default_directory(app: str) -> Path:
    """Return where an application's identity is kept unless it says so; raise `OSError` when the user has no home."""
    state = environment_layer("XDG_").raw.get("state_home", "")
    if Path(state).is_absolute():
        return Path(state, app, "telemetry")
    try:
        return Path.home() / ".local" / "state" / app / "telemetry"
    except RuntimeError:
        raise OSError("the user has no home directory") from None


def _instance(text: str) -> str | None:
    try:
        return text if str(UUID(text)) == text.lower() else None
    except ValueError:
        return None


def _token(text: str) -> str | None:
    return text if len(text) == TOKEN_LENGTH and TOKEN_CHARACTERS.issuperset(text) else None
