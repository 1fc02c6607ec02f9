"""What an application sends, made of the arguments it gave; all that is wrong with them is said at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.errors import SettingsError
from homing.sdk import endpoint as addresses
from homing.sdk.endpoint import Endpoint
from homing.sdk.payload import FITS, Row
from homing.sdk.schedule import LEAST_HOURS, MOST_HOURS
from homing.sdk.wire.base import Form
from homing.sdk.wire.native import Native
from homing.sdk.wire.seqdesk import SeqDesk

FORMS: Final[Mapping[str, Callable[[], Form]]] = {"native": Native, "seqdesk": SeqDesk}
"""The wire forms by name."""

MOST_NAME: Final = 100
MOST_KEY: Final = 200
KEY_SIGNS: Final = "._~+-=:"
PLACES: Final = ("dimensions", "properties")
"""Where an application may add rows."""


class Arguments(NamedTuple):
    """What the application gave, unchecked."""

    app: Any
    version: Any
    endpoint: Any
    key: Any
    enabled: Any
    wire: Any
    rows: Sequence[Row]
    values: Mapping[str, Any]
    interval_hours: Any
    first_seconds: Any
    directory: Any


class Content(NamedTuple):
    """What is sent, where, and in which form; `told` are values that the application gives itself."""

    form: Form
    rows: tuple[Row, ...]
    told: Mapping[str, Any]
    version: str
    target: Endpoint
    key: str


def compose(given: Arguments) -> Content:
    """Return what is to be sent; raise `SettingsError` with a sentence for each argument that will not do."""
    problems = [*_plain_problems(given)]
    make = FORMS.get(given.wire)
    if make is None:
        raise SettingsError([*problems, f"wire must be one of {', '.join(FORMS)}."])
    form = make()
    problems += _row_problems(form, given)
    try:
        target = _target(form, given)
    except ValueError as reason:
        raise SettingsError([*problems, str(reason)]) from None
    if problems:
        raise SettingsError(problems)
    return Content(form, (*form.rows, *given.rows), dict(given.values), given.version, target, given.key)


def _target(form: Form, given: Arguments) -> Endpoint:
    try:
        parsed = addresses.parse(given.endpoint)
    except ValueError as reason:
        raise ValueError(f"endpoint {reason}.") from None
    return form.target(parsed, given.key)


def _plain_problems(given: Arguments) -> Iterator[str]:
    if not _is_name(given.app):
        yield f"app must be a name of 1 to {MOST_NAME} letters, digits, '.', '-' and '_' that begins with a letter."
    if not _is_ascii(given.version, MOST_NAME) or given.version != given.version.strip():
        yield f"version must be text of 1 to {MOST_NAME} characters in ASCII."
    if given.key != "" and not (
        _is_ascii(given.key, MOST_KEY) and all(c.isalnum() or c in KEY_SIGNS for c in given.key)
    ):
        yield "key must be the app's key, as the receiver shows it."
    if not isinstance(given.enabled, bool | None):
        yield "enabled must be True, False or None."
    if not _is_whole(given.interval_hours) or not LEAST_HOURS <= given.interval_hours <= MOST_HOURS:
        yield f"interval_hours must be a whole number from {LEAST_HOURS} to {MOST_HOURS}."
    if not isinstance(given.first_seconds, int | float) or not 0 <= given.first_seconds <= MOST_HOURS * 3600:
        yield f"first_seconds must be a number of seconds from 0 to {MOST_HOURS} hours."
    if not isinstance(given.directory, Path | str | None) or given.directory == "":
        yield "directory must be a path or None."


def _row_problems(form: Form, given: Arguments) -> Iterator[str]:
    if given.rows and not form.is_open:
        yield f"rows cannot be given: the form {form.name} has no other fields than its own."
    taken = {row.name for row in form.rows}
    for row in given.rows:
        place, _, name = row.name.partition(".")
        if place not in PLACES or not _is_name(name) or "." in name or row.name in taken:
            yield f"The row {row.name!r} must have a new name of the form dimensions.name or properties.name."
        if row.type not in FITS:
            yield f"The row {row.name!r} must have one of the types {', '.join(FITS)}."
        taken.add(row.name)
    tellable = {row.name for row in (*form.rows, *given.rows) if row.may_be_told}
    for name in given.values.keys() - tellable:
        yield f"values holds {name!r}, which is none of {', '.join(sorted(tellable))}."


def _is_name(text: Any) -> bool:
    if not _is_ascii(text, MOST_NAME):
        return False
    return text[0].isalpha() and all(each.isalnum() or each in "._-" for each in text)


def _is_ascii(text: Any, most: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= most and text.isascii() and text.isprintable()


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
