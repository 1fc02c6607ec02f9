"""The files for browsers, and the colours of the pages."""

import re
from pathlib import Path

import pytest

from homing.sdk.admin import frame
from homing.server import dashboard
from tests.shape.test_frontend import OUTSIDE

HERE = Path(frame.__file__).parent
COLOUR = re.compile(r"--([\w-]+): (light-dark\([^;]+\));")


@pytest.mark.parametrize("name", frame.ASSETS)
def test_files_stay_at_home(name: str) -> None:
    """None names another host, or makes code from text."""
    assert not OUTSIDE.search(frame.asset(name).body.decode())


def test_every_file_is_served() -> None:
    """What stands beside the pages for browsers is served, and nothing else."""
    assert set(frame.ASSETS) == {path.name for path in HERE.iterdir() if path.suffix in (".css", ".js")}


def test_colours_are_those_of_the_dashboard() -> None:
    """So their contrast is what the dashboard's tests compute."""
    ours = dict(COLOUR.findall((HERE / "page.css").read_text()))
    theirs = dict(COLOUR.findall((Path(dashboard.__file__).parent / "static" / "app.css").read_text()))
    assert ours
    assert ours == {name: theirs.get(name) for name in ours}


def test_colours_are_used() -> None:
    """No token is left over."""
    text = (HERE / "page.css").read_text()
    assert [] == [name for name in re.findall(r"^  (--[\w-]+):", text, re.MULTILINE) if f"var({name})" not in text]
