"""What telemetry is doing, as one plain value."""

from typing import Final, NamedTuple

UNMADE: Final = "made when you enable"
"""What stands for the id as long as there is none."""


class Status(NamedTuple):
    """Whether telemetry is on, who decided, and what came of it. Times are milliseconds since 1970-01-01 UTC.

    `layer` is where the decision came from: code, do-not-track, environment or default. `instance` is the id, or
    says that there is none yet. `failed_probes` counts, by field, how often its value was not found.
    """

    enabled: bool
    layer: str
    endpoint: str
    instance: str
    interval_hours: int
    last_attempt: int | None = None
    last_success: int | None = None
    last_status: int | None = None
    last_error: str | None = None
    next_due: int | None = None
    failed_probes: tuple[tuple[str, int], ...] = ()
    problems: tuple[str, ...] = ()
