"""Who this installation is: a random UUID in a file of its own or in a store, and where the policy has one, a token.

The files are written whole or not at all, readable by their owner only. Several processes that begin at the same time
agree on one identity: they wait for each other at a lock on the directory, and the second finds what the first made.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from homing.clock import Clock
from homing.sdk.stores import Store, alone, replace
from homing.settings import environment_layer

INSTANCE_FILE: Final = "instance-id"
TOKEN_FILE: Final = "token"  # noqa: S105 - the name of a file
TOKEN_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
TOKEN_LENGTH: Final = 43
MOST_BYTES: Final = 200


class Identity(NamedTuple):
    """An instance's id and its token, which does not show itself; empty where the form has none."""

    instance: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Identity({self.instance!r})"


class Identities(Protocol):
    """Where an identity is kept."""

    def read(self) -> Identity | None:
        """Return the identity; None while it is not whole. Makes nothing; raises `OSError` where it cannot look."""

    def make(self) -> Identity:
        """Return the identity, made where there is none that is valid; raise `OSError` when it cannot be kept."""


class StoredIdentity:
    """The identity under a name of a store; it has no token."""

    def __init__(self, store: Store, key: str, *, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock

    def read(self) -> Identity | None:
        """Return the identity, if there is one that is valid."""
        found = self._store.load().get(self._key)
        instance = _instance(found) if isinstance(found, str) else None
        return Identity(instance) if instance else None

    def make(self) -> Identity:
        """Return the identity, made where there is none; of several that are made at once the last one stays."""
        found = self.read()
        if found is None:
            made = Identity(self._clock.id())
            self._store.save(self._key, made.instance)
            found = self.read() or made
        return found


class IdentityFiles:
    """The identity in a directory."""

    def __init__(self, directory: Path, *, clock: Clock, with_token: bool) -> None:
        self._directory = directory
        self._clock = clock
        self._with_token = with_token

    def read(self) -> Identity | None:
        """Return the identity; None while it is not whole. Makes nothing; raises `OSError` where it cannot look."""
        directory = self._directory
        instance = _read(directory / INSTANCE_FILE, _instance)
        token = _read(directory / TOKEN_FILE, _token) if self._with_token else ""
        return None if instance is None or token is None else Identity(instance, token)

    def make(self) -> Identity:
        """Return the identity, made where there is none that is valid; raise `OSError` when it cannot be kept."""
        directory = self._directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(directory):
            instance = _kept(directory / INSTANCE_FILE, _instance, self._clock.id)
            token = _kept(directory / TOKEN_FILE, _token, self._clock.token) if self._with_token else ""
        return Identity(instance, token)


def default_directory(app: str) -> Path:
    """Return where an application's identity is kept unless it says so; raise `OSError` when the user has no home."""
    state = environment_layer("XDG_").raw.get("state_home", "")
    if Path(state).is_absolute():
        return Path(state, app, "telemetry")
    try:
        return Path.home() / ".local" / "state" / app / "telemetry"
    except RuntimeError:
        raise OSError("the user has no home directory") from None


def _kept(path: Path, check: Callable[[str], str | None], make: Callable[[], str]) -> str:
    found = _read(path, check)
    if found is None:
        found = make()
        replace(path, f"{found}\n")
        path.chmod(0o600)
    elif path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return found


def _read(path: Path, check: Callable[[str], str | None]) -> str | None:
    try:
        with path.open("rb") as file:
            return check(file.read(MOST_BYTES).decode("ascii").strip())
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _instance(text: str) -> str | None:
    try:
        return text if str(UUID(text)) == text.lower() else None
    except ValueError:
        return None


def _token(text: str) -> str | None:
    return text if len(text) == TOKEN_LENGTH and TOKEN_CHARACTERS.issuperset(text) else None
