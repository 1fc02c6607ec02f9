"""How one application's telemetry behaves, as a value; five ship.

Four of them are the documents of real products, the fifth is Homing's own. Everything that differs between them is a
row here, and nothing else asks which policy it is.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

HOUR: Final = 3600

ANY_EVENT: Final = ("*",)
"""The events of a policy that allows every name but those of its pings."""

NOWHERE: Final = "nowhere"
"""The endpoint that a process gives which only decides, and need not know the maker's."""

PSEUDONYMOUS: Final = "This is pseudonymous, not anonymous: what one installation sends can be linked by its id."


class Mode(StrEnum):
    """Where pings go: nowhere, to the operator, to the maker, or to both."""

    DISABLED = "disabled"
    CUSTOM = "custom"
    DEFAULT = "default"
    BOTH = "both"


class IdMade(StrEnum):
    """When the instance's id is made."""

    FIRST_ENABLE = "when telemetry is first enabled"
    FIRST_START = "at the first start that may send"
    EVERY_START = "at the first start, on or off"


class IdKept(StrEnum):
    """Where the instance's id is kept."""

    FILE = "a file of its own"
    DATABASE = "the database"
    SETTINGS = "the settings file"


class Retry(StrEnum):
    """What is sent again after a failure."""

    NOTHING = "nothing"
    EVENTS = "events"
    EVERYTHING = "everything"


class Interval(NamedTuple):
    """The seconds between two pings, their bounds, and whether people write whole hours or a duration like 1h30m."""

    usual: int
    least: int
    most: int
    is_duration: bool = False


class Kinds(NamedTuple):
    """What the pings of a program's life are called; an empty one is not sent."""

    repeat: str
    begin: str = ""
    end: str = ""
    licence: str = ""


class Name(NamedTuple):
    """What one setting is called in each layer; of several variables the first is the document's.

    `may_only_refuse` says that the file can say no but not yes.
    """

    setting: str
    variables: tuple[str, ...] = ()
    file: str = ""
    may_only_refuse: bool = False


class Policy(NamedTuple):
    """Everything that makes one product's telemetry differ from another's. Change a copy with `_replace`.

    `events` are the names that an application may tell events by. `key` is the app's key at the endpoint, where the
    application gives none.
    """

    name: str
    wire: str
    at_first: Mode
    layers: tuple[str, ...]
    names: tuple[Name, ...]
    kinds: Kinds
    interval: Interval
    user_agent: str
    endpoint: str = ""
    key: str = ""
    file: str = ""
    start_seconds: float = 0.0
    failure_seconds: int | None = None
    timeout_seconds: float = 5.0
    flush_seconds: float = 0.1
    jitter: float = 0.0
    has_random_minute: bool = False
    is_throttled: bool = False
    retry: Retry = Retry.NOTHING
    stops_at_gone: bool = False
    is_spooled: bool = False
    events: tuple[str, ...] = ()
    has_token: bool = False
    id_made: IdMade = IdMade.FIRST_ENABLE
    id_kept: IdKept = IdKept.FILE
    id_key: str = "instance_id"
    notices_copies: bool = False
    is_locked_by_licence: bool = False
    is_silent_in_ci: bool = False
    has_notice: bool = False
    excluded: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Policy({self.name!r})"

    @property
    def privacy(self) -> str:
        """What people are told of their privacy."""
        *most, last = (f"no {each}" for each in self.excluded)
        return f"{PSEUDONYMOUS} It holds {', '.join(most)} and {last}."

    @property
    def told(self) -> str:
        """What people are told that is sent beside the fields; the end of a sentence."""
        if self.events == ANY_EVENT:
            return "and events that the application tells, with properties of its own"
        if self.events:
            return f"in events named {', '.join(self.events)}, and nothing else"
        return "and nothing else"

    def name_of(self, setting: str) -> Name | None:
        """Return what a setting is called; None where the policy has no such setting."""
        return next((each for each in self.names if each.setting == setting), None)

    def setting_called(self, text: str) -> str | None:
        """Return the setting that people call so: by its name, its place in the file, or the end of that place."""
        called = ((each.setting, {each.setting, each.file, each.file.rpartition(".")[2]}) for each in self.names)
        return next((setting for setting, names in called if text in names), None)

    def stronger_than(self, layer: str) -> tuple[str, ...]:
        """Return the layers that stand above one of the policy's layers."""
        return self.layers[: self.layers.index(layer)]


EVERY_LAYER: Final = ("environment", "file", "database", "profile", "default")
WHOLE_HOURS: Final = Interval(24 * HOUR, HOUR, 168 * HOUR)
ONE_DAY: Final = Interval(24 * HOUR, 24 * HOUR, 24 * HOUR)

SEQDESK: Final = Policy(
    name="seqdesk",
    wire="seqdesk",
    at_first=Mode.DISABLED,
    layers=EVERY_LAYER,
    names=(
        Name("enabled", ("SEQDESK_TELEMETRY_ENABLED",), "telemetry.enabled"),
        Name("endpoint", ("SEQDESK_TELEMETRY_ENDPOINT",), "telemetry.endpoint"),
        Name("interval", ("SEQDESK_TELEMETRY_INTERVAL_HOURS",), "telemetry.intervalHours"),
    ),
    kinds=Kinds(repeat="heartbeat"),
    interval=WHOLE_HOURS,
    user_agent="SeqDesk/{version}",
    endpoint="https://www.seqdesk.com/api/telemetry/heartbeat",
    file="seqdesk.config.json",
    start_seconds=30.0,
    failure_seconds=HOUR,
    is_throttled=True,
    has_token=True,
    excluded=(
        "user accounts",
        "e-mail addresses",
        "host names",
        "IP addresses",
        "facility names",
        "metadata of samples, studies or orders",
        "file names",
        "secrets",
    ),
)
"""Document 000."""

SIRVEO: Final = Policy(
    name="sirveo",
    wire="sirveo",
    at_first=Mode.DISABLED,
    layers=("environment", "default"),
    names=(
        Name("mode", ("SIRVEO_TELEMETRY_MODE",)),
        Name("endpoint", ("SIRVEO_TELEMETRY_URL",)),
        # The document spells it so.
        Name("bearer", ("SIRVEO_TELEMTRY_AUTH", "SIRVEO_TELEMETRY_AUTH")),
        Name("interval", ("SIRVEO_TELEMETRY_FREQUENCY",)),
        Name("identifier", ("SIRVEO_TELEMETRY_IDENTIFIER",)),
        Name("log_level", ("SIRVEO_LOG_LEVEL",)),
    ),
    kinds=Kinds(repeat="update", begin="begin", end="end", licence="license-state-change"),
    interval=Interval(8 * HOUR, HOUR, 24 * HOUR, is_duration=True),
    user_agent="Sirveo",
    flush_seconds=5.0,
    id_made=IdMade.EVERY_START,
    id_kept=IdKept.DATABASE,
    excluded=(
        "details of the system it runs on",
        "identifiers of the machine",
        "data or metadata on the use of features",
        "data or metadata on what users configure",
    ),
)
"""Document 001."""

FLOWFUSE: Final = Policy(
    name="flowfuse",
    wire="flowfuse",
    at_first=Mode.DEFAULT,
    layers=("file", "database", "default"),
    names=(Name("enabled", (), "telemetry.enabled", may_only_refuse=True),),
    kinds=Kinds(repeat="heartbeat"),
    interval=ONE_DAY,
    user_agent="FlowFuse/{version}",
    endpoint="https://ping.flowforge.com",
    file="flowforge.yml",
    start_seconds=30.0,
    has_random_minute=True,
    id_made=IdMade.FIRST_START,
    is_locked_by_licence=True,
    excluded=(
        "personal data",
        "details of flows",
    ),
)
"""Document 003."""

SLACKONOS: Final = Policy(
    name="slackonos",
    wire="posthog",
    at_first=Mode.DEFAULT,
    layers=("environment", "file", "default"),
    names=(
        Name("enabled", ("TELEMETRY_ENABLED",), "telemetryEnabled"),
        Name("endpoint", ("TELEMETRY_HOST",), "telemetryHost"),
        Name("key", ("TELEMETRY_API_KEY",), "telemetryApiKey"),
    ),
    kinds=Kinds(repeat="heartbeat", begin="startup", end="shutdown"),
    interval=ONE_DAY,
    user_agent="SlackONOS/{version}",
    endpoint="https://us.i.posthog.com",
    file="config/config.json",
    flush_seconds=5.0,
    retry=Retry.EVERYTHING,
    is_spooled=True,
    events=("startup", "heartbeat", "shutdown"),
    id_made=IdMade.FIRST_START,
    id_kept=IdKept.SETTINGS,
    id_key="telemetryInstanceId",
    excluded=(
        "personal data",
        "IP addresses",
        "user names",
        "chat data",
        "music preferences",
    ),
)
"""Document 004."""

HOMING: Final = Policy(
    name="homing",
    wire="native",
    at_first=Mode.DISABLED,
    layers=EVERY_LAYER,
    names=(
        Name("enabled", ("HOMING_TELEMETRY_ENABLED",), "telemetry.enabled"),
        Name("endpoint", ("HOMING_TELEMETRY_ENDPOINT",), "telemetry.endpoint"),
        Name("key", ("HOMING_TELEMETRY_KEY",), "telemetry.key"),
        Name("interval", ("HOMING_TELEMETRY_INTERVAL_HOURS",), "telemetry.interval_hours"),
    ),
    kinds=Kinds(repeat="heartbeat"),
    interval=WHOLE_HOURS,
    user_agent="Homing/{sdk}",
    start_seconds=30.0,
    jitter=0.05,
    is_throttled=True,
    retry=Retry.EVENTS,
    stops_at_gone=True,
    is_spooled=True,
    events=ANY_EVENT,
    notices_copies=True,
    is_silent_in_ci=True,
    has_notice=True,
    excluded=(
        "user accounts",
        "e-mail addresses",
        "host names",
        "IP addresses",
        "file names",
        "secrets",
    ),
)
"""Our own default: off, once a day, and gone when the receiver says so."""

POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {each.name: each for each in (SEQDESK, SIRVEO, FLOWFUSE, SLACKONOS, HOMING)}
)
"""The policies by name."""
