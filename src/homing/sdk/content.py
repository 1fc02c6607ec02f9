"""What an application sends, made of the arguments it gave; all that is wrong with them is said at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import homing
from homing.errors import SettingsError
from homing.sdk.build import BuildInfo, values_of
from homing.sdk.destinations import Vendor, vendor_target
from homing.sdk.licence import Ask, Asking
from homing.sdk.payload import FITS, BeforeSend, Row
from homing.sdk.policy import HOUR, NOWHERE, POLICIES, Policy
from homing.sdk.wire.base import Form
from homing.sdk.wire.flowfuse import FlowFuse
from homing.sdk.wire.native import Native
from homing.sdk.wire.posthog import PostHog
from homing.sdk.wire.seqdesk import SeqDesk
from homing.sdk.wire.sirveo import Sirveo

FORMS: Final[Mapping[str, Callable[[], Form]]] = {
    "native": Native,
    "seqdesk": SeqDesk,
    "sirveo": Sirveo,
    "flowfuse": FlowFuse,
    "posthog": PostHog,
}
"""The wire forms by name."""

MOST_NAME: Final = 100
MOST_FIRST_HOURS: Final = 168
MOST_KEY: Final = 200
KEY_SIGNS: Final = "._~+-=:"
PLACES: Final = ("dimensions", "properties")
"""Where an application may add rows."""


class Arguments(NamedTuple):
    """What the application gave, unchecked."""

    app: Any
    version: Any
    policy: Any
    endpoint: Any
    key: Any
    enabled: Any
    rows: Sequence[Row]
    values: Mapping[str, Any]
    interval_hours: Any
    first_seconds: Any
    directory: Any
    file: Any
    licence: Ask | None
    initialised: Callable[[], bool] | None
    before_send: BeforeSend | None
    ca_file: Any
    build: Any


class Content(NamedTuple):
    """What is sent, and how; `told` are values that the application gives itself."""

    policy: Policy
    form: Form
    rows: tuple[Row, ...]
    told: dict[str, Any]
    version: str
    vendor: Vendor
    licence: Asking
    before_send: BeforeSend | None
    ca_file: str | None
    profile: Mapping[str, str] = {}

    @property
    def user_agent(self) -> str:
        """Who speaks."""
        return self.policy.user_agent.format(version=self.version, sdk=homing.__version__)


def compose(given: Arguments) -> Content:
    """Return what is to be sent; raise `SettingsError` with a sentence for each argument that will not do."""
    policy = POLICIES.get(given.policy) if isinstance(given.policy, str) else given.policy
    if not isinstance(policy, Policy) or policy.wire not in FORMS:
        raise SettingsError([*_plain_problems(given), f"policy must be a Policy or one of {', '.join(POLICIES)}."])
    form = FORMS[policy.wire]()
    given = given._replace(key=policy.key if given.key == "" else given.key)
    only_decides = given.endpoint == NOWHERE
    vendor = Vendor(policy.endpoint if only_decides else given.endpoint or policy.endpoint, given.key)
    problems = [
        *_plain_problems(given),
        *_object_problems(given),
        *_event_problems(policy, form),
        *_interval_problems(policy, given),
        *_row_problems(form, given),
    ]
    # Where there are modes an operator's destination will do.
    if not only_decides and (given.endpoint != "" or not policy.name_of("mode")):
        problems += _vendor_problems(
            form, vendor._replace(endpoint=vendor.endpoint if given.endpoint == "" else given.endpoint)
        )
    if problems:
        raise SettingsError(problems)
    rows, ca_file = (*form.rows, *given.rows), None if given.ca_file is None else str(given.ca_file)
    embedded = values_of(given.build or BuildInfo(), (row.name for row in rows))
    told = {**embedded, **given.values}
    return Content(policy, form, rows, told, given.version, vendor, Asking(given.licence), given.before_send, ca_file)


def _vendor_problems(form: Form, vendor: Vendor) -> Iterator[str]:
    try:
        vendor_target(form, vendor)
    except ValueError as reason:
        yield str(reason)


def _interval_problems(policy: Policy, given: Arguments) -> Iterator[str]:
    least, most = policy.interval.least // HOUR, policy.interval.most // HOUR
    hours = given.interval_hours
    if hours is not None and (not _is_whole(hours) or not least <= hours <= most):
        yield f"interval_hours must be a whole number from {least} to {most}."


def _event_problems(policy: Policy, form: Form) -> Iterator[str]:
    if policy.events and not form.has_id:
        yield f"policy cannot have events: the form {form.name} has no place for them."


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
    first = given.first_seconds
    if first is not None and not (isinstance(first, int | float) and 0 <= first <= MOST_FIRST_HOURS * HOUR):
        yield f"first_seconds must be a number of seconds from 0 to {MOST_FIRST_HOURS} hours."
    for name in ("directory", "file", "ca_file"):
        if not isinstance(getattr(given, name), Path | str | None) or getattr(given, name) == "":
            yield f"{name} must be a path or None."


def _object_problems(given: Arguments) -> Iterator[str]:
    if not isinstance(given.build, BuildInfo | None):
        yield "build must be a BuildInfo or None."
    for name in ("licence", "initialised", "before_send"):
        if getattr(given, name) is not None and not callable(getattr(given, name)):
            yield f"{name} must be a function or None."


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
