"""The one internal record that everything received becomes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

CORE_DIMENSIONS: Final = ("version", "channel", "platform", "arch")
"""The dimensions every app has."""

UPDATE_STATE: Final = "update_state"
"""The dimension that says how the instance stands to the newest release: `latest`, `outdated` or `ahead`."""

KIND: Final = "kind"
"""The growing dimension that holds why a ping was sent."""

OTHER: Final = "(other)"
"""What values beyond a limit are counted under. Parentheses cannot be sent, so nobody can claim it."""

NOT_REPORTED: Final = "(not reported)"
"""What pages and reports call everyone of the day who gave no value. Never stored."""

MOST_VALUE: Final = 100
"""How many characters a value of a dimension may have."""

HEARTBEATS: Final = frozenset({"check", "heartbeat"})
"""Kinds that repeat, unless they are sent as events."""

ENDINGS: Final = frozenset({"end", "shutdown"})
"""Kinds after which nothing more comes until the instance is started again."""

TURNS: Final = frozenset({"begin", "startup", "license-state-change", *ENDINGS})
"""Kinds that say that an instance is not as it was; what they say anew is shown at once."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Ping(NamedTuple):
    """One accepted request, or one item of a batch, in the shape all of the receiver works on.

    `app` is the app's number. Without an `instance` the request is counted and no client is. `at` and `received` are
    milliseconds since 1970-01-01 UTC; the day a ping counts on is that of `at`. `id` identifies the ping where the
    sender gives one, so that a second copy counts once. `dimensions` are kept as sent; `properties` are everything
    else. `credential` is the SHA-256 of the instance's own token in hexadecimal, where the dialect has one. `is_event`
    says that the history keeps it whatever its kind; where it is not `is_kept` it is counted alone.
    """

    app: int
    instance: str | None
    kind: str
    at: int
    received: int
    id: str | None = None
    dimensions: Mapping[str, str] = NOTHING
    properties: Mapping[str, Any] = NOTHING
    credential: str | None = None
    is_event: bool = False
    is_kept: bool = True

    @property
    def repeats(self) -> bool:
        """Whether the history keeps it only when the instance's state changed."""
        return self.kind in HEARTBEATS and not self.is_event
