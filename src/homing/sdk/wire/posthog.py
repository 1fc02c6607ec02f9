"""PostHog's capture protocol, with the events of SlackONOS (document 004): `POST /batch/`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homing.sdk.endpoint import Endpoint, at
from homing.sdk.payload import NUMBER, TEXT, Moment, Row, untold
from homing.sdk.wire.base import Credentials, instance, kind, ping_id, platform, release, time, version

PATH: Final = "/batch/"
HOUR_SECONDS: Final = 3600
DAY_SECONDS: Final = 24 * HOUR_SECONDS


def _hours(moment: Moment) -> int:
    return moment.uptime_seconds // HOUR_SECONDS


def _days(moment: Moment) -> int:
    return moment.uptime_seconds // DAY_SECONDS


ROWS: Final = (
    Row("event", TEXT, "Why it was sent.", "heartbeat", kind),
    Row(
        "distinct_id",
        TEXT,
        "Lets an installation count once: a random UUID, made at the first boot.",
        "3f1c0f0a-1111-4222-8333-444455556666",
        instance,
    ),
    Row("timestamp", TEXT, "When it was made.", "2026-11-22T04:19:30.384Z", time),
    Row("uuid", TEXT, "Lets an event that is sent again count once.", "0b0c7a52-7777-4888-9999-aaaabbbbcccc", ping_id),
    Row("properties.instance_id", TEXT, "The same id.", "3f1c0f0a-1111-4222-8333-444455556666", instance),
    Row("properties.os_platform", TEXT, "The operating system.", "linux", platform),
    Row("properties.os_release", TEXT, "The release of its kernel.", "6.1.0", release),
    Row(
        "properties.node_version",
        TEXT,
        "The version of Node.js, where there is one.",
        "v22.21.1",
        untold,
        may_be_told=True,
    ),
    Row("properties.app_version", TEXT, "The version that runs.", "2.3.5", version),
    Row("properties.release", TEXT, "The tag or commit of the release.", "v2.3.5", untold, may_be_told=True),
    Row("properties.uptime_hours", NUMBER, "Whole hours since the start.", 49, _hours, kinds=("heartbeat",)),
    Row("properties.uptime_days", NUMBER, "Whole days since the start.", 2, _days, kinds=("heartbeat",)),
    Row("properties.total_runtime_hours", NUMBER, "Whole hours it ran.", 49, _hours, kinds=("shutdown",)),
    Row("properties.total_runtime_days", NUMBER, "Whole days it ran.", 2, _days, kinds=("shutdown",)),
)


class PostHog:
    """Sends what PostHog, and Homing's dialect of that name, read."""

    name = "posthog"
    rows = ROWS
    is_open = False
    has_id = True

    def target(self, endpoint: Endpoint, key: str) -> Endpoint:
        """Return the endpoint, with the usual path where it has none."""
        if not key:
            raise ValueError("key must be given: the project's key, which is public.")
        return endpoint if endpoint.path not in ("", "/") else at(endpoint, PATH)

    def headers(self, _own: Credentials) -> Mapping[str, str]:
        """Return none: the key stands in the body."""
        return {}

    def body(self, pings: Sequence[dict[str, Any]], *, key: str, now: int) -> Any:
        """Return the events in a batch, with the time it is sent at."""
        from homing.clock import iso_time

        return {"api_key": key, "batch": list(pings), "sent_at": iso_time(now)}
