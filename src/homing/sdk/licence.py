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


class Asking:
    """Asks the host which licence is loaded now, and remembers why it could not say; then none counts.

    `last` is what was said last.
    """

    def __init__(self, ask: Ask | None) -> None:
        self._ask = ask
        self.last: Licence | None = None
        self.problems: tuple[str, ...] = ()

    def __call__(self) -> Licence | None:
        """Return the licence, None where there is none."""
        try:
            found = self._ask() if self._ask else None
        except Exception as error:  # noqa: BLE001 - the host's code must not stop its telemetry
            reason = type(error).__name__
            self.problems = (f"The host cannot say which licence is loaded, so none counts: {reason}.",)
            found = None
        else:
            self.problems = ()
        self.last = found if isinstance(found, Licence) else None
        return self.last
