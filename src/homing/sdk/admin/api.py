"""The JSON of the settings, as SeqDesk's own pages speak it; the token and keys are never in it."""

from collections.abc import Mapping
from typing import Any, Final

from homing.clock import iso_time
from homing.sdk.about import About
from homing.sdk.admin import actions
from homing.sdk.admin.exchange import JSON, Malformed, Request, Response, as_json, read_json
from homing.sdk.consent import ENDPOINT, INTERVAL, MODE, ON
from homing.sdk.policy import HOUR
from homing.sdk.status import Status
from homing.sdk.telemetry import Telemetry

PATH: Final = "/api/admin/settings/telemetry"
TEST_PATH: Final = f"{PATH}/test"

NAMES: Final[Mapping[str, str]] = {
    "enabled": ON,
    "mode": MODE,
    "endpoint": ENDPOINT,
    "key": "key",
    "bearer": "bearer",
    "intervalHours": INTERVAL,
    "identifier": "identifier",
}
"""The settings by what they are called here."""

TOLD: Final = (
    "instanceId",
    "clientTokenConfigured",
    "installProfileId",
    "installProfileVersion",
    "lastSentAt",
    "lastError",
    "lastStatus",
)
"""What is only told: whoever sends back what was read changes nothing with it."""

DISMISSED: Final = "promptDismissed"


def told(telemetry: Telemetry) -> dict[str, Any]:
    """Return what GET answers."""
    status, about = telemetry.status(), telemetry.about()
    last = status.last_success
    return {
        "enabled": status.enabled,
        "endpoint": _endpoint(status, about) or None,
        "intervalHours": _hours(status),
        "instanceId": about.instance or None,
        "clientTokenConfigured": about.policy.has_token and bool(about.instance),
        "installProfileId": about.profile.get("id"),
        "installProfileVersion": about.profile.get("version"),
        "lastSentAt": None if last is None else iso_time(last),
        "lastError": status.last_error[: actions.MOST_ERROR] if status.last_error else None,
        "lastStatus": status.last_status,
        DISMISSED: not actions.is_asked(status, about),
    }


def _hours(status: Status) -> int | float:
    seconds = dict(status.settings)[INTERVAL].value
    return int(seconds // HOUR) if seconds % HOUR == 0 else float(seconds / HOUR)


def _endpoint(status: Status, about: About) -> str:
    own = dict(status.settings).get(ENDPOINT)
    return status.endpoint or (own.value if own else "") or about.endpoint


def answer(telemetry: Telemetry, request: Request, *, who: str) -> Response:
    """Answer a request for the settings."""
    if request.method in ("GET", "HEAD"):
        return as_json(200, told(telemetry))
    if request.method != "PUT":
        return _not_allowed("GET, HEAD, PUT")
    if request.media_type != JSON:
        return as_json(415, {"error": "The body must be JSON."})
    try:
        settings = _wanted(telemetry, read_json(request))
    except Malformed as reason:
        return as_json(400, {"error": str(reason)})
    outcome = actions.save(telemetry, settings, who=who)
    if outcome.problems:
        return as_json(outcome.status, {"error": outcome.sentence})
    return as_json(200, told(telemetry))


def _wanted(telemetry: Telemetry, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings; an empty one is taken back, except for the switch, which has no empty."""
    unknown = [name for name in given if name not in (*NAMES, *TOLD, DISMISSED)]
    if unknown:
        raise Malformed(f"There is no setting {unknown[0][: actions.MOST_ERROR]!r}.")
    now = told(telemetry)
    new = {name: value for name, value in given.items() if name in NAMES and not _is_told(name, given, now)}
    wanted = {NAMES[name]: None if value == "" else value for name, value in new.items()}
    if ON in wanted and wanted[ON] is None:
        wanted[ON] = ""
    if given.get(DISMISSED) is True and actions.is_asked(telemetry.status(), telemetry.about()):
        return {ON: False, **wanted}
    return wanted


def _is_told(name: str, given: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether a value is what was read: it goes on coming from where it does. The first no is one all the same."""
    # To Python 1 is the same as true.
    if name not in now or (type(given[name]), given[name]) != (type(now[name]), now[name]):
        return False
    return NAMES[name] != ON or now[DISMISSED] or given.get(DISMISSED) is False


def answer_test(telemetry: Telemetry, request: Request) -> Response:
    """Answer a request for a test."""
    if request.method != "POST":
        return _not_allowed("POST")
    tested = actions.test(telemetry)
    if tested.reason:
        return as_json(tested.status, {"success": False, "reason": tested.reason})
    sent = tested.course.last_success
    last = None if sent is None else iso_time(sent)
    return as_json(200, {"success": True, "status": tested.course.last_status, "lastSentAt": last})


def _not_allowed(methods: str) -> Response:
    return as_json(405, {"error": f"Only {methods} will do."})._replace(headers=(("Allow", methods),))
