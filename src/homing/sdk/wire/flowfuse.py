"""FlowFuse's usage ping (document 003): the system, the versions, how much there is of what, and the licence."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homing.sdk.endpoint import Endpoint
from homing.sdk.payload import NUMBER, SWITCH, TEXT, Moment, Row, untold
from homing.sdk.wire.base import Credentials, arch, behind_key, instance, release, system, version

COUNTED: Final[Mapping[str, str]] = {
    "users": "users",
    "teams": "teams",
    "projects": "projects",
    "devices": "devices",
    "projectSnapshots": "snapshots",
    "projectTemplates": "templates",
    "projectStacks": "stacks",
    "libraryEntries": "entries of libraries",
    "sharedLibraryEntries": "entries of shared libraries",
}
"""What is counted, and in which words."""

SWITCHED: Final[Mapping[str, str]] = {
    "broker": "the broker for internal messages",
    "fileStore": "the file store",
    "email": "e-mail",
}
"""What may be switched on, and in which words."""

NO_LICENCE: Final = "CE"


def _licence_id(moment: Moment) -> str | None:
    return moment.licence.id if moment.licence else None


def _licence_type(moment: Moment) -> str | None:
    return moment.licence.type if moment.licence else None


ROWS: Final = (
    Row(
        "instanceId",
        TEXT,
        "Lets an installation count once: a random UUID, made at the first start.",
        "5db51f99-c6fb-4340-9c19-78adce58cc1b",
        instance,
    ),
    Row("os.type", TEXT, "The operating system.", "Linux", system),
    Row("os.release", TEXT, "The release of its kernel.", "6.1.0", release),
    Row("os.arch", TEXT, "The processor.", "x64", arch),
    Row("env.nodejs", TEXT, "The version of Node.js, where there is one.", "v16.19.1", untold, may_be_told=True),
    Row("env.flowforge", TEXT, "The version that runs.", "1.0.0", version),
    *(
        Row(f"platform.counts.{name}", NUMBER, f"How many {words} there are.", 4, untold, may_be_told=True)
        for name, words in COUNTED.items()
    ),
    Row("platform.config.driver", TEXT, "The driver of the back end.", "localfs", untold, may_be_told=True),
    *(
        Row(
            f"platform.config.{name}.enabled",
            SWITCH,
            f"Whether {words} is switched on.",
            example=True,
            probe=untold,
            may_be_told=True,
        )
        for name, words in SWITCHED.items()
    ),
    Row(
        "platform.license.id",
        TEXT,
        "The licence that is loaded, if any.",
        "4c105579-782b-4d53-af62-cf7fa69f6b43",
        _licence_id,
        otherwise="",
    ),
    Row("platform.license.type", TEXT, "The licence's type.", "EE", _licence_type, otherwise=NO_LICENCE),
)


class FlowFuse:
    """Sends what FlowFuse's receiver reads."""

    name = "flowfuse"
    rows = ROWS
    is_open = False
    has_id = False

    def target(self, endpoint: Endpoint, key: str) -> Endpoint:
        """Return the endpoint; where it has no path the root, behind the app's key if that is given."""
        return behind_key(endpoint, key, "/")

    def headers(self, _own: Credentials) -> Mapping[str, str]:
        """Return none: the form has no secret."""
        return {}

    def body(self, pings: Sequence[dict[str, Any]], *, key: str, now: int) -> Any:
        """Return the fields."""
        return pings[0]
