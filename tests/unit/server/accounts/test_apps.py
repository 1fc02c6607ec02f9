"""What apps and their dimensions may be called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homing.errors import AccountError, NameTaken
from homing.server.accounts.apps import (
    MOST_DIMENSIONS,
    add_app,
    demand_bearer,
    keep_addresses,
    restore_app,
    retire_app,
)
from homing.server.accounts.keys import make_key
from homing.server.stores.base import App
from tests.receiving import Site, site


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Site]:
    """A receiver with one owner."""
    with site(tmp_path) as made:
        yield made


def add(place: Site, name: str, *dimensions: str) -> App:
    """Add an app to the receiver's owner."""
    [owner] = place.control.owners()
    return add_app(place.control, place.clock, owner=owner, name=name, dimensions=dimensions)


@pytest.mark.parametrize("name", ["a", "My App (beta)", "x_y.z-1+2", "Ätna", "a" * 100])
def test_good_names(place: Site, name: str) -> None:
    """Letters, digits and a few signs make a name."""
    assert name == add(place, name).name


@pytest.mark.parametrize("name", ["", " a", "(requests)", "a\nb", "a/b", "a" * 101, "\x00"])
def test_bad_names(place: Site, name: str) -> None:
    """Nothing else does."""
    with pytest.raises(AccountError, match="name begins with"):
        add(place, name)


@pytest.mark.parametrize("dimension", ["(requests)", "Edition", "9", "a b", "", "a" * 51])
def test_bad_dimensions(place: Site, dimension: str) -> None:
    """A dimension cannot be mistaken for anything that is kept beside dimensions."""
    with pytest.raises(AccountError, match="dimension's name"):
        add(place, "app", dimension)


def test_dimensions_are_kept_once(place: Site) -> None:
    """A dimension declared twice stands once."""
    assert ("edition", "runtime") == add(place, "app", "edition", "runtime", "edition").dimensions


def test_most_dimensions(place: Site) -> None:
    """An app has fifty dimensions of its own at most, each counted once."""
    names = [f"d{number}" for number in range(MOST_DIMENSIONS + 1)]
    assert MOST_DIMENSIONS == len(add(place, "one", *names[:-1], *names[:-1]).dimensions)
    with pytest.raises(AccountError, match="at most 50 dimensions"):
        add(place, "two", *names)


def test_what_others_chose_meanwhile_stays(place: Site) -> None:
    """Changing one thing of an app that was read earlier leaves alone what somebody else changed since."""
    read = add(place, "app")
    make_key(place.control, place.clock, app=read, scope="bearer")
    demand_bearer(place.control, place.clock, app=read, demanded=True)
    assert [True, False] == [each(place.control, app=read).retired for each in (retire_app, restore_app)]
    assert keep_addresses(place.control, app=read, keeps=True).keeps_addresses
    [found] = place.control.apps()
    assert read._replace(demands_bearer=True, keeps_addresses=True) == found


def test_a_name_is_taken(place: Site) -> None:
    """An owner has one app of a name."""
    add(place, "app")
    with pytest.raises(NameTaken):
        add(place, "app")
