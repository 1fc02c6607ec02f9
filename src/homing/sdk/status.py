"""What telemetry is doing, as plain values."""

from typing import Final, NamedTuple

from homing.sdk.identity import Renewal
from homing.settings import Value

UNMADE: Final = "made when you enable"
"""What stands for the id as long as there is none."""


class Course(NamedTuple):
    """What came of the attempts to send to one destination. Times are milliseconds since 1970-01-01 UTC."""

    name: str
    endpoint: str
    interval_seconds: int
    last_attempt: int | None = None
    last_success: int | None = None
    last_status: int | None = None
    last_error: str | None = None
    next_due: int | None = None
    is_gone: bool = False


class Status(NamedTuple):
    """Whether telemetry is on, who decided, and what came of it.

    `layer` is where the decision came from: code, licence, do-not-track, ci, environment, file, database, profile or
    default; `settings` has each value with its layer. `instance` is the id, or says that there is none yet. Each
    destination has its course; what is asked of the status itself is that of the first. `failed_probes` counts, by
    field, how often its value was not found. `waiting` is how many events wait to be sent, `lost` how many were lost
    since the start, by reason. `renewed` says when and why the id was last replaced, if it was.
    """

    enabled: bool
    layer: str
    mode: str
    instance: str
    settings: tuple[tuple[str, Value], ...] = ()
    is_locked: bool = False
    destinations: tuple[Course, ...] = ()
    failed_probes: tuple[tuple[str, int], ...] = ()
    problems: tuple[str, ...] = ()
    renewed: Renewal | None = None
    waiting: int = 0
    lost: tuple[tuple[str, int], ...] = ()

    @property
    def first(self) -> Course:
        """The course of the first destination."""
        return self.destinations[0] if self.destinations else Course("", "", 0)

    @property
    def endpoint(self) -> str:
        """Where the first destination is; empty where there is none."""
        return self.first.endpoint

    @property
    def last_attempt(self) -> int | None:
        """When it was last tried."""
        return self.first.last_attempt

    @property
    def last_success(self) -> int | None:
        """When the last ping that was taken was sent."""
        return self.first.last_success

    @property
    def last_status(self) -> int | None:
        """The status of the last answer, if there was one."""
        return self.first.last_status

    @property
    def last_error(self) -> str | None:
        """Why the last attempt failed, if it did."""
        return self.first.last_error

    @property
    def next_due(self) -> int | None:
        """When the next ping is due, while somebody waits for it."""
        return self.first.next_due


class Shown(NamedTuple):
    """A request as it may be seen: its secret headers are masked, its body is the one that is sent, byte for byte.

    `note` is what people are told of their privacy.
    """

    destination: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: int
    note: str

    def __str__(self) -> str:
        lines = [self.note, "", f"POST {self.url}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\n".join([*lines, "", self.body.decode()])
