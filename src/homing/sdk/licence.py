"""The licence of the application, as its maker's code tells it."""

from collections.abc import Callable
from typing import NamedTuple


class Licence(NamedTuple):
    """A licence that is loaded, valid or expired. It does not show its key."""

    id: str
    type: str
    key: str = ""
    is_valid: bool = True

    def __repr__(self) -> str:
        return f"Licence({self.id!r}, {self.type!r}, is_valid={self.is_valid})"


Ask = Callable[[], Licence | None]
"""What the host gives: a function that returns the licence, or None where there is none."""


def asked(ask: Ask | None) -> Licence | None:
    """Return the licence that is loaded now; what fails, or returns something else, is no licence."""
    try:
        found = ask() if ask else None
    except Exception:  # noqa: BLE001 - the host's code must not stop its telemetry
        return None
    return found if isinstance(found, Licence) else None
