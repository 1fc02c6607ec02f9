"""The steps every ping goes through, whatever its dialect. A step returns the ping, changed or not, or refuses it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from homing.clock import DAY_MS, day_of
from homing.outcomes import Refusal
from homing.ping import CORE_DIMENSIONS, HEARTBEATS, MOST_VALUE, NOT_REPORTED, OTHER, TURNS, UPDATE_STATE, Ping
from homing.server.ingest.veil import LOOKED_AT, Veil, looks_like

MOST_ID: Final = 200
MOST_KIND: Final = 100
MOST_PROPERTIES: Final = 64 * 1024
BUILT_IN: Final = frozenset({*CORE_DIMENSIONS, UPDATE_STATE})
ADDRESS: Final = "address_hash"
"""The property that holds the keyed hash of the sender's address."""

IDS: Final = frozenset({"instance_id", "distinct_id", "device_id", "$device_id", "$anon_distinct_id", "$user_id"})
"""Properties that hold ids as well."""

_PROPERTIES: Final = Ping._fields.index("properties")

KNOWN_KINDS: Final = HEARTBEATS | TURNS

RESERVED: Final = (OTHER, NOT_REPORTED)
UPDATE_STATES: Final = frozenset({"latest", "outdated", "ahead"})

_control: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Context(NamedTuple):
    """What a step may know beside the ping: the size of the request's body in bytes, the app's dimensions and days.

    `veil` hides instance ids that tell too much. `address` is the keyed hash of the sender's address, None where it is
    not kept.
    """

    size: int
    dimensions: frozenset[str]
    retention_days: int
    veil: Veil
    address: str | None = None


def check_instance(ping: Ping, _context: Context) -> Ping:
    """Refuse an instance id that is empty, too long or holds control characters."""
    if ping.instance is not None and not _is_name(ping.instance, MOST_ID):
        raise Refusal("instance_id")
    return ping


def hide_instance(ping: Ping, context: Context) -> Ping:
    """Replace ids that look like an address, an e-mail, a MAC or a path by keyed hashes, wherever they stand."""
    shown = ping.instance
    hidden = None if shown is None else context.veil.instance(shown)
    if hidden == shown and IDS.isdisjoint(ping.properties):
        return ping
    ids = {name: ping.properties[name] for name in IDS.intersection(ping.properties)}
    others = {name: context.veil.instance(each) for name, each in ids.items() if isinstance(each, str)}
    if hidden is not None and hidden != shown:
        others |= {name: hidden for name, each in ping.properties.items() if each == shown}
    elif others.items() <= ids.items():
        return ping
    return ping._replace(instance=hidden, properties={**ping.properties, **others})


def note_address(ping: Ping, context: Context) -> Ping:
    """Keep the hash of the sender's address, where that is wanted."""
    if context.address is None:
        return ping
    properties = {**ping.properties, ADDRESS: context.address}
    # That takes a third less than `_replace`.
    return Ping._make((*ping[:_PROPERTIES], properties, *ping[_PROPERTIES + 1 :]))


def check_id(ping: Ping, _context: Context) -> Ping:
    """Refuse a ping id that is empty, too long or holds control characters."""
    if ping.id is not None and not _is_name(ping.id, MOST_ID):
        raise Refusal("ping_id")
    return ping


def check_kind(ping: Ping, _context: Context) -> Ping:
    """Refuse a kind that is empty, too long, holds control characters or is reserved."""
    if not is_kind(ping.kind):
        raise Refusal("kind")
    return ping


def is_kind(text: str) -> bool:
    """Tell whether a text may be the kind of a ping."""
    return _is_name(text, MOST_KIND) and text not in RESERVED


def check_clock(ping: Ping, context: Context) -> Ping:
    """Refuse pings for days that are no longer kept, or more than 24 hours ahead."""
    if ping.at == ping.received:
        return ping
    if ping.at > ping.received + DAY_MS:
        raise Refusal("from_future")
    if day_of(ping.at) <= day_of(ping.received) - context.retention_days:
        raise Refusal("too_old")
    return ping


def keep_declared(ping: Ping, context: Context) -> Ping:
    """Move dimensions that the app does not have to the properties: only enumerated ones are counted."""
    if ping.dimensions.keys() <= context.dimensions:
        return ping
    declared = {name: value for name, value in ping.dimensions.items() if name in context.dimensions}
    others = {name: value for name, value in ping.dimensions.items() if name not in context.dimensions}
    return ping._replace(dimensions=declared, properties={**others, **ping.properties})


def check_dimensions(ping: Ping, _context: Context) -> Ping:
    """Refuse dimension values that are no text, empty, too long, hold control characters or are reserved."""
    given: Mapping[str, Any] = ping.dimensions
    for name, value in given.items():
        # Nearly every value is a short printable text, and a call for each would take most of the time.
        fits = isinstance(value, str) and 0 < len(value) <= MOST_VALUE and value.isprintable()
        if not (fits or (isinstance(value, str) and _is_name(value, MOST_VALUE))) or value in RESERVED:
            raise Refusal("dimension", f"{name} must be text of 1 to 100 characters, none of them a control character.")
    if ping.dimensions.get(UPDATE_STATE, "latest") not in UPDATE_STATES:
        raise Refusal("dimension", f"{UPDATE_STATE} must be one of {', '.join(sorted(UPDATE_STATES))}.")
    return ping


def check_properties(ping: Ping, context: Context) -> Ping:
    """Refuse properties larger than 64 KiB of JSON."""
    if context.size > MOST_PROPERTIES and len(msgspec.json.encode(dict(ping.properties))) > MOST_PROPERTIES:
        raise Refusal("properties")
    return ping


Step = Callable[[Ping, Context], Ping]

STEPS: Final[tuple[Step, ...]] = (
    check_instance,
    keep_declared,
    hide_instance,
    note_address,
    check_id,
    check_kind,
    check_clock,
    check_dimensions,
    check_properties,
)
"""The steps in the order in which they are taken."""


def take(ping: Ping, context: Context) -> Ping:
    """Take a ping through every step; raise the `Refusal` of the first that will not have it."""
    for step in STEPS:
        ping = step(ping, context)
    return ping


def judge(item: Ping | Refusal, context: Context) -> Ping | Refusal:
    """Take an item through the steps: return it as the ping to record, or as the refusal it met."""
    if isinstance(item, Refusal):
        return item
    try:
        return take(item, context)
    except Refusal as refusal:
        return refusal


def judge_all(items: Sequence[Ping | Refusal], context: Context) -> list[Ping | Refusal]:
    """Judge the items of a request, each as `judge` does.

    Nearly every ping is as usual, and to see that takes a fraction of what its steps take.
    """
    judged: list[Ping | Refusal] = []
    known: Mapping[str, str] | None = None
    for item in items:
        if (
            not isinstance(item, Refusal)
            # Events of a batch share their dimensions, which then are looked at once.
            and (item.dimensions is known or _are_usual(item.dimensions, context))
            and _is_usual(item, context)
        ):
            known = item.dimensions
            judged.append(item if context.address is None else note_address(item, context))
        else:
            judged.append(judge(item, context))
    return judged


def _is_usual(ping: Ping, context: Context) -> bool:
    """Say whether every step would leave a ping as it is, its dimensions and its sender's address aside.

    What this does not know to be so, the steps look at.
    """
    instance, name, kind, properties = ping.instance, ping.id, ping.kind, ping.properties
    return (
        context.size <= MOST_PROPERTIES
        and (
            instance is None
            or (0 < len(instance) <= MOST_ID and instance.isprintable() and looks_like(instance) is None)
        )
        and (name is None or (0 < len(name) <= MOST_ID and name.isprintable()))
        and (kind in KNOWN_KINDS or is_kind(kind))
        and (ping.at == ping.received or -DAY_MS <= ping.received - ping.at < (context.retention_days - 1) * DAY_MS)
        and _are_plain(properties, instance)
    )


def _are_plain(properties: Mapping[str, Any], instance: str | None) -> bool:
    """Say whether the ids in properties are the instance's own, or tell no more than it does."""
    for name in IDS:
        text = properties.get(name)
        if text is not None and text != instance and isinstance(text, str) and looks_like(text[:LOOKED_AT]) is not None:
            return False
    return True


def _are_usual(dimensions: Mapping[str, Any], context: Context) -> bool:
    """Say whether dimensions are the app's, and their values printable texts, short even together, none reserved."""
    values = dimensions.values()
    try:
        joined = "".join(values)
    except TypeError:
        return False
    return (
        len(joined) <= MOST_VALUE
        and joined.isprintable()
        # What is reserved stands in parentheses.
        and "(" not in joined
        and all(values)
        and context.dimensions.issuperset(dimensions)
        and (UPDATE_STATE not in dimensions or dimensions[UPDATE_STATE] in UPDATE_STATES)
    )


def _is_name(text: str, most: int) -> bool:
    # Nearly every name is printable, and that is told three times faster than the search below.
    return 0 < len(text) <= most and (text.isprintable() or _control.search(text) is None)
