"""How commands are run, and how they speak."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import pytest

import homing
from homing import SettingsError, add_telemetry_commands
from homing.errors import NotFound
from homing.sdk.commands.command import Command, Context, run
from homing.sdk.commands.parser import COMMANDS
from homing.sdk.commands.talk import Answer, Table, Talk
from tests.unit.sdk.commands.calls import Capture, embedded, program


def unused() -> homing.Telemetry:
    """Fail: nobody asks for telemetry."""
    raise AssertionError


def spoken(capture: Capture, answer: Answer | BaseException, **how: Any) -> tuple[int, str, str]:
    """Run a command that gives an answer, or raises one."""

    def act(_context: Context) -> Answer:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    code = run(Command("act", "Acts.", act), Context(Namespace(), Talk("acme act", **how), unused))
    return (code, *capture.readouterr())


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (SettingsError(["First.", "Second."]), 2, ["First.", "Second."]),
        (NotFound("Nothing has that name."), 1, ["Nothing has that name."]),
        (OSError(28, "No space left on device", "out.jsonl"), 1, ["out.jsonl: No space left on device."]),
        (OSError("odd"), 1, ["It failed: odd."]),
        (KeyboardInterrupt(), 1, ["It was interrupted."]),
        (ZeroDivisionError("by zero"), 1, ["It failed with ZeroDivisionError: by zero"]),
    ],
)
def test_whatever_happens(capsys: Capture, error: BaseException, code: int, told: list[str]) -> None:
    """There is a sentence and an exit code, never a traceback."""
    assert (code, "", "".join(f"acme act: {each}\n" for each in told)) == spoken(capsys, error)


def test_a_pipe_gets_plain_columns(capsys: Capture) -> None:
    """What is unknown is a dash, and what strangers said cannot steer anything."""
    table = Table([("a", None), ("b\x1b[31m\n", 2)], ("name", "value"))
    told = spoken(capsys, Answer(None, ["It is so.", table], ["Bad\nnews."]))
    replaced = "\N{REPLACEMENT CHARACTER}"
    out = f"It is so.\nname\tvalue\na\t–\nb{replaced}[31m{replaced}\t2\n"
    assert (0, out, f"acme act: Bad{replaced}news.\n") == told


def test_json(capsys: Capture) -> None:
    """It is the value alone."""
    code, out, err = spoken(capsys, Answer({"a": [1, "ü"]}, ["Words."], code=1), is_json=True)
    assert (1, {"a": [1, "ü"]}, "") == (code, json.loads(out), err)


def test_the_hosts_own_errors(capsys: Capture) -> None:
    """What the application's function raises is no traceback either."""

    def make() -> homing.Telemetry:
        raise LookupError("no database")

    told = "acme status: It failed with LookupError: no database\n"
    assert (1, "", told) == embedded(capsys, make, "status")


def test_every_command_is_there(capsys: Capture) -> None:
    """Each has its help; those that change something can be told to ask nothing."""
    parser = ArgumentParser(prog="acme")
    add_telemetry_commands(parser.add_subparsers(), unused)
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([command.name, "--help"])
        out = capsys.readouterr().out
        assert (0, True) == (ended.value.code, f"usage: acme {command.name}" in out)
        assert command.asks is ("--yes" in out)


def test_the_application_is_named_anywhere(tmp_path: Path, capsys: Capture) -> None:
    """Options stand before the command or behind it; what is wrong with them is said with everything else."""
    named = ("--app", "acme", "--version", "1.2.3", "--endpoint", "http://127.0.0.1:9", "--key", "k")
    place = ("--directory", str(tmp_path))
    for words in ((*named, *place, "status"), ("status", *named, *place), (*named, "status", *place)):
        said = program(capsys, *words)
        assert (0, True) == (said.code, said.out.startswith("Telemetry of acme is off"))
    said = program(capsys, "send")
    assert 2 == said.code
    assert [each.split()[4] for each in said.err.splitlines()] == ["app", "version", "endpoint"]
    wrong: list[tuple[str, ...]] = [(), ("frobnicate",), ("--policy", "none", "status"), ("status", "--frobnicate")]
    for bad in wrong:
        with pytest.raises(SystemExit) as ended:
            program(capsys, *bad)
        assert 2 == ended.value.code


def test_its_own_version(capsys: Capture) -> None:
    """`--version` is the application's, so Homing's own is `-V`."""
    with pytest.raises(SystemExit):
        program(capsys, "-V")
    assert f"homing {homing.__version__}\n" == capsys.readouterr().out
