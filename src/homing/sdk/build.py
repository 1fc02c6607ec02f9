"""What a program was built from: embedded when it is built, shown by `--version`, sent where a form has fields for it.

Document 001: the fields `build_*` are those that `--version` prints. Document 004: `release` is a tag or commit.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from homing.clock import Clock, iso_time
from homing.errors import SettingsError
from homing.sdk.payload import FITS, MOST_CHARACTERS, TEXT, Moment
from homing.sdk.wire.base import go_arch, go_system
from homing.settings import environment_values

EPOCH: Final = "SOURCE_DATE_EPOCH"
"""The variable that builds which can be repeated give their time with, in seconds since 1970."""

PACKED: Final = "PKG-INFO"
"""The file at the root of packed sources."""

USUAL_MODE: Final = "release"
COMMIT: Final = ("describe", "--always", "--dirty", "--exclude=*", "--abbrev=7")
TAG: Final = ("describe", "--tags", "--exact-match", "HEAD")
GIT_SECONDS: Final = 10.0

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "build_version": "version",
        "build_commit": "commit",
        "build_time": "time",
        "build_mode": "mode",
        "build_os": "os",
        "build_arch": "arch",
        "properties.release": "release",
    }
)
"""Which field of a body is which value of the build."""


class BuildInfo(NamedTuple):
    """What a program was built from; an empty value is not known.

    `time` is RFC 3339 with an offset, `os` and `arch` are named as Go does: linux, amd64.
    """

    version: str = ""
    commit: str = ""
    time: str = ""
    mode: str = ""
    os: str = ""
    arch: str = ""
    release: str = ""

    def __str__(self) -> str:
        machine = "/".join(filter(None, (self.os, self.arch)))
        told = {"release": self.release, "commit": self.commit, "built": self.time, "mode": self.mode, "for": machine}
        details = ", ".join(f"{name} {value}" for name, value in told.items() if value)
        return f"{self.version} ({details})" if details else self.version

    @classmethod
    def read(cls, path: Path | str) -> "BuildInfo":
        """Return what `build-info` wrote; raise `SettingsError` when that is no such file."""
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**{name: str(found[name] or "") for name in cls._fields})
        except OSError as error:
            raise SettingsError([f"The build's values {path} cannot be read: {error.strerror}."]) from error
        except (ValueError, LookupError, TypeError) as error:
            raise SettingsError([f"{path} holds no values of a build."]) from error

    def write(self, path: Path | str) -> None:
        """Write a file that `read` understands; raise `OSError`."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f"{json.dumps(self._asdict(), indent=2)}\n", encoding="utf-8")


def gather_build(root: Path, *, clock: Clock, given: Mapping[str, str], before: BuildInfo | None = None) -> BuildInfo:
    """Return the values of a build from the sources in a folder; what is given stands above what is found out.

    Sources that were packed have no history: commit, release and time are those of `before` then, where it is known.
    Raises `SettingsError` for values that could not be sent.
    """
    found = before or BuildInfo()
    if not (root / PACKED).exists():
        commit, tag = _git(root, *COMMIT), _git(root, *TAG)
        found = BuildInfo(commit=commit, release=tag or _git(root, "rev-parse", "HEAD"))
    here = Moment("", "", "", 0, "")
    made = found._replace(mode=USUAL_MODE, os=go_system(here), arch=go_arch(here), time=found.time or _time(clock))
    made = made._replace(**{name: value for name, value in given.items() if value})
    problems = [
        f"{name} must be text of 1 to {MOST_CHARACTERS} printable characters."
        for name, value in made._asdict().items()
        if value and not FITS[TEXT](value)
    ]
    if problems:
        raise SettingsError(problems)
    return made


def release_of(app: str, version: str) -> str:
    """Return what a release is called at Sentry: at build time, in pages and in the back end alike."""
    return f"{app}@{version}"


def build_before(path: Path) -> BuildInfo | None:
    """Return what an earlier build left in a file, if anything."""
    try:
        return BuildInfo.read(path)
    except SettingsError:
        return None


def values_of(build: BuildInfo, names: Iterable[str]) -> dict[str, str]:
    """Return the values of a build for those of the fields that have one."""
    told = {name: getattr(build, FIELDS[name]) for name in names if name in FIELDS}
    return {name: value for name, value in told.items() if value}


def _time(clock: Clock) -> str:
    """Return the time in RFC 3339, in UTC: where it was built is nobody's business."""
    seconds = environment_values([EPOCH]).get(EPOCH, "")
    now = int(seconds) * 1000 if seconds.isascii() and seconds.isdigit() else clock.now()
    return f"{iso_time(now).partition('.')[0]}+00:00"


def _git(root: Path, *command: str) -> str:
    """Return what Git says about the sources; nothing where there is no Git or no history."""
    import subprocess
    from shutil import which

    git = which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            [git, "-C", str(root), *command], capture_output=True, text=True, check=False, timeout=GIT_SECONDS
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
