"""Commands that send: `send` and `test` now, `export` to a file that is carried by hand."""

import json
import os
from pathlib import Path
from typing import Any, Final

from homing.clock import SystemClock, iso_time
from homing.errors import HomingError, SettingsError
from homing.sdk.about import About
from homing.sdk.commands.command import Context
from homing.sdk.commands.looking import course_value, state
from homing.sdk.commands.talk import FAILED, OK, Answer, Table
from homing.sdk.status import Course, Shown, Status
from homing.sdk.telemetry import Telemetry
from homing.sdk.transports.base import SUCCESSES

FORMAT: Final = 1
"""The version of the file that `export` writes."""

HEADER: Final = {
    "homing": "`export`: what the file is",
    "format": f"{FORMAT}: the version of this format",
    "app": "the application's name",
    "form": "the form of the bodies: native, seqdesk, sirveo, flowfuse or posthog",
    "destination": "whom it is for: default or custom",
    "id": "a random UUID of the file",
    "made": "when the file was begun",
}
LINE: Final = {
    "id": "a random UUID of the line",
    "at": "when the line was made; a body without a time of its own counts on that day",
    "body": "what would have been sent, as the form has it",
}
"""What stands in the first line of an export, and in each other."""

SAME: Final = ("homing", "format", "app", "form", "destination")
"""What must be the same for a file to be added to."""


def send(context: Context) -> Answer:
    """Send one ping to each destination now."""
    telemetry = context.make()
    return _answer(telemetry, telemetry.send_once())


def test(context: Context) -> Answer:
    """Send one ping to each destination now, and take every problem there is for a failure."""
    answer = send(context)
    problems = [each for each in context.make().status().problems if each not in answer.problems]
    return answer._replace(problems=[*answer.problems, *problems], code=FAILED if problems else answer.code)


def export(context: Context) -> Answer:
    """Add what would be sent now to a file, which another machine may hand in."""
    telemetry, path = context.make(), Path(context.args.out)
    found = telemetry.export()
    if not found:
        return _nothing(telemetry.status(), telemetry.about())
    chosen = _chosen(found, context.args.destination)
    line = {"id": SystemClock().id(), "at": iso_time(chosen.at), "body": json.loads(chosen.body)}
    added = _add(path, _header(telemetry.about(), chosen), line)
    told = f"{path} has what would be sent to the {chosen.destination} destination."
    return Answer({"file": str(path), "new": added, "line": line["id"]}, [told])


def _answer(telemetry: Telemetry, tried: tuple[Course, ...]) -> Answer:
    if not tried:
        return _nothing(telemetry.status(), telemetry.about())
    failed = [each for each in tried if each.last_error or each.last_status not in SUCCESSES]
    rows = [(each.name, each.endpoint, each.last_status) for each in tried]
    problems = [f"{each.name}: {each.last_error}" for each in failed]
    value = {"sent": not failed, "destinations": [course_value(each) for each in tried]}
    return Answer(value, [Table(rows, ("destination", "address", "answer"))], problems, FAILED if failed else OK)


def _nothing(found: Status, about: About) -> Answer:
    """Say why nothing was sent."""
    gone = [f"{each.endpoint} wants no more: it answered 410." for each in found.destinations if each.is_gone]
    reasons = [*gone, *found.problems]
    if not found.enabled:
        reasons = [state(found, about), *reasons]
    told = ["Nothing was sent.", *(reasons or [f"{about.app} says that it is not set up yet."])]
    return Answer({"sent": False, "destinations": [], "reasons": reasons}, problems=[" ".join(told)], code=FAILED)


def _chosen(found: tuple[Shown, ...], name: str | None) -> Shown:
    names = [each.destination for each in found]
    if name is None and len(found) > 1:
        raise SettingsError([f"There are several destinations: choose one with --destination {' or '.join(names)}."])
    chosen = next((each for each in found if name in (None, each.destination)), None)
    if chosen is None:
        raise SettingsError([f"There is no destination {name!r}: there is {' and '.join(names)}."])
    return chosen


def _header(about: About, shown: Shown) -> dict[str, Any]:
    made = {"id": SystemClock().id(), "made": iso_time(shown.at)}
    return {"homing": "export", "format": FORMAT, "app": about.app, "form": about.policy.wire} | {
        "destination": shown.destination,
        **made,
    }


def _add(path: Path, header: dict[str, Any], line: dict[str, Any]) -> bool:
    """Add a line to a file, which begins with the header; tell whether the file is new."""
    kept = path.read_bytes() if path.exists() else b""
    if kept and _marks(_first(kept)) != _marks(header):
        raise HomingError(f"{path} is something else, and stays as it is: name a new file.")
    lines = [line] if kept else [header, line]
    # A line that was cut off, when a disk was full, must not spoil this one.
    text = "\n" if kept and not kept.endswith(b"\n") else ""
    text += "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in lines)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return not kept


def _first(kept: bytes) -> Any:
    try:
        return json.loads(kept.partition(b"\n")[0])
    except ValueError:
        return None


def _marks(header: Any) -> list[Any] | None:
    return [header.get(name) for name in SAME] if isinstance(header, dict) else None
