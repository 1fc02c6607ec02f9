"""docs/dashboard.md against the style sheets and templates it tells of."""

import re
from pathlib import Path
from typing import Final

from homing.server import dashboard
from tests.docs.pages import rows_of, text_of

PAGE: Final = text_of("dashboard.md")
HERE: Final = Path(dashboard.__file__).parent
STYLES: Final = "".join((HERE / "static" / name).read_text(encoding="utf-8") for name in ("app.css", "overview.css"))
COLOURS: Final = set(re.findall(r"(--[\w-]+): light-dark\(#", STYLES))


SECTIONS: Final = {part.partition("\n")[0]: part for part in f"\n{PAGE}".split("\n## ")}
"""The parts of the page by their headings; what comes before any has none."""


def named(cell: str) -> list[str]:
    """Return what a cell has in code."""
    return re.findall(r"`([^`]+)`", cell)


def test_tokens() -> None:
    """Every token of the page exists, and every colour is on the page."""
    defined = set(re.findall(r"^\s+(--[\w-]+):", STYLES, re.MULTILINE))
    assert set(re.findall(r"`(--[\w-]+)`", PAGE)) <= defined
    assert {name for first, _for in rows_of(SECTIONS["Colours"]) for name in named(first)} == COLOURS


def test_space() -> None:
    """The pixels of each space are as told."""
    steps = [float(size) * 16 for size in re.findall(r"--space-\d: ([\d.]+)rem", STYLES)]
    told = re.search(r"`--space-1` to `--space-7`: ([\d, and]+) pixels", PAGE)
    assert told is not None
    assert [float(each) for each in re.findall(r"\d+", told[1])] == steps


def test_parts() -> None:
    """Every class of the page is in a style sheet, every attribute in a script or a style sheet."""
    scripts = "".join(path.read_text(encoding="utf-8") for path in (HERE / "static").glob("*.js"))
    for name in (name for first, _what in rows_of(SECTIONS["Parts"]) for name in named(first)):
        if name.startswith("data-"):
            assert f"[{name}]" in scripts, name
        else:
            assert re.search(rf"\.{name.split('.')[-1]}\b", STYLES), name


def test_files() -> None:
    """Every file of the page exists."""
    for name in (name for _what, files in rows_of(SECTIONS[""]) for name in named(files)):
        assert list(HERE.glob(name)), name
