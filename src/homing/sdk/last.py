"""What was last sent to a destination, and what came of it: in a file, for whoever looks from another process.

Each destination has a small file of its own in the directory. The store is no place for it: it may be a settings file
that people edit. It holds what the preview shows, so no secret header.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from homing.sdk.status import Course, Shown
from homing.sdk.stores import replace


class Last(NamedTuple):
    """The last attempt, and the last request as it may be seen. Times are milliseconds since 1970-01-01 UTC."""

    attempt: int
    success: int | None = None
    status: int | None = None
    error: str | None = None
    shown: Shown | None = None


def write_last(directory: Path, destination: str, *, last: Last) -> None:
    """Keep what was last sent to a destination; raise `OSError` where that is impossible."""
    shown = last.shown and {**last.shown._asdict(), "body": last.shown.body.decode()}
    kept = {**last._asdict(), "shown": shown}
    replace(_file(directory, destination), f"{json.dumps(kept, ensure_ascii=False, indent=2)}\n")


def read_last(directory: Path | None, destination: str) -> Last | None:
    """Return what any process last sent to a destination; None where nobody knows."""
    if directory is None:
        return None
    try:
        return _last(json.loads(_file(directory, destination).read_text(encoding="utf-8")))
    # Nothing depends on it: what is damaged is not there.
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def later(course: Course, last: Last | None) -> Course:
    """Return what came of the attempts, or of those of another process where that tried later."""
    if last is None or last.attempt <= (course.last_attempt or 0):
        return course
    return course._replace(
        last_attempt=last.attempt, last_success=last.success, last_status=last.status, last_error=last.error
    )


def _last(kept: dict[str, Any]) -> Last:
    success, status = kept["success"], kept["status"]
    if not isinstance(success, int | None) or not isinstance(status, int | None):
        raise TypeError
    return Last(int(kept["attempt"]), success, status, kept["error"], kept["shown"] and _shown(kept["shown"]))


def _shown(kept: dict[str, Any]) -> Shown:
    headers = tuple((str(name), str(text)) for name, text in kept["headers"])
    body, at = kept["body"].encode(), int(kept["at"])
    return Shown(str(kept["destination"]), str(kept["url"]), headers, body, at, str(kept["note"]))


def _file(directory: Path, destination: str) -> Path:
    return directory / f"last-{destination}.json"
