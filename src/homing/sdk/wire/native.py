"""Homing's own wire form: `POST /v1/pings` with the app's key as a bearer token."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import homing
from homing.sdk.endpoint import Endpoint, at
from homing.sdk.events import LOSSES
from homing.sdk.machine import in_container
from homing.sdk.payload import LOST, NUMBER, SWITCH, TEXT, Moment, Row, untold
from homing.sdk.sources import CI_VARIABLES, in_ci
from homing.sdk.wire.base import Credentials, arch, instance, kind, ping_id, platform, time, version
from homing.settings import environment_values

PATH: Final = "/v1/pings"


def _sdk(_moment: Moment) -> str:
    return homing.__version__


def _python(_moment: Moment) -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _ci(_moment: Moment) -> bool | None:
    return in_ci(environment_values(CI_VARIABLES)) or None


def _container(_moment: Moment) -> bool | None:
    return in_container() or None


def _loss(reason: str, sentence: str) -> Row:
    why = f"How many events were lost since the last report of that. {sentence}"
    return Row(f"{LOST}{reason}", NUMBER, why, 3, lambda moment: moment.lost.get(reason), is_optional=True)


ROWS: Final = (
    Row(
        "instance_id",
        TEXT,
        "Lets an installation count once: a random UUID, made when telemetry is first enabled.",
        "3f1c0f0a-1111-4222-8333-444455556666",
        instance,
    ),
    Row("kind", TEXT, "Why it was sent.", "heartbeat", kind),
    Row("at", TEXT, "When it was made; this chooses the day it counts on.", "2026-11-22T10:44:55.123Z", time),
    Row("id", TEXT, "Lets a ping that is sent again count once.", "0b0c7a52-7777-4888-9999-aaaabbbbcccc", ping_id),
    Row("dimensions.version", TEXT, "Shows whether updates are taken up.", "1.2.3", version),
    Row("dimensions.channel", TEXT, "Shows which release channel is followed.", "stable", untold, may_be_told=True),
    Row("dimensions.platform", TEXT, "Shows which operating systems must be supported.", "linux", platform),
    Row("dimensions.arch", TEXT, "Shows which processors must be supported.", "x64", arch),
    Row("properties.sdk", TEXT, "Tells which release of Homing made the ping.", "0.1.0", _sdk),
    Row("properties.python", TEXT, "Shows which versions of Python must be supported.", "3.12", _python),
    Row(
        "properties.ci",
        SWITCH,
        "Keeps runs of tests apart from installations; left out elsewhere.",
        example=True,
        probe=_ci,
        is_optional=True,
    ),
    Row(
        "properties.container",
        SWITCH,
        "Shows how many run in containers; left out elsewhere.",
        example=True,
        probe=_container,
        is_optional=True,
    ),
    *(_loss(reason, sentence) for reason, sentence in LOSSES.items()),
)


class Native:
    """Sends what the receiver's native dialect reads."""

    name = "native"
    rows = ROWS
    is_open = True
    has_id = True

    def target(self, endpoint: Endpoint, key: str) -> Endpoint:
        """Return the endpoint, with the usual path where it has none."""
        if not key:
            raise ValueError("key must be given: the receiver shows it for each app.")
        return endpoint if endpoint.path not in ("", "/") else at(endpoint, PATH)

    def headers(self, own: Credentials) -> Mapping[str, str]:
        """Return the key."""
        return {"Authorization": f"Bearer {own.key}"}

    def body(self, pings: Sequence[dict[str, Any]], *, key: str, now: int) -> Any:
        """Return the fields; those of several pings in a list."""
        return pings[0] if len(pings) == 1 else pings
