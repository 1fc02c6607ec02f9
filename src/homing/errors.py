"""Errors that Homing raises on purpose.

HomingError
├── SettingsError         what was configured cannot be used; holds every problem, not just the first
│   └── SettingsLocked    a stronger layer holds what somebody wanted to save
├── StartError            the receiver cannot start, for a reason its administrator can mend
├── StoreError
│   ├── StoreUnavailable  the store cannot be used now: full, read-only, locked, gone
│   ├── StoreRejected     the store cannot hold something that it was given
│   └── StoreUnsupported  this store does not do what was asked
├── AccountError          a password or name that will not do
├── QueryError            a question that cannot be understood
├── NotFound              nothing has that name
└── NameTaken             something has that name already
"""

from collections.abc import Sequence


class HomingError(Exception):
    """Whatever Homing raises on purpose; its text is one sentence for a person."""


class SettingsError(HomingError):
    """Settings that cannot be used. `problems` holds one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class SettingsLocked(SettingsError):
    """A stronger layer, or a licence, holds what somebody wanted to save; nothing was changed."""


class StartError(HomingError):
    """The receiver cannot start."""


class StoreError(HomingError):
    """Something about a store."""


class StoreUnavailable(StoreError):
    """The store cannot be used at the moment; nothing was changed and a later try may succeed."""


class StoreRejected(StoreError):
    """The store cannot hold something that it was given; nothing was changed."""


class StoreUnsupported(StoreError):
    """This store does not do what was asked."""


class AccountError(HomingError):
    """A password or a name that will not do."""


class QueryError(HomingError):
    """A question that cannot be understood."""


class NotFound(HomingError):
    """Nothing has that name or number."""


class NameTaken(HomingError):
    """Something of that name exists already."""
