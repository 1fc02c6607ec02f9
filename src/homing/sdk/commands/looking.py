"""Commands that only look: `status`, `preview`, `show-last`."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from homing.clock import iso_time
from homing.sdk.about import About
from homing.sdk.commands.command import Context
from homing.sdk.commands.talk import Answer, Part, Table
from homing.sdk.consent import INTERVAL, MODE, ON
from homing.sdk.policy import HOUR
from homing.sdk.status import Course, Shown, Status
from homing.settings import Value

SWITCHES: Final = {"True": "on", "False": "off"}
TIMES: Final = ("last_attempt", "last_success", "next_due")
PLACES: Final = ("environment", "file")
"""Layers in which a setting has a name to look for."""

WHY: Final = {
    "code": "the application's own code says so",
    "licence": "a licence is loaded",
    "do-not-track": "DO_NOT_TRACK is set",
    "ci": "this machine builds or tests software",
    "database": "somebody saved it",
    "profile": "the install profile says so",
    "default": "nobody has chosen",
}
"""What people are told of the other layers."""


def status(context: Context) -> Answer:
    """Tell whether telemetry is on, who decided, each setting with its layer, what came of it, and every problem."""
    telemetry = context.make()
    found, about, last = telemetry.status(), telemetry.about(), telemetry.show_last()
    problems = [f"Problem: {each}" for each in found.problems]
    parts: list[Part] = [state(found, about), Table(list(_facts(found, about, last)))]
    parts.append(
        Table([_row(name, value, about) for name, value in found.settings], ("setting", "value", "from", "by"))
    )
    return Answer(as_value(found, about), [*parts, *problems])


def preview(context: Context) -> Answer:
    """Show for each destination what would be sent now, byte for byte."""
    return _requests(context.make().preview(), "Nothing would be sent.")


def show_last(context: Context) -> Answer:
    """Show for each destination what was last sent, by whatever process."""
    return _requests(context.make().show_last(), "Nothing was sent yet.")


def state(found: Status, about: About) -> str:
    """Return one sentence that says whether telemetry is on, and why."""
    switch = ON if about.policy.name_of(ON) else MODE
    by = about.origins.get(switch) if found.layer in PLACES else WHY.get(found.layer)
    return f"Telemetry of {about.app} is {'on' if found.enabled else 'off'}: {by or found.layer}."


def as_value(found: Status, about: About) -> dict[str, Any]:
    """Return a status as JSON has it; times are ISO 8601, the interval is in seconds."""
    return {
        "app": about.app,
        "enabled": found.enabled,
        "layer": found.layer,
        "mode": found.mode,
        "locked": found.is_locked,
        "instance": about.instance or None,
        "settings": {
            name: {
                "value": value.shown if value.secret else value.value,
                "layer": value.layer,
                "by": _by(name, value, about),
            }
            for name, value in found.settings
        },
        "destinations": [course_value(each) for each in found.destinations],
        "failed_fields": dict(found.failed_probes),
        "problems": list(found.problems),
    }


def course_value(course: Course) -> dict[str, Any]:
    """Return what came of the attempts as JSON has it."""
    times = {name: time(getattr(course, name)) for name in TIMES}
    return {name: times.get(name, value) for name, value in course._asdict().items()}


def time(at: int | None) -> str | None:
    """Return a time as text, if there is one."""
    return None if at is None else iso_time(at)


def _facts(found: Status, about: About, last: Iterable[Shown]) -> Iterator[tuple[str, Any]]:
    yield "id", about.instance or found.instance
    yield "policy", about.policy.name
    for each in found.destinations:
        yield f"{each.name} destination", each.endpoint
        yield "  last attempt", time(each.last_attempt)
        yield "  last success", time(each.last_success)
        yield "  last answer", each.last_status
        yield "  last error", each.last_error
    if not found.destinations:
        yield from ((f"last sent to {each.destination}", time(each.at)) for each in last)
    yield from ((f"not found: {name}", f"{times} times") for name, times in found.failed_probes)


def _row(name: str, value: Value, about: About) -> tuple[str, str, str, str]:
    shown = f"{value.value / HOUR:g} hours" if name == INTERVAL else SWITCHES.get(value.shown, value.shown)
    return name, shown, value.layer, _by(name, value, about) or ""


def _by(name: str, value: Value, about: About) -> str | None:
    return about.origins.get(name) if value.layer in PLACES else None


def _requests(shown: Iterable[Shown], none: str) -> Answer:
    found = list(shown)
    value = [
        {**each._asdict(), "at": iso_time(each.at), "headers": dict(each.headers), "body": _body(each)}
        for each in found
    ]
    return Answer(
        value, [f"To the {each.destination} destination, {iso_time(each.at)}\n\n{each}" for each in found] or [none]
    )


def _body(shown: Shown) -> Any:
    return json.loads(shown.body) if shown.body else None
