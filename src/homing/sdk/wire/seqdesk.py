"""SeqDesk's heartbeat (document 000): exactly the enumerated fields, none ever absent, nothing besides."""

from collections.abc import Mapping
from typing import Final

from homing.sdk.endpoint import Endpoint, at
from homing.sdk.payload import DATABASE, NUMBER, SWITCH, TEXT, Moment, Row, untold
from homing.sdk.wire.base import Credentials, arch, instance, platform, version

PATH: Final = "/api/telemetry/heartbeat"
PROTOCOL: Final = 1


def _protocol(_moment: Moment) -> int:
    return PROTOCOL


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
    Row("installProfile.id", TEXT, "The hosted install profile, if any.", "twincore", untold, may_be_told=True),
    Row("installProfile.version", TEXT, "The profile's version.", "1.0.0", untold, may_be_told=True),
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
    has_token = True

    def target(self, endpoint: Endpoint, key: str) -> Endpoint:
        """Return the endpoint; where it has no path the usual one, behind the app's key if that is given."""
        if endpoint.path in ("", "/"):
            return at(endpoint, f"/in/{key}{PATH}" if key else PATH)
        if key:
            raise ValueError("key must be left out where the endpoint has a path: the form has no other place for it.")
        return endpoint

    def headers(self, own: Credentials) -> Mapping[str, str]:
        """Return the two documented headers."""
        return {"User-Agent": f"SeqDesk/{own.version}", "X-SeqDesk-Telemetry-Token": own.token}
