"""The page "Operational telemetry": the decision, its settings, what came of it, and exactly what is sent."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from homing.sdk.about import About
from homing.sdk.admin.actions import Done, is_asked
from homing.sdk.admin.controls import CHOICES, HINTS, LABELS, SECRETS, Control, controls, duration_text
from homing.sdk.admin.exchange import Response
from homing.sdk.admin.frame import (
    SETTINGS,
    SHORT_ID,
    Frame,
    copyable,
    document,
    excluded,
    facts,
    fields,
    heading,
    joined,
    notice,
    section,
    time,
)
from homing.sdk.admin.html import Child, Html, el, join
from homing.sdk.consent import ENDPOINT, INTERVAL, MODE, ON
from homing.sdk.policy import HOUR, PSEUDONYMOUS, IdMade, Interval
from homing.sdk.status import Course, Shown, Status
from homing.settings import MASK

LAYERS: Final[Mapping[str, str]] = {
    "code": "the application itself",
    "licence": "the licence",
    "do-not-track": "DO_NOT_TRACK in the environment",
    "environment": "the environment",
    "ci": "the environment, where software is built or tested",
    "file": "the settings file",
    "database": "an administrator",
    "profile": "the install profile",
    "default": "the default: nobody has chosen yet",
}
"""Who decided, in words."""

SAVED_HOLDS: Final = "Saved settings hold at once, without a restart. "

Attributes = Mapping[str, str | bool | None]

UNMADE_IDS: Final = "not made yet; it is made when you enable telemetry"
UNMADE_STARTS: Final = "not made yet; it is made at the first start"


class Seen(NamedTuple):
    """All that the page shows.

    `message` says what was done, `problem` what went wrong; `given` is what was typed into a form that was refused, and
    `outcome` why.
    """

    status: Status
    about: About
    preview: tuple[Shown, ...]
    last: tuple[Shown, ...]
    home: str = ""
    message: str = ""
    problem: str = ""
    outcome: Done = Done()
    given: Mapping[str, str] = {}

    @property
    def frame(self) -> Frame:
        """What surrounds the page."""
        return Frame(self.about.app, SETTINGS, self.home)


def page(seen: Seen) -> Response:
    """Return the page."""
    lead = joined(f"{seen.about.app} can tell its maker that this installation is alive.", PSEUDONYMOUS)
    return document(
        seen.frame,
        heading(seen.frame, lead),
        _told(seen),
        _opt_in(seen) if is_asked(seen.status, seen.about) else None,
        _grown(seen) if seen.about.new_rows and seen.status.enabled else None,
        _form(seen),
        _course(seen),
        _sent(seen),
        status=seen.outcome.status,
    )


def _told(seen: Seen) -> Html:
    wrong = [seen.problem] if seen.problem else seen.status.problems
    said = notice(seen.message) if seen.message else None
    return join(said, *(notice(each, is_problem=True) for each in wrong))


# Deciding.


def _opt_in(seen: Seen) -> Html:
    return el(
        "form",
        el("h2", "Nothing is sent until you decide"),
        el("p", f"If you enable it, {_often(seen)} {seen.about.app} sends the fields below, {seen.about.policy.told}."),
        el(
            "div",
            el("button", "Enable telemetry", class_="primary", name="do", value="enable"),
            el("button", "Keep disabled", name="do", value="refuse"),
            class_="actions",
        ),
        class_="card",
        method="post",
        action="./",
    )


def _often(seen: Seen) -> str:
    seconds = dict(seen.status.settings)[INTERVAL].value
    return "every hour" if seconds == HOUR else f"every {_time_span(seconds)}"


def _time_span(seconds: int) -> str:
    if seconds % HOUR:
        return duration_text(seconds)
    hours = seconds // HOUR
    return f"{hours} hour{'s' if hours > 1 else ''}"


def _grown(seen: Seen) -> Html:
    return el(
        "form",
        el("h2", "The list of fields has grown"),
        el("p", "What somebody agreed to goes on being sent. These fields wait until you agree to them too."),
        fields(seen.about.new_rows, caption="New fields"),
        el("div", el("button", "Agree", class_="primary", name="do", value="agree"), class_="actions"),
        class_="card",
        method="post",
        action="./",
    )


# The settings.


def _form(seen: Seen) -> Html:
    found = controls(seen.status, seen.about)
    can_save = any(not control.lock for control in found)
    save = el("div", el("button", "Save", class_="primary", name="do", value="save"), class_="actions")
    form = el(
        "form", *(_field(seen, control) for control in found), save if can_save else None, method="post", action="./"
    )
    note = f"{SAVED_HOLDS if can_save else ''}The tag beside each says where its value comes from."
    return section("Settings", form, note=note)


def _field(seen: Seen, control: Control) -> Html:
    problems = [problem for name, problem in seen.outcome.problems if name == control.name]
    hint, error, lock = _hint(seen, control), " ".join(problems), control.lock
    # What was typed stays where it was refused.
    shown = control._replace(value=seen.given.get(control.name, control.value))
    told = {"hint": hint, "lock": lock, "error": error}
    ids = " ".join(f"{control.name}-{kind}" for kind, sentence in told.items() if sentence)
    return el(
        "div",
        el(
            "div", _label(control), el("span", control.layer, class_="tag", title=_origin(seen, control)), class_="head"
        ),
        _input(seen, shown, described=ids or None, is_wrong=bool(error)),
        *(_remark(control.name, kind, sentence) for kind, sentence in told.items() if sentence),
        None if lock else el("input", type="hidden", name="shown", value=control.name),
        class_="field",
    )


def _label(control: Control) -> Html:
    return el("label", LABELS[control.name], for_=control.name)


def _origin(seen: Seen, control: Control) -> str:
    return f"Comes from {seen.about.origins.get(control.name) or LAYERS.get(control.layer, control.layer)}"


def _remark(name: str, kind: str, sentence: str) -> Html:
    return el("p", sentence, class_=kind, id=f"{name}-{kind}")


def _hint(seen: Seen, control: Control) -> str:
    hints = {**HINTS, INTERVAL: _bounds(seen.about.policy.interval)}
    if control.name == ENDPOINT and seen.about.policy.name_of(MODE):
        return "The address of a receiver of your own, for the modes custom and both."
    if control.name in SECRETS and control.is_set and not control.lock:
        return f"{hints[control.name]} Leave it empty to keep what is set."
    return hints.get(control.name, "")


def _bounds(interval: Interval) -> str:
    least, most = interval.least // HOUR, interval.most // HOUR
    if interval.is_duration:
        return f"A duration like 8h or 1h30m, from {least}h to {most}h."
    return f"Whole hours between two pings, from {least} to {most}."


def _input(seen: Seen, control: Control, *, described: str | None, is_wrong: bool) -> Html:
    name, is_locked = control.name, bool(control.lock)
    plain: Attributes = {"id": name, "name": name, "disabled": is_locked, "aria_describedby": described}
    if name == ON:
        box = el("input", type="checkbox", value="true", checked=control.is_on, **plain)
        return el(
            "div",
            box,
            el("span", "On" if control.is_on else "Off", class_="state", aria_hidden="true"),
            class_="switch",
        )
    if name in CHOICES:
        options = (el("option", each or "usual", value=each, selected=each == control.value) for each in CHOICES[name])
        return el("select", *options, **plain)
    wrong: Attributes = {
        **plain,
        "aria_invalid": "true" if is_wrong else None,
        "autocomplete": "off",
        "spellcheck": "false",
    }
    if name in SECRETS:
        return _secret(control, wrong)
    if name == INTERVAL and not seen.about.policy.interval.is_duration:
        # No input of type number: the browser's own remark would come before the page's, and says less.
        number = el("input", type="text", inputmode="numeric", value=control.value, **wrong)
        return el("span", number, " hours", class_="unit")
    holder = (seen.about.endpoint or "https://telemetry.example.com") if name == ENDPOINT else None
    return el("input", type="text", value=control.value, placeholder=holder, **wrong)


def _secret(control: Control, attributes: Attributes) -> Html:
    field = el("input", type="password", placeholder=MASK if control.is_set else None, **attributes)
    if control.lock or not control.is_set:
        return field
    box = el("input", type="checkbox", name="forget", value=control.name)
    return join(field, el("label", box, f" Forget the {LABELS[control.name].lower()}", class_="beside"))


# What came of it.


def _course(seen: Seen) -> Html:
    status = seen.status
    state = el("strong", "On" if status.enabled else "Off", class_="on" if status.enabled else "off")
    rows: list[tuple[str, Child]] = [
        ("State", join(state, el("span", f", decided by {LAYERS.get(status.layer, status.layer)}", class_="muted"))),
        ("Instance id", _id(seen)),
    ]
    courses = (_destination(course, has_name=len(status.destinations) > 1) for course in status.destinations)
    missing = ", ".join(name for name, _ in status.failed_probes)
    if missing:
        rows.append(("Values not found", missing))
    return section("Status", facts(*rows), *courses, _test(seen), note="What was sent, and what became of it.")


def _id(seen: Seen) -> Child:
    whole = seen.about.instance
    if not whole:
        return UNMADE_IDS if seen.about.policy.id_made is IdMade.FIRST_ENABLE else UNMADE_STARTS
    return copyable(whole, name="instance", shown=f"{whole[:SHORT_ID]}…")


def _destination(course: Course, *, has_name: bool) -> Html:
    answer = str(course.last_status) if course.last_status is not None else None
    pairs = (
        ("Sent to", el("code", course.endpoint)),
        ("Last sent", time(course.last_success)),
        ("Last answer", answer or ("none" if course.last_attempt else "–")),
        ("Last error", course.last_error or "–"),
        ("Next", "never again: the receiver wants no more" if course.is_gone else time(course.next_due)),
        ("Interval", _time_span(course.interval_seconds)),
    )
    return join(el("h3", f"Destination: {course.name}") if has_name else None, facts(*pairs))


def _test(seen: Seen) -> Html:
    is_off = not seen.status.enabled
    return el(
        "form",
        el("button", "Test", name="do", value="test", disabled=is_off, aria_describedby="test-hint"),
        el(
            "span",
            "There is nothing to test while telemetry is off." if is_off else _tested(seen),
            id="test-hint",
            class_="hint",
        ),
        class_="actions",
        method="post",
        action="./",
    )


def _tested(seen: Seen) -> str:
    several = len(seen.status.destinations) > 1
    return f"Sends the ping below now{' to each destination' if several else ''}, and says what was answered."


# What is sent.


def _sent(seen: Seen) -> Html:
    about = seen.about
    previews = (_request(shown, "What would be sent", several=len(seen.preview) > 1) for shown in seen.preview)
    nothing = None if seen.preview else el("p", "There is nowhere to send to, so there is nothing to be seen.")
    last = _last(seen.last) if seen.last else None
    whole = el("details", el("summary", "What each field is for"), fields(about.rows, caption="Fields that are sent"))
    never = join(el("h3", "Never contained"), excluded(about.policy.excluded))
    note = "Exactly what would be sent now, byte for byte. Secret headers are masked."
    return section("What is sent", *previews, nothing, last, whole, never, note=note)


def _last(last: Sequence[Shown]) -> Html:
    requests = (_request(each, "What was last sent", several=len(last) > 1) for each in last)
    return el("details", el("summary", "What was last sent"), *requests)


def _request(shown: Shown, what: str, *, several: bool) -> Html:
    head = "\n".join([f"POST {shown.url}", *(f"{name}: {value}" for name, value in shown.headers)])
    label = f"{what} to the {shown.destination} destination"
    return join(
        el("h3", f"To the {shown.destination} destination") if several else None,
        el(
            "pre",
            el("span", f"{head}\n\n", class_="muted"),
            el("code", shown.body.decode(), data_body=shown.destination),
            tabindex="0",
            role="region",
            aria_label=label,
        ),
    )
