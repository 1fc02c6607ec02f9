"""Runs commands within a test."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from homing import Telemetry, add_telemetry_commands
from homing.sdk.commands.main import main
from tests.unit.sdk.doubles import Outbox, telemetry

Capture: TypeAlias = pytest.CaptureFixture[str]


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


def embedded(capture: Capture, make: Callable[[], Telemetry], *words: str) -> Said:
    """Run a command that an application has embedded."""
    parser = ArgumentParser(prog="acme")
    add_telemetry_commands(parser.add_subparsers(required=True), make)
    args = parser.parse_args(words)
    return Said(args.func(args), *capture.readouterr())


def called(capture: Capture, place: Path, *words: str, **given: Any) -> Said:
    """Run a command of an application that nobody has switched on, with a transport that sends nothing."""
    usual = {"enabled": None, "transport": Outbox(), **given}
    return embedded(capture, lambda: telemetry(place, **usual), *words)


def program(capture: Capture, *words: str) -> Said:
    """Run `python -m homing` within this process."""
    code = main(words)
    return Said(code, *capture.readouterr())
