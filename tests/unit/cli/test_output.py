"""How commands show that something goes on."""

import contextlib
import os
import pty
import re
import sys
from collections.abc import Iterator
from io import FileIO

import pytest

from homing.cli import output


def test_progress_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe there are a few plain lines, the last one says that all is done."""
    with output.progress("Filling", 63) as advance:
        for _ in range(63):
            advance()
    said = capsys.readouterr()
    assert "" == said.out
    first, *lines = said.err.splitlines()
    assert "Filling…" == first
    assert ["Filling: 11 of 63", "Filling: 63 of 63"] == [lines[0], lines[-1]]
    assert output.LINES == len(lines)


def parts(other_side: FileIO) -> Iterator[str]:
    """Read what a terminal that is closed by now was given."""
    # Its end is told with an error.
    with contextlib.suppress(OSError):
        while part := other_side.read(4096):
            yield part.decode()


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there is a bar that ends at 100%."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", terminal)
        with output.progress("Filling", 3) as advance:
            for _ in range(3):
                advance()
    with os.fdopen(ours, "rb", buffering=0) as other_side:
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(parts(other_side)))
    assert re.search(r"Filling ━+ 100%", shown)
