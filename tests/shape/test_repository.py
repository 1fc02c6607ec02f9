"""The repository speaks of Homing alone: not of the machines, registries and papers it was made with."""

import re
import subprocess
from collections.abc import Iterator
from typing import Final

import pytest

from tests.shape.source import ROOT

# Put together from halves, so that this file does not find itself.
REGISTRIES: Final = (
    "pypi" + ".org",
    "python" + "hosted",
    "npm" + "js.",
    "yarn" + "pkg",
    "index" + "-url",
    "find" + "-links",
)

STRANGERS: Final = re.compile(
    "|".join(re.escape(each) for each in (*REGISTRIES, "trusted" + "-host", "shared" + "/design", "shared" + "/wire"))
    + r"|(?<![\w.~:}/-])/(home|root|work|Users|mnt|media)/[\w.-]"
    + r"|\b[A-Z]:\\\\?(Users|Windows)"
)


def strange(path: str, text: str) -> list[str]:
    """Name the lines that speak of a registry, a machine's own path, or a paper outside the repository."""
    lines = enumerate(text.splitlines(), 1)
    return [f"{path}:{number} {found.group()}" for number, line in lines if (found := STRANGERS.search(line))]


def texts() -> Iterator[tuple[str, str]]:
    """Read every file that is, or could be, committed."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            yield name, content.decode()


def test_files_name_no_stranger() -> None:
    """No file speaks of a registry, a machine's path or a paper that readers do not have; all text is UTF-8."""
    found = list(texts())
    assert len(found) > 20
    assert [] == [line for path, text in found for line in strange(path, text)]


@pytest.mark.parametrize(
    "line",
    [
        f"see https://{REGISTRIES[0]}/simple",
        f"pip install --{REGISTRIES[4]} x",
        "cd /" + "work/main",
        'open("/' + 'home/ada/notes")',
        "C:" + r"\Users\ada",
    ],
)
def test_strangers_are_seen(line: str) -> None:
    """The check finds registries and machine paths."""
    assert strange("a", line)


@pytest.mark.parametrize("line", ["https://example.com/home/ada", "/var/lib/homing", "~/work/homing", "src/homing/"])
def test_ordinary_lines_pass(line: str) -> None:
    """The check leaves URLs, relative paths and the system's own directories alone."""
    assert not strange("a", line)
