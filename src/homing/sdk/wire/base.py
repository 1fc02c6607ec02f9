"""What a wire form is, and what several of them find out in the same way."""

import os
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from homing.sdk.endpoint import Endpoint
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


class Credentials(NamedTuple):
    """Who sends: what the headers of a form are made of. It does not show itself: key and token are secret."""

    version: str
    key: str
    token: str

    def __repr__(self) -> str:
        return f"Credentials({self.version!r})"


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
    def has_token(self) -> bool:
        """Whether the instance proves itself with a token of its own."""

    def target(self, endpoint: Endpoint, key: str) -> Endpoint:
        """Return where to send; raise `ValueError` with a sentence when endpoint and key do not go together."""

    def headers(self, own: Credentials) -> Mapping[str, str]:
        """Return the headers besides those every request has."""


def platform(_moment: Moment) -> str:
    """Return the operating system as Node calls it: linux, darwin, win32."""
    return sys.platform


def arch(_moment: Moment) -> str:
    """Return the processor as Node calls it: x64, arm64."""
    machine = os.uname().machine
    return ARCHES.get(machine.lower(), machine)


def instance(moment: Moment) -> str:
    """Return the instance's id."""
    return moment.instance


def version(moment: Moment) -> str:
    """Return the version that runs."""
    return moment.version
