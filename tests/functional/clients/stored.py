"""Compares events of PostHog's clients with what a receiver has stored."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homing.clock import parse_time
from homing.server.stores.base import Entry
from tests.functional.clients.conftest import Place

SLOWEST_MS: Final = 30_000
NOT_KEPT: Final = frozenset({"token", "distinct_id"})
"""Properties that are none: a browser's key, and the instance."""


def check(place: Place, sent: Sequence[Mapping[str, Any]]) -> None:
    """Each event is in the history once, with its name, its time, its instance and every property."""
    left = sorted(place.entries(), key=lambda entry: entry.at)
    assert len(sent) == len(left) == place.requests()
    for event in sent:
        entry = next((each for each in left if fits(each, event)), None)
        assert entry is not None, event
        left.remove(entry)
    assert {instance_of(event) for event in sent} == place.instances().keys()


def instance_of(event: Mapping[str, Any]) -> str:
    """Return the instance that an event is of."""
    properties = event["properties"]
    named: str = properties.get("instance_id") or event.get("distinct_id") or properties["distinct_id"]
    return named


def fits(entry: Entry, event: Mapping[str, Any]) -> bool:
    """Return whether an entry of the history is an event that was sent."""
    late = entry.at - parse_time(event["timestamp"].replace(" ", "T"))
    same = (entry.kind, entry.instance_id) == (event["event"], instance_of(event))
    kept = {name: value for name, value in event["properties"].items() if name not in NOT_KEPT}
    return same and 0 <= late + 1 < SLOWEST_MS and kept.items() <= entry.properties.items()
