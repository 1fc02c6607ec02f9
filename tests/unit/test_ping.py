"""The one internal record."""

import pytest

from homing.ping import CORE_DIMENSIONS, HEARTBEATS, KIND, NOT_REPORTED, NOTHING, OTHER, UPDATE_STATE, Ping


def test_a_ping_needs_little() -> None:
    """App, instance, kind and times make a ping; it carries nothing else unless it is given."""
    ping = Ping(1, None, "check", 2, 3)
    assert (None, {}, {}, None) == (ping.id, ping.dimensions, ping.properties, ping.credential)


def test_what_repeats() -> None:
    """Checks and heartbeats repeat, unless they are sent as events; nothing else does."""
    ping = Ping(1, None, "heartbeat", 2, 3)
    assert [True, True, False, False] == [
        each.repeats
        for each in (ping, ping._replace(kind="check"), ping._replace(is_event=True), ping._replace(kind="x"))
    ]


def test_a_ping_does_not_change() -> None:
    """Neither a field nor the shared empty mapping can be written."""
    ping = Ping(1, "x", "check", 2, 3)
    with pytest.raises(AttributeError):
        ping.app = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        NOTHING["version"] = "1"  # type: ignore[index]


def test_names_of_dimensions_differ() -> None:
    """No built-in dimension has the name of another, and what cannot be sent looks like it."""
    assert 6 == len({*CORE_DIMENSIONS, UPDATE_STATE, KIND})
    assert all(name.startswith("(") and name.endswith(")") for name in (OTHER, NOT_REPORTED))
    assert {"check", "heartbeat"} == HEARTBEATS
