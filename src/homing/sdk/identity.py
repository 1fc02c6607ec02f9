"""Who this installation is: a random UUID in a file of its own, and where the wire form has one, a token beside it.

The files are written whole or not at all, readable by their owner only. Several processes that begin at the same time
agree on one identity: they wait for each other at a lock on the directory, and the second finds what the first made.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from homing.clock import Clock
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


class IdentityFiles:
    """The identity in a directory: the one given, or the usual one of the application."""

    def __init__(self, directory: Path | str | None, app: str, *, clock: Clock, with_token: bool) -> None:
        self._given = directory
        self._app = app
        self._clock = clock
        self._with_token = with_token

    def read(self) -> Identity | None:
        """Return the identity; None while it is not whole. Makes nothing; raises `OSError` where it cannot look."""
        directory = self._directory()
        instance = _read(directory / INSTANCE_FILE, _instance)
        token = _read(directory / TOKEN_FILE, _token) if self._with_token else ""
        return None if instance is None or token is None else Identity(instance, token)

    def make(self) -> Identity:
        """Return the identity, made where there is none that is valid; raise `OSError` when it cannot be kept."""
        directory = self._directory()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(directory):
            instance = _kept(directory / INSTANCE_FILE, _instance, self._clock.id)
            token = _kept(directory / TOKEN_FILE, _token, self._clock.token) if self._with_token else ""
        return Identity(instance, token)

    def _directory(self) -> Path:
        return default_directory(self._app) if self._given is None else Path(self._given)


def default_directory(app: str) -> Path:
    """Return where an application's identity is kept unless it says so; raise `OSError` when the user has no home."""
    state = environment_layer("XDG_").raw.get("state_home", "")
    if Path(state).is_absolute():
        return Path(state, app, "telemetry")
    try:
        return Path.home() / ".local" / "state" / app / "telemetry"
    except RuntimeError:
        raise OSError("the user has no home directory") from None


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; a file system without locks does without."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        # A child that was forked off meanwhile holds the same lock; closing would leave it with that child.
        with contextlib.suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_UN)
        os.close(opened)


def _kept(path: Path, check: Callable[[str], str | None], make: Callable[[], str]) -> str:
    found = _read(path, check)
    if found is None:
        found = make()
        _write(path, found)
    elif path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return found


def _read(path: Path, check: Callable[[str], str | None]) -> str | None:
    try:
        with path.open("rb") as file:
            return check(file.read(MOST_BYTES).decode("ascii").strip())
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _instance(text: str) -> str | None:
    try:
        return text if str(UUID(text)) == text.lower() else None
    except ValueError:
        return None


def _token(text: str) -> str | None:
    return text if len(text) == TOKEN_LENGTH and TOKEN_CHARACTERS.issuperset(text) else None
