"""Tells a copied installation from its original; where there is any doubt it has no opinion.

Only the image of a disk that was given to another machine counts as a copy: the very same file, on a machine that calls
itself something else. Whoever restores, moves or re-creates an installation writes its files anew.
"""

import os
from enum import Enum, auto
from pathlib import Path
from typing import Final, NamedTuple, Protocol

ROOT: Final = Path("/")
NAME_LENGTH: Final = 32
"""Hexadecimal digits, as machine-id(5) has it."""

CONTAINER_FILES: Final = (".dockerenv", "run/.containerenv", "run/systemd/container")
"""What Docker, Podman and systemd leave in a container."""

OWN_SPACES: Final = {"pid": 0xEFFFFFFC, "cgroup": 0xEFFFFFFB}
"""The numbers of the namespaces that Linux makes at its start; whoever is in others is in a container."""

MOST_MACHINES: Final = 16
"""A directory that was seen on more machines than this is shared between them."""


class Machine(Protocol):
    """What is asked of the machine; each answer is None where there is doubt."""

    def name(self) -> str | None:
        """Return what this machine calls itself, and no other does."""

    def print_of(self, file: Path) -> str | None:
        """Return what only this very file has, and keeps in the image of its disk."""


class Evidence(NamedTuple):
    """What was seen of an instance: where its file stood, and the machines, each as a keyed hash."""

    instance: str
    salt: str
    machines: tuple[str, ...]
    file: str


class Verdict(Enum):
    """What the evidence says of an installation."""

    UNKNOWN = auto()
    """Nothing can be said, and nothing is to be remembered."""
    AT_HOME = auto()
    """It is where it belongs, as far as one can say; that is to be remembered."""
    COPIED = auto()
    """It is the copy of another."""


class Linux:
    """A machine that runs Linux; `root` is where its files begin. Elsewhere it finds nothing, so nothing is said."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def name(self) -> str | None:
        """Return what machine-id(5) holds; None in a container, and where there is none."""
        if in_container(self._root, in_doubt=True):
            return None
        try:
            name = (self._root / "etc/machine-id").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        return name if len(name) == NAME_LENGTH and all(each in "0123456789abcdef" for each in name) else None

    def print_of(self, file: Path) -> str | None:
        """Return a file's number and the time of its last change; None where no disk of this machine holds it."""
        try:
            found = file.stat()
        except OSError:
            return None
        # Network, overlay and memory file systems have no device of their own: major number 0.
        return f"{found.st_ino}.{found.st_ctime_ns}" if os.major(found.st_dev) else None


def in_container(root: Path = ROOT, *, in_doubt: bool = False) -> bool:
    """Tell whether this process runs in a container; `in_doubt` is the answer where that cannot be told."""
    if any((root / name).exists() for name in CONTAINER_FILES):
        return True
    try:
        return any(
            (root / "proc/self/ns" / name).readlink().name != f"{name}:[{number}]"
            for name, number in OWN_SPACES.items()
        )
    except OSError:
        return in_doubt


def mark(machine: str, salt: str) -> str:
    """Return the keyed hash under which a machine is remembered."""
    import hmac

    return hmac.digest(machine.encode(), salt.encode(), "sha256").hex()


def judge(seen: Evidence | None, now: Evidence | None) -> Verdict:
    """Compare what was seen last with what is seen now, of the same instance."""
    if now is None:
        return Verdict.UNKNOWN
    if seen is None or seen.instance != now.instance or seen.file != now.file:
        return Verdict.AT_HOME
    if set(now.machines) <= set(seen.machines):
        return Verdict.AT_HOME
    return Verdict.COPIED if len(seen.machines) < MOST_MACHINES else Verdict.UNKNOWN
