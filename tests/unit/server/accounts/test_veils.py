"""The secrets behind keyed hashes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homing.server.accounts.veils import Veils
from tests.receiving import Site, site

ADDRESS = "192.0.2.7"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Site]:
    """A receiver."""
    with site(tmp_path) as made:
        yield made


def test_addresses_are_linked_for_30_days(place: Site) -> None:
    """After 30 days there is another secret, in every process, and nothing is left of the one before."""
    one, other = Veils(place.control, place.clock), Veils(place.control, place.clock)
    first = one.address(ADDRESS)
    [held] = place.sql("SELECT value FROM secret WHERE name = 'addresses'")
    place.clock.advance(days=29, seconds=86_399)
    one.refresh()
    assert [first] * 2 == [each.address(ADDRESS) for each in (one, Veils(place.control, place.clock))]
    place.clock.advance(seconds=1)
    one.refresh()
    other.refresh()
    second = one.address(ADDRESS)
    assert first != second == other.address(ADDRESS) == Veils(place.control, place.clock).address(ADDRESS)
    kept = place.sql("SELECT value FROM secret")
    assert 2 == len(kept)
    assert held not in kept


def test_instances_are_the_same_for_ever(place: Site) -> None:
    """What stands for an id that tells too much stays the same, whatever process looks at it, and when."""
    before = Veils(place.control, place.clock).of(1).instance("ann@example.com")
    place.clock.advance(days=400)
    assert before == Veils(place.control, place.clock).of(1).instance("ann@example.com")
