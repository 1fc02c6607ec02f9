"""What apps and their dimensions may be called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homing.errors import AccountError, NameTaken
from homing.server.accounts.apps import add_app
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


def test_a_name_is_taken(place: Site) -> None:
    """An owner has one app of a name."""
    add(place, "app")
    with pytest.raises(NameTaken):
        add(place, "app")
