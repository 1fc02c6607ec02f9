"""The policies that ship, against the table of what their documents say."""

from typing import Any

import pytest

from homing.sdk.policy import EVERY_LAYER, POLICIES, IdKept, IdMade, Interval, Kinds, Mode, Policy, Retry

HOUR = 3600
DAY = 24 * HOUR
HOURS = Interval(DAY, HOUR, 168 * HOUR)
DAILY = Interval(DAY, DAY, DAY)

ON, OFF = Mode.DEFAULT, Mode.DISABLED

# The columns of one table: what is asked, then each policy's answer in this order.
NAMES = ("seqdesk", "sirveo", "flowfuse", "slackonos", "homing")

TABLE: dict[str, tuple[Any, ...]] = {
    "name": NAMES,
    "wire": ("seqdesk", "sirveo", "flowfuse", "posthog", "native"),
    "at_first": (OFF, OFF, ON, ON, OFF),
    "layers": (
        EVERY_LAYER,
        ("environment", "default"),
        ("file", "database", "default"),
        ("environment", "file", "default"),
        EVERY_LAYER,
    ),
    "endpoint": (
        "https://www.seqdesk.com/api/telemetry/heartbeat",
        "",
        "https://ping.flowforge.com",
        "https://us.i.posthog.com",
        "",
    ),
    "key": ("", "", "", "", ""),
    "user_agent": ("SeqDesk/{version}", "Sirveo", "FlowFuse/{version}", "SlackONOS/{version}", "Homing/{sdk}"),
    "file": ("seqdesk.config.json", "", "flowforge.yml", "config/config.json", ""),
    "interval": (HOURS, Interval(8 * HOUR, HOUR, DAY, is_duration=True), DAILY, DAILY, HOURS),
    "start_seconds": (30, 0, 30, 0, 30),
    "failure_seconds": (HOUR, None, None, None, None),
    "timeout_seconds": (5, 5, 5, 5, 5),
    "flush_seconds": (0.1, 5, 0.1, 5, 0.1),
    "jitter": (0, 0, 0, 0, 0.05),
    "has_random_minute": (False, False, True, False, False),
    "is_throttled": (True, False, False, False, True),
    "retry": (Retry.NOTHING, Retry.NOTHING, Retry.NOTHING, Retry.EVERYTHING, Retry.EVENTS),
    "stops_at_gone": (False, False, False, False, True),
    "is_spooled": (False, False, False, True, True),
    "events": ((), (), (), ("startup", "heartbeat", "shutdown"), ("*",)),
    "has_token": (True, False, False, False, False),
    "id_made": (
        IdMade.FIRST_ENABLE,
        IdMade.EVERY_START,
        IdMade.FIRST_START,
        IdMade.FIRST_START,
        IdMade.FIRST_ENABLE,
    ),
    "id_kept": (IdKept.FILE, IdKept.DATABASE, IdKept.FILE, IdKept.SETTINGS, IdKept.FILE),
    "id_key": ("instance_id", "instance_id", "instance_id", "telemetryInstanceId", "instance_id"),
    "notices_copies": (False, False, False, False, True),
    "is_locked_by_licence": (False, False, True, False, False),
    "is_silent_in_ci": (False, False, False, False, True),
    "has_notice": (False, False, False, False, True),
    "excluded": (
        (
            *("user accounts", "e-mail addresses", "host names", "IP addresses", "facility names"),
            *("metadata of samples, studies or orders", "file names", "secrets"),
        ),
        (
            *("details of the system it runs on", "identifiers of the machine"),
            *("data or metadata on the use of features", "data or metadata on what users configure"),
        ),
        ("personal data", "details of flows"),
        ("personal data", "IP addresses", "user names", "chat data", "music preferences"),
        ("user accounts", "e-mail addresses", "host names", "IP addresses", "file names", "secrets"),
    ),
    "kinds": (
        Kinds("heartbeat"),
        Kinds("update", "begin", "end", "license-state-change"),
        Kinds("heartbeat"),
        Kinds("heartbeat", "startup", "shutdown"),
        Kinds("heartbeat"),
    ),
}

SETTINGS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "seqdesk": {
        "enabled": (("SEQDESK_TELEMETRY_ENABLED",), "telemetry.enabled"),
        "endpoint": (("SEQDESK_TELEMETRY_ENDPOINT",), "telemetry.endpoint"),
        "interval": (("SEQDESK_TELEMETRY_INTERVAL_HOURS",), "telemetry.intervalHours"),
    },
    "sirveo": {
        "mode": (("SIRVEO_TELEMETRY_MODE",), ""),
        "endpoint": (("SIRVEO_TELEMETRY_URL",), ""),
        "bearer": (("SIRVEO_TELEMTRY_AUTH", "SIRVEO_TELEMETRY_AUTH"), ""),
        "interval": (("SIRVEO_TELEMETRY_FREQUENCY",), ""),
        "identifier": (("SIRVEO_TELEMETRY_IDENTIFIER",), ""),
        "log_level": (("SIRVEO_LOG_LEVEL",), ""),
    },
    "flowfuse": {"enabled": ((), "telemetry.enabled")},
    "slackonos": {
        "enabled": (("TELEMETRY_ENABLED",), "telemetryEnabled"),
        "endpoint": (("TELEMETRY_HOST",), "telemetryHost"),
        "key": (("TELEMETRY_API_KEY",), "telemetryApiKey"),
    },
    "homing": {
        "enabled": (("HOMING_TELEMETRY_ENABLED",), "telemetry.enabled"),
        "endpoint": (("HOMING_TELEMETRY_ENDPOINT",), "telemetry.endpoint"),
        "key": (("HOMING_TELEMETRY_KEY",), "telemetry.key"),
        "interval": (("HOMING_TELEMETRY_INTERVAL_HOURS",), "telemetry.interval_hours"),
    },
}


@pytest.mark.parametrize("field", TABLE)
def test_every_row_of_the_table(field: str) -> None:
    """Each value of each policy is the one that its document asks for."""  # 000-01 000-14 001-01 001-14 003-03 004-12
    assert TABLE[field] == tuple(getattr(POLICIES[name], field) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_settings(name: str) -> None:
    """Variables and places in the file are spelt as in the document."""  # 000-17 000-18 001-02 001-03 001-04 001-05
    found = {each.setting: (each.variables, each.file) for each in POLICIES[name].names}
    assert SETTINGS[name] == found


def test_the_file_may_only_refuse() -> None:
    """FlowFuse's file can say no, and its yes does not count; nobody else's is so."""  # 003-04
    refusing = [policy.name for policy in POLICIES.values() for name in policy.names if name.may_only_refuse]
    assert ["flowfuse"] == refusing


def test_no_row_is_untested() -> None:
    """The table asks for every field there is, so that no change of a value goes unnoticed."""
    assert set(Policy._fields) == {*TABLE, "names"}
    assert set(NAMES) == set(POLICIES)


def test_they_cannot_be_changed() -> None:
    """A policy is a value: whoever wants another one makes a copy."""
    policy = POLICIES["homing"]
    with pytest.raises(AttributeError):
        policy.at_first = ON  # type: ignore[misc]
    assert OFF is policy.at_first
    assert ON is policy._replace(at_first=ON).at_first
    with pytest.raises(TypeError):
        POLICIES["homing"] = policy  # type: ignore[index]
