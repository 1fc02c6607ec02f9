"""A store is chosen by its URL."""

from pathlib import Path

import pytest

from homing.errors import SettingsError, StartError
from homing.server.stores.base import Options
from homing.server.stores.registry import open_store
from homing.testing import FixedClock


def test_a_new_file_is_made(tmp_path: Path, clock: FixedClock) -> None:
    """Opening a store makes its file and its tables; opening it again finds what is there."""
    url = f"sqlite:///{tmp_path / 'var' / 'homing.db'}"
    store, control = open_store(url, clock, options=Options())
    control.add_owner("admin", "hash", now=clock.now(), must_change=True)
    store.close()
    store, control = open_store(url, clock, options=Options())
    assert ["admin"] == [each.name for each in control.owners()]
    store.close()


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://homing.db", "homing.db", ""])
def test_an_unknown_url_is_refused(url: str, clock: FixedClock) -> None:
    """A URL that no engine answers to is a problem of the settings."""
    with pytest.raises(SettingsError, match="No store is known"):
        open_store(url, clock, options=Options())


def test_what_cannot_be_opened_is_said(tmp_path: Path, clock: FixedClock) -> None:
    """A path that is a directory, or no database, ends the start with one sentence."""
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader, " * 1000)
    for path in (tmp_path, letter):
        with pytest.raises(StartError, match="cannot be opened"):
            open_store(f"sqlite:///{path}", clock, options=Options())
