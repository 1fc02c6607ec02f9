"""The step of set-up: what would be sent and why, and one box to tick."""

from homing.sdk.about import About
from homing.sdk.admin.actions import Done
from homing.sdk.admin.controls import SWITCHES, controls
from homing.sdk.admin.exchange import Response
from homing.sdk.admin.frame import SETTINGS, Frame, document, excluded, fields, heading, joined, notice
from homing.sdk.admin.html import Html, el, join
from homing.sdk.consent import ON
from homing.sdk.policy import PSEUDONYMOUS, Mode
from homing.sdk.status import Status


def page(status: Status, about: About, *, outcome: Done) -> Response:
    """Return the page."""
    frame = Frame(about.app, SETTINGS, has_menu=False)
    lead = joined(
        f"{about.app} can tell its maker now and then that this installation is alive.",
        PSEUDONYMOUS,
        "Nothing is sent before you continue, and you can change it later in Admin → Settings.",
    )
    return document(
        frame,
        heading(frame, lead),
        notice(outcome.sentence, is_problem=True) if outcome.problems else None,
        el("form", _choice(status, about), method="post", action="./", class_="card", data_leaves=True),
        el("h2", "What is sent"),
        fields(about.rows, caption="Fields that are sent"),
        el("p", f"These fields are sent, {about.policy.told}."),
        el("h2", "What is never sent"),
        excluded(about.policy.excluded),
        status=outcome.status,
    )


def _choice(status: Status, about: About) -> Html:
    lock = lock_of(status, about)
    box = el(
        "input",
        type="checkbox",
        name=ON,
        value="true",
        id=ON,
        checked=preset(status, about),
        disabled=bool(lock),
        aria_describedby=f"{ON}-lock" if lock else None,
    )
    label = el("label", box, f" Send operational telemetry to the maker of {about.app}", for_=ON, class_="beside")
    why = el("p", lock, class_="lock", id=f"{ON}-lock") if lock else None
    button = el("div", el("button", "Continue", class_="primary", name="do", value="choose"), class_="actions")
    return join(label, why, button)


def lock_of(status: Status, about: About) -> str:
    """Return why nothing can be chosen here; empty where something can."""
    return next((each.lock for each in controls(status, about) if each.name in SWITCHES), "")


def preset(status: Status, about: About) -> bool:
    """Tell whether the box is ticked at first: as the policy says, unless somebody has decided already."""
    return status.enabled if status.layer != "default" else about.policy.at_first is not Mode.DISABLED
