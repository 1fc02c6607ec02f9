"""Homing: telemetry for software that runs on other people's machines."""

# What type checkers take for the constant of that name: importing typing costs more than all the rest.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from homing.errors import SettingsError, SettingsLocked
    from homing.sdk.admin.pages import TelemetryAdmin, TelemetrySetup
    from homing.sdk.build import BuildInfo
    from homing.sdk.commands.parser import add_telemetry_commands
    from homing.sdk.integrations.face import Integrations
    from homing.sdk.licence import Licence
    from homing.sdk.payload import Row
    from homing.sdk.policy import Policy
    from homing.sdk.probes import provider_of, version_on_disk
    from homing.sdk.status import Status
    from homing.sdk.stores import JsonStore, PostgresStore, SqliteStore
    from homing.sdk.telemetry import Telemetry
    from homing.sdk.transports.posthog import PostHogTransport
    from homing.sdk.update import UpdateCheck
    from homing.sdk.update_forms import Update
else:

    def __getattr__(name: str) -> object:
        """Return a public name of the sending side, which is imported when it is first asked for."""
        if name not in PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(__import__(PLACES[name], fromlist=[name]), name)


__all__ = [
    "BuildInfo",
    "Integrations",
    "JsonStore",
    "Licence",
    "Policy",
    "PostHogTransport",
    "PostgresStore",
    "Row",
    "SettingsError",
    "SettingsLocked",
    "SqliteStore",
    "Status",
    "Telemetry",
    "TelemetryAdmin",
    "TelemetrySetup",
    "Update",
    "UpdateCheck",
    "__version__",
    "add_telemetry_commands",
    "provider_of",
    "version_on_disk",
]

__version__ = "0.1.0"

PLACES = {
    "BuildInfo": "homing.sdk.build",
    "Integrations": "homing.sdk.integrations.face",
    "JsonStore": "homing.sdk.stores",
    "Licence": "homing.sdk.licence",
    "Policy": "homing.sdk.policy",
    "PostHogTransport": "homing.sdk.transports.posthog",
    "PostgresStore": "homing.sdk.stores",
    "Row": "homing.sdk.payload",
    "SettingsError": "homing.errors",
    "SettingsLocked": "homing.errors",
    "SqliteStore": "homing.sdk.stores",
    "Status": "homing.sdk.status",
    "Telemetry": "homing.sdk.telemetry",
    "TelemetryAdmin": "homing.sdk.admin.pages",
    "TelemetrySetup": "homing.sdk.admin.pages",
    "Update": "homing.sdk.update_forms",
    "UpdateCheck": "homing.sdk.update",
    "add_telemetry_commands": "homing.sdk.commands.parser",
    "provider_of": "homing.sdk.probes",
    "version_on_disk": "homing.sdk.probes",
}
"""Where each public name lives."""
