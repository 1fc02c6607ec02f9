"""How an event of PostHog's becomes a ping: the same for every version of the protocol."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from homing.clock import parse_time
from homing.outcomes import Refusal
from homing.ping import NOTHING, Ping
from homing.server.dialects.base import Answer, Request, check, fits, major, refused, text_in

NAME: Final = "posthog"
NODE: Final = "node"
MOST_EVENTS: Final = 1000
MOST_HEADER: Final = 200
"""So much of a header is kept, with every event of its request."""

ALIASES: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "version": ("app_version", "$app_version"),
        "channel": ("channel",),
        "platform": ("os_platform", "$os"),
        "arch": ("arch", "os_arch"),
        "release": ("release",),
        "lib": ("$lib",),
        "browser": ("$browser",),
    }
)
"""Which properties a dimension is taken from: the first that is there."""

RUNTIME: Final = "node_version"
"""Of this property the dimension `node` is made."""

_COUNTED: Final = (*(name for names in ALIASES.values() for name in names), RUNTIME)
_COUNTED_AS: Final = tuple(dimension for dimension, names in ALIASES.items() for _ in names)

DIMENSIONS: Final = frozenset({NODE, "release", "lib", "browser"})

KEY_NAMES: Final = ("api_key", "token", "$token")
"""What the project's key is called, in an envelope, an event, its properties or the address."""

ADDRESS: Final = "$ip"
"""Never kept, whoever sends it."""

KEYS: Final = frozenset(
    {"event", "distinct_id", "properties", "timestamp", "uuid", "offset", "sent_at", "historical_migration"}
)
"""The keys of an event. Any other is kept as a property, but the project's key and an address."""

HIDDEN: Final = frozenset({*KEY_NAMES, ADDRESS})

NUMBERS: Final = (int, float)
"""Which truths are, too."""

IS_EVENT: Final = True
IS_KEPT: Final = True

IDS: Final = (str, *NUMBERS)

AGENT: Final = "$user_agent"

CORS: Final = (("access-control-allow-origin", "*"), ("access-control-expose-headers", "Retry-After"))
"""Pages of any origin may send: what lets a ping in is its key, and no cookie is looked at or set."""

ALLOWED: Final = (
    *("Authorization", "Content-Encoding", "Content-Type", "X-Requested-With"),
    *("PostHog-Attempt", "PostHog-Request-Id", "PostHog-Request-Timestamp", "PostHog-Sdk-Info"),
)
"""The headers that pages of other origins may send."""

PREFLIGHT: Final = Answer(
    204,
    b"",
    (
        *CORS,
        ("access-control-allow-methods", "GET, POST, OPTIONS"),
        ("access-control-allow-headers", ", ".join(ALLOWED)),
        ("access-control-max-age", "86400"),
    ),
)


class Sent(NamedTuple):
    """What holds for all events of a request.

    `is_sound` says that none of them need be checked. `skew` is how far the receiver's clock is ahead of the sender's,
    in milliseconds. `added` are properties that events have unless they say otherwise. `known` are dimensions by the
    values they were made of: most events of a request share them.
    """

    request: Request
    is_sound: bool
    skew: int
    added: Mapping[str, Any]
    known: dict[tuple[Any, ...], dict[str, str]]


def events(values: Any, sent: Sent) -> list[Ping | Refusal]:
    """Return the pings of a list of events; a bad one is refused alone."""
    if not isinstance(values, list):
        raise Refusal("shape", "batch is a list of events.")
    if len(values) > MOST_EVENTS:
        raise Refusal("too_many", f"Send at most {MOST_EVENTS} events in one request.")
    return [_try(each, sent) for each in values]


def skew(request: Request, sent_at: Any) -> int:
    """Return how far the receiver's clock is ahead of one that says it is `sent_at`; 0 where it says nothing."""
    try:
        return request.received - moment(sent_at)
    except Refusal:
        return 0


def moment(text: Any) -> int:
    """Return the milliseconds of a time of ISO 8601, in UTC where it has no offset; raise `Refusal`."""
    found = None
    if isinstance(text, str):
        found = _moment(text)
        if found is None:
            found = _moment(f"{text}Z")
    if found is None:
        raise Refusal("shape", "timestamp is a time of the form 2026-11-22T10:44:55Z.")
    return found


def _moment(text: str) -> int | None:
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        return None


def agent(request: Request) -> Mapping[str, str]:
    """Return the property that the sender's User-Agent is kept as."""
    text = request.headers.get("user-agent", "")[:MOST_HEADER]
    return {AGENT: text} if text.isprintable() and text else NOTHING


def refused_anywhere(refusal: Refusal) -> Answer:
    """Return the usual answer to a refused request, for pages of any origin to see."""
    answer = refused(refusal)
    return answer._replace(headers=(*answer.headers, *CORS))


def _try(value: Any, sent: Sent) -> Ping | Refusal:
    try:
        if not sent.is_sound:
            check(value)
        return _ping(value, sent)
    except Refusal as refusal:
        return refusal


def _ping(value: Any, sent: Sent) -> Ping:
    if not isinstance(value, dict):
        raise Refusal("shape", "An event is a JSON object.")
    given = value.get("properties") or {}
    if not isinstance(given, dict):
        raise Refusal("shape", "properties is an object.")
    # What was read belongs to nobody else: a copy of each would take longer than all that is asked of it here.
    properties = given if value.keys() <= KEYS else {**_others(value), **given}
    for name, each in sent.added.items():
        properties.setdefault(name, each)
    if not properties.keys().isdisjoint(HIDDEN):
        for name in HIDDEN.intersection(properties):
            del properties[name]
    request = sent.request
    instance = _instance(value, properties)
    kind = text_in(value, "event") or ""
    at = _at(value, properties, sent)
    unique = text_in(value, "uuid")
    dimensions = _dimensions(properties, sent.known)
    # By the names of its fields it takes twice as long.
    return Ping._make(
        (request.app, instance, kind, at, request.received, unique, dimensions, properties, None, IS_EVENT, IS_KEPT)
    )


def _others(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands beside the keys of an event. Version 1 has options that say nothing with every event."""
    return {name: each for name, each in value.items() if name not in KEYS and each != {}}


def _instance(value: Mapping[str, Any], properties: dict[str, Any]) -> str:
    """Return the instance; where that is not the `distinct_id`, which is then kept as a property."""
    sent, own = value.get("distinct_id"), properties.get("instance_id")
    # Nearly every event has one text for both, or for the one alone.
    if sent and isinstance(sent, str) and (own is None or own == sent):
        return sent
    distinct = _name(sent) or _name(properties.get("distinct_id"))
    instance = _name(own)
    if not (instance or distinct):
        raise Refusal("shape", "distinct_id is text, and required.")
    if instance and distinct not in (instance, ""):
        properties["distinct_id"] = distinct
    return instance or distinct


def _name(given: Any) -> str:
    """Return an id as text; senders also have numbers for ids."""
    return str(given) if isinstance(given, IDS) and not isinstance(given, bool) else ""


def _at(value: Mapping[str, Any], properties: Mapping[str, Any], sent: Sent) -> int:
    """Return the event's own time by the receiver's clock; the time of receipt where it has none."""
    offset = value.get("offset")
    if offset is not None and isinstance(offset, NUMBERS) and not isinstance(offset, bool):
        return sent.request.received - int(offset)
    timestamp = value.get("timestamp")
    if timestamp is None:
        return sent.request.received
    options = value.get("options")
    is_exact = isinstance(options, dict) and options.get("disable_skew_correction") is True
    return moment(timestamp) + (0 if is_exact or properties.get("$ignore_sent_at") is True else sent.skew)


def _dimensions(properties: Mapping[str, Any], known: dict[tuple[Any, ...], dict[str, str]]) -> dict[str, str]:
    """Return what can be counted; the properties stay as they are."""
    given = tuple(map(properties.get, _COUNTED))
    try:
        found = known.get(given)
    except TypeError:
        # There is a list or an object among them.
        return _counted(given)
    if found is None:
        found = known[given] = _counted(given)
    return found


def _counted(given: Sequence[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for dimension, text in zip(_COUNTED_AS, given[:-1], strict=True):
        if text is not None and isinstance(text, str) and dimension not in found and fits(text):
            found[dimension] = text
    runtime = given[-1]
    node = major(runtime) if isinstance(runtime, str) else None
    if node:
        found[NODE] = node
    return found
