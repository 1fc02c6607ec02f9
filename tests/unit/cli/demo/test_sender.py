"""The program that embeds the sending side."""

import argparse
import json
from pathlib import Path

import pytest

from homing.cli.demo.sender import telemetry

GIVEN = {
    "app": "lantern",
    "version": "2.7.0",
    "channel": "beta",
    "state": "outdated",
    "endpoint": "http://127.0.0.1:8400",
    "key": "hm_send_x",
}


def test_what_it_says(tmp_path: Path) -> None:
    """It says the version, channel and state that it was told to."""
    preview = json.loads(telemetry(argparse.Namespace(**GIVEN, directory=tmp_path)).preview()[0].body)
    told = {name: preview["dimensions"][name] for name in ("version", "channel", "update_state")}
    assert {"version": "2.7.0", "channel": "beta", "update_state": "outdated"} == told


@pytest.mark.parametrize(("variables", "is_on"), [({}, False), ({"HOMING_TELEMETRY_ENABLED": "true"}, True)])
def test_its_operator_decides(
    *, variables: dict[str, str], is_on: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in its code switches it on: the environment does."""
    for name in ("DO_NOT_TRACK", "HOMING_TELEMETRY_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_on == telemetry(argparse.Namespace(**GIVEN, directory=tmp_path)).status().enabled
