"""The page about commands says what they do.

`python -m tests.docs.test_commands` writes its tables anew.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import pytest

from homing.sdk.build import BuildInfo
from homing.sdk.commands.building import SENTRY
from homing.sdk.commands.command import Argument, Command
from homing.sdk.commands.main import BUILDING, OPTIONS
from homing.sdk.commands.parser import COMMANDS
from homing.sdk.commands.sending import HEADER, LINE
from homing.sdk.commands.talk import FAILED, MISUSED, OK
from homing.sdk.erasure import ERASE_PATH
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.docs.pages import part, rewrite, table, text_of
from tests.functional.receiver import environment

PAGE: Final = "commands.md"


def rows_of_commands() -> str:
    """Return the table of all commands."""
    return table(("command", "what it does", "arguments"), [_cells(each) for each in (*COMMANDS, *BUILDING)])


def _cells(command: Command) -> tuple[str, ...]:
    asks = ["`-y`"] if command.asks else []
    return f"`{command.name}`", command.help, ", ".join([*map(_named, command.arguments), *asks])


def _named(argument: Argument) -> str:
    name, shown = argument.names[0], argument.told.get("metavar", "")
    return f"`{name} {shown}`" if name.startswith("-") else f"`{shown}`"


def rows_of_options() -> str:
    """Return the table of what names the application."""
    return table(("option", "what it is"), [(f"`{each.names[0]}`", each.told["help"]) for each in OPTIONS])


def rows_of_fields(fields: Iterable[tuple[str, str]]) -> str:
    """Return the table of what stands in one line of an export."""
    return table(("name", "what it is"), [(f"`{name}`", what) for name, what in fields])


PARTS: Final[dict[str, Callable[[], str]]] = {
    "commands": rows_of_commands,
    "options": rows_of_options,
    "header": lambda: rows_of_fields(HEADER.items()),
    "line": lambda: rows_of_fields(LINE.items()),
}
"""What each made part is made by."""


def code(kind: str, containing: str) -> str:
    """Return the example of a kind that contains something."""
    blocks = (block.partition("\n") for block in text_of(PAGE).split("```")[1::2])
    return next(text for mark, _, text in blocks if mark == kind and containing in text)


def run(place: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run Python at a home of its own."""
    harmless = dict.fromkeys((*CI_VARIABLES, REFUSAL, "XDG_STATE_HOME"), "")
    variables = {**environment(), "HOME": str(place), **harmless}
    return subprocess.run(
        [sys.executable, *words], cwd=place, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", PARTS)
def test_made_parts(name: str) -> None:
    """Commands, options and the file's fields stand in their tables as they are in the code."""
    assert PARTS[name]() == part(PAGE, name)


def test_embedding(tmp_path: Path) -> None:
    """The application of the page has the commands."""
    (tmp_path / "acme.py").write_text(code("python", "add_telemetry_commands"))
    done = run(tmp_path, "acme.py", "telemetry", "status")
    assert (OK, "Telemetry of acme is off: nobody has chosen.") == (done.returncode, done.stdout.splitlines()[0])
    assert FAILED == run(tmp_path, "acme.py", "telemetry", "send").returncode
    assert MISUSED == run(tmp_path, "acme.py", "telemetry", "enable").returncode
    assert MISUSED == run(tmp_path, "acme.py", "telemetry", "frobnicate").returncode


def test_the_command_lines(tmp_path: Path) -> None:
    """Those of the page work as they stand, with the files of the page."""
    (tmp_path / "setup.json").write_text(code("json", "installProfile"))
    for line in (code("", "homing status"), code("", "homing seed")):
        done = run(tmp_path, *line.split()[1:])
        assert (OK, "") == (done.returncode, done.stderr)
    assert "\n5 saved.\n" in done.stdout


def test_the_build(tmp_path: Path) -> None:
    """The lines for a build's values are those that programs need."""
    BuildInfo("1.2.3").write(tmp_path / "build-info.json")
    lines = code("python", "BuildInfo.read")
    imports = "import argparse\nfrom pathlib import Path\nfrom homing import BuildInfo, Telemetry\n"
    program = f"{imports}parser = argparse.ArgumentParser()\n{lines}\nparser.parse_args()"
    (tmp_path / "acme.py").write_text(program)
    assert "acme 1.2.3\n" == run(tmp_path, "acme.py", "--version").stdout


def test_words() -> None:
    """Numbers and names in the text are those of the code."""
    text = " ".join(text_of(PAGE).split())
    for words in (
        f"end with {OK} when it was done, with {FAILED} when it could not be done, and with {MISUSED} when",
        f"`POST {ERASE_PATH}`",
        " and ".join((", ".join(f"`{name}`" for name in SENTRY[:2]), f"`{SENTRY[2]}`")),
        ", ".join(BuildInfo._fields[:2]),
    ):
        assert words in text
    assert {"id", "at", "body"} == set(LINE)
    assert json.loads(code("json", "installProfile"))


if __name__ == "__main__":
    rewrite(PAGE, PARTS)
