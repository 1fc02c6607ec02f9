"""Sirveo's event, statement by statement of document 001."""

import json
from typing import Any

import pytest

from homing.outcomes import Refusal
from homing.ping import Ping
from homing.sdk.wire.sirveo import checksum
from homing.server.dialects.base import Reading, Request
from homing.server.dialects.sirveo import Sirveo

NOW = 1_728_000_000_123
HEADERS = {"user-agent": "Sirveo", "content-type": "application/json"}
EVENT = {
    "build_version": "0.1.0",
    "build_commit": "4379644",
    "build_time": "2024-02-16T23:06:23+02:00",
    "build_mode": "licenced",
    "build_os": "windows",
    "build_arch": "amd64",
    "instance_id": "4915a241-ba4e-4cfc-b1b2-3bb2b5a1c0de",
    "license_key_hash": "e88394fedd7157",
    "license_valid": True,
    "reason": "begin",
    "checksum": "e7916a6b1daa5149",
}
"""As the document has it."""


def reading(body: Any) -> Reading:
    """Read an event."""
    return Sirveo().read(Request(HEADERS, json.dumps(body).encode(), 7, NOW, frozenset()))


def read(**changes: Any) -> Ping:
    """Return the ping of an event with some values changed."""
    [item] = reading({**EVENT, **changes}).items
    assert isinstance(item, Ping)
    return item


def refusal(**changes: Any) -> str:
    """Return the name of an event's refusal."""
    with pytest.raises(Refusal) as caught:
        read(**changes)
    return caught.value.outcome.name


def test_the_build() -> None:
    """What was built is counted: version, mode, system and processor; commit and time are kept."""
    # 001-16
    ping = read()
    assert {"version": "0.1.0", "platform": "windows", "arch": "amd64", "build_mode": "licenced"} == {
        name: value for name, value in ping.dimensions.items() if name != "license_valid"
    }
    kept = ("4379644", "2024-02-16T23:06:23+02:00")
    assert kept == (ping.properties["build_commit"], ping.properties["build_time"])
    assert "shape" == refusal(build_version=1)


def test_the_instance() -> None:
    """`instance_id` is the ping's instance, as sent."""
    # 001-17
    assert "4915a241-ba4e-4cfc-b1b2-3bb2b5a1c0de" == read().instance
    assert "shape" == refusal(instance_id=None)


def test_the_licence() -> None:
    """The hash of its key is kept where there is one; whether it is valid is counted."""
    # 001-18
    assert "e88394fedd7157" == read().properties["license_key_hash"]
    assert "license_key_hash" not in read(license_key_hash=None).properties
    assert ["true", "false"] == [read(license_valid=each).dimensions["license_valid"] for each in (True, False)]
    assert "license_valid" not in read(license_valid=None).dimensions
    assert "shape" == refusal(license_valid="yes")


def test_the_checksum() -> None:
    """Any checksum is taken and kept; it is said whether it is that of Homing's sending side."""
    # 001-19
    assert ("e7916a6b1daa5149", False) == _checked(read())
    own = checksum({**EVENT, "custom_id": "Köln"})
    assert (own, True) == _checked(read(custom_id="Köln", checksum=own))
    assert (own, False) == _checked(read(custom_id="Koeln", checksum=own))
    assert "checksum_matches" not in read(checksum=None).properties


def _checked(ping: Ping) -> tuple[str, bool]:
    return ping.properties["checksum"], ping.properties["checksum_matches"]


def test_a_checksum_is_that_of_all_that_was_sent() -> None:
    """Also of what is dropped, and of what is null."""
    for sent in ({**EVENT, "hostname": "secret"}, {**EVENT, "custom_id": None}):
        assert checksum(sent) != checksum(EVENT)
        for own in (checksum(sent), checksum(EVENT), checksum(sent).upper(), checksum(sent) + "0"):
            assert (own, own == checksum(sent)) == _checked(read(**{**sent, "checksum": own}))


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"hostname": "\x00"}, "text"),
        ({"custom_id": "\x00"}, "text"),
        ({"custom_id": "\ud800"}, "text"),
        ({"hostname": 2**63}, "number"),
        ({"custom_id": "," * 50_001}, "too_many"),
    ],
)
def test_what_every_body_is_looked_at_for(more: dict[str, Any], name: str) -> None:
    """However an event is read, nothing stands in it that no body may hold."""
    assert name == refusal(**more)


def test_the_operators_name() -> None:
    """`custom_id` is kept where it is sent."""
    # 001-20
    assert "rack 4" == read(custom_id="rack 4").properties["custom_id"]
    assert "custom_id" not in read().properties


@pytest.mark.parametrize("reason", ["begin", "update", "license-state-change", "end"])
def test_reasons(reason: str) -> None:
    """The reason is the kind, and each event is one for the history."""
    assert (reason, False) == (read(reason=reason).kind, read(reason=reason).repeats)


def test_an_event_has_no_time_of_its_own() -> None:
    """The time of receipt is the event's time, and it has no id: each one is a request."""
    ping = read()
    assert (7, NOW, NOW, None, None) == (ping.app, ping.at, ping.received, ping.id, ping.credential)


def test_nothing_else_is_kept() -> None:
    """Keys that the document does not list are dropped, and counted."""
    found = reading({**EVENT, "hostname": "secret", "os": {"release": "6.1"}})
    assert (2, list(reading(EVENT).items)) == (found.dropped, list(found.items))
