"""SeqDesk's heartbeat (document 000): exactly the enumerated fields, none ever absent, nothing besides."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homing.sdk.endpoint import Endpoint
from homing.sdk.payload import DATABASE, NUMBER, SWITCH, TEXT, Moment, Row, untold
from homing.sdk.wire.base import Credentials, arch, behind_key, instance, platform, version

PATH: Final = "/api/telemetry/heartbeat"
PROTOCOL: Final = 1


def _protocol(_moment: Moment) -> int:
    return PROTOCOL


def _profile_id(moment: Moment) -> str | None:
    return moment.profile.get("id")


def _profile_version(moment: Moment) -> str | None:
    return moment.profile.get("version")


ROWS: Final = (
    Row("protocolVersion", NUMBER, "The version of these fields.", 1, _protocol),
    Row(
        "instanceId",
        TEXT,
        "Lets an installation count once: a random UUID, made when telemetry is first enabled.",
        "3f1c0f0a-1111-4222-8333-444455556666",
        instance,
    ),
    Row("runningVersion", TEXT, "The version that runs.", "1.1.82", version),
    Row(
        "installedVersion",
        TEXT,
        "The version on disk, which differs between an update and the restart.",
        "1.1.82",
        version,
        may_be_told=True,
    ),
    Row("installProfile.id", TEXT, "The hosted install profile, if any.", "twincore", _profile_id, may_be_told=True),
    Row("installProfile.version", TEXT, "The profile's version.", "1.0.0", _profile_version, may_be_told=True),
    Row(
        "update.available",
        SWITCH,
        "Whether the updater sees a newer release.",
        example=True,
        probe=untold,
        may_be_told=True,
        otherwise=False,
    ),
    Row("update.latestVersion", TEXT, "The newest release the updater saw.", "1.1.83", untold, may_be_told=True),
    Row(
        "database.provider",
        DATABASE,
        "The kind of database.",
        "sqlite",
        untold,
        may_be_told=True,
        otherwise="unknown",
    ),
    Row("runtime.platform", TEXT, "The operating system.", "linux", platform),
    Row("runtime.arch", TEXT, "The processor.", "x64", arch),
    Row("runtime.nodeMajor", NUMBER, "The major version of Node.js, where there is one.", 20, untold, may_be_told=True),
)


class SeqDesk:
    """Sends what SeqDesk's receiver, and Homing's dialect of that name, read."""

    name = "seqdesk"
    rows = ROWS
    is_open = False
    has_id = False

    def target(self, endpoint: Endpoint, key: str) -> Endpoint:
        """Return the endpoint; where it has no path the usual one, behind the app's key if that is given."""
        return behind_key(endpoint, key, PATH)

    def headers(self, own: Credentials) -> Mapping[str, str]:
        """Return the documented token; the other header is the policy's."""
        return {"X-SeqDesk-Telemetry-Token": own.token}

    def body(self, pings: Sequence[dict[str, Any]], *, key: str, now: int) -> Any:
        """Return the fields."""
        return pings[0]
