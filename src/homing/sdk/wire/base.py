"""What a wire form is, and what several of them find out in the same way."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from homing.sdk.endpoint import Endpoint, at
from homing.sdk.payload import Moment, Row

ARCHES: Final[Mapping[str, str]] = {
    "x86_64": "x64",
    "amd64": "x64",
    "aarch64": "arm64",
    "i386": "ia32",
    "i686": "ia32",
    "armv6l": "arm",
    "armv7l": "arm",
}
"""Node's names of what kernels call machines; others keep their own."""

GO_ARCHES: Final[Mapping[str, str]] = {"x64": "amd64", "ia32": "386"}
"""Go's names where they are not Node's."""

GO_SYSTEMS: Final[Mapping[str, str]] = {"win32": "windows"}
"""Go's names where they are not Python's."""


class Credentials(NamedTuple):
    """What the headers of a form are made of. It does not show itself: all of it is secret."""

    key: str = ""
    token: str = ""
    bearer: str = ""

    def __repr__(self) -> str:
        return "Credentials()"


class Form(Protocol):
    """One wire form. Its constructor takes nothing and does nothing."""

    @property
    def name(self) -> str:
        """What the form is called."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The fields of the body."""

    @property
    def is_open(self) -> bool:
        """Whether the application may add rows."""

    @property
    def has_id(self) -> bool:
        """Whether a ping has an id, so that one which is sent again counts once; then many go in one body."""

    def target(self, endpoint: Endpoint, key: str) -> Endpoint:
        """Return where to send; raise `ValueError` with a sentence when endpoint and key do not go together."""

    def headers(self, own: Credentials) -> Mapping[str, str]:
        """Return the headers besides those every request has."""

    def body(self, pings: Sequence[dict[str, Any]], *, key: str, now: int) -> Any:
        """Return what is sent of the fields of pings at a time; of several only where a ping has an id."""


def behind_key(endpoint: Endpoint, key: str, path: str) -> Endpoint:  # wide: an address and its two parts
    """Return the endpoint; where it has no path the usual one, behind the app's key if that is given."""
    if endpoint.path in ("", "/"):
        return at(endpoint, f"/in/{key}{path}" if key else path)
    if key:
        raise ValueError("key must be left out where the endpoint has a path: the form has no other place for it.")
    return endpoint


def platform(_moment: Moment) -> str:
    """Return the operating system as Node calls it: linux, darwin, win32."""
    return sys.platform


def system(_moment: Moment) -> str:
    """Return the operating system as Node's `os.type()` does: Linux, Darwin, Windows_NT."""
    return os.uname().sysname


def release(_moment: Moment) -> str:
    """Return the release of the kernel."""
    return os.uname().release


def arch(_moment: Moment) -> str:
    """Return the processor as Node calls it: x64, arm64."""
    machine = os.uname().machine
    return ARCHES.get(machine.lower(), machine)


def go_system(moment: Moment) -> str:
    """Return the operating system as Go calls it: linux, darwin, windows."""
    name = platform(moment)
    return GO_SYSTEMS.get(name, name)


def go_arch(moment: Moment) -> str:
    """Return the processor as Go calls it: amd64, arm64."""
    name = arch(moment)
    return GO_ARCHES.get(name, name)


def instance(moment: Moment) -> str:
    """Return the instance's id."""
    return moment.instance


def version(moment: Moment) -> str:
    """Return the version that runs."""
    return moment.version


def kind(moment: Moment) -> str:
    """Return why it is sent."""
    return moment.kind


def ping_id(moment: Moment) -> str:
    """Return the ping's own id."""
    return moment.id


def time(moment: Moment) -> str:
    """Return when it was made."""
    from homing.clock import iso_time

    return iso_time(moment.at)


OF_EACH: Final = (kind, ping_id, time)
"""What each of several pings has of its own that are made at once."""
