"""What administrators do with telemetry, whichever way they ask: save, test, decide. Nothing here knows of pages."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from homing.errors import SettingsError, SettingsLocked
from homing.sdk.about import About
from homing.sdk.admin.controls import LABELS, controls
from homing.sdk.consent import ON
from homing.sdk.policy import Mode
from homing.sdk.status import Course, Status
from homing.sdk.telemetry import Telemetry

MOST_ERROR: Final = 180
BEYOND_SECONDS: Final = 1.0
"""How much longer than a request may take a test is waited for."""

UNSENT: Final = "Nothing was sent: the application says that it is not set up yet."
OFF: Final = "Telemetry is off, so there is nothing to test."


class Done(NamedTuple):
    """What came of it: a status of HTTP, and a sentence for each problem, by setting where it is about one."""

    status: int = 200
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """All problems."""
        return " ".join(problem for _, problem in self.problems)


class Tested(NamedTuple):
    """What came of a test: the status and time of the answer, or the reason there is none."""

    status: int
    course: Course
    reason: str = ""


def save(telemetry: Telemetry, settings: Mapping[str, Any], *, who: str) -> Done:
    """Save settings: 200, 400 for what cannot be understood, 409 for what is held elsewhere, and then nothing is."""
    if not settings:
        return Done()
    held = {each.name: each.lock for each in controls(telemetry.status(), telemetry.about()) if each.lock}
    locks = tuple((name, f"{LABELS[name]}: {held[name]}") for name in settings if name in held)
    if locks:
        return Done(409, locks)
    try:
        telemetry.save(settings, who=who)
    except SettingsLocked as error:
        return Done(409, tuple(("", problem) for problem in error.problems))
    except SettingsError as error:
        return Done(400, tuple(_about_setting(problem) for problem in error.problems))
    return Done()


def agree(telemetry: Telemetry, who: str) -> Done:
    """Keep that somebody agreed to the fields as they are now."""
    try:
        telemetry.agree(who=who)
    except SettingsError as error:
        return Done(400, tuple(("", problem) for problem in error.problems))
    return Done()


def reset_id(telemetry: Telemetry, who: str) -> Done:
    """Give this installation another id."""
    try:
        telemetry.reset_id(who=who)
    except SettingsError as error:
        return Done(500, tuple(("", problem) for problem in error.problems))
    return Done()


def _about_setting(problem: str) -> tuple[str, str]:
    name, _, reason = problem.partition(" ")
    return (name, f"{LABELS[name]} {reason}") if name in LABELS else ("", problem)


def test(telemetry: Telemetry) -> Tested:
    """Send now, and wait for the end of it: 200, 400 while telemetry is off, 502 where it failed."""
    before = telemetry.status()
    if not before.enabled:
        return Tested(400, before.first, OFF)
    after = telemetry.send_now(telemetry.about().policy.timeout_seconds + BEYOND_SECONDS)
    attempts = {course.name: course.last_attempt for course in before.destinations}
    for course in after.destinations:
        reason = _failure(course, attempts.get(course.name), after)
        if reason:
            several = f"{course.name}: " if len(after.destinations) > 1 else ""
            return Tested(502, course, f"{several}{reason}"[:MOST_ERROR])
    if not after.destinations:
        return Tested(502, after.first, next(iter(after.problems), UNSENT)[:MOST_ERROR])
    return Tested(200, after.first)


def _failure(course: Course, attempt_before: int | None, status: Status) -> str:
    if course.is_gone:
        return "The receiver wants no more pings: it answered 410."
    if course.last_attempt in (None, attempt_before):
        return next(iter(status.problems), UNSENT)
    return course.last_error or ""


def is_asked(status: Status, about: About) -> bool:
    """Tell whether telemetry is off only because nobody has decided yet, and somebody here can."""
    is_open = bool(about.keeps) and about.policy.name_of(ON) is not None
    return is_open and status.layer == "default" and about.policy.at_first is Mode.DISABLED
