"""Commands that look."""

import json
from pathlib import Path

import pytest

from homing.sdk.policy import POLICIES
from homing.sdk.status import UNMADE
from homing.sdk.transports.base import Reply
from homing.settings import MASK
from tests.unit.sdk.commands.calls import Capture, called
from tests.unit.sdk.doubles import Outbox, telemetry


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_status_of_every_policy(tmp_path: Path, capsys: Capture, name: str) -> None:
    """It shows each setting with its layer, and leaves nothing behind."""
    said = called(capsys, tmp_path, "status", policy=name)
    assert (0, "") == (said.code, said.err)
    state = "on" if POLICIES[name].at_first == "default" else "off"
    assert said.out.startswith(f"Telemetry of acme is {state}: nobody has chosen.\n")
    rows = [line.split("\t") for line in said.out.splitlines()]
    found = [row[0] for row in rows[rows.index(["setting", "value", "from", "by"]) + 1 :]]
    assert {each.setting for each in POLICIES[name].names} <= set(found)
    assert [] == list(tmp_path.iterdir())


def test_layers_are_named(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a value it says which variable, or which place in which file, it comes from; secrets stay masked."""
    monkeypatch.setenv("HOMING_TELEMETRY_KEY", "secret-key")
    file = tmp_path / "acme.toml"
    file.write_text("[telemetry]\nenabled = true\ninterval_hours = 500\n")
    said = called(capsys, tmp_path, "status", file=file)
    assert f"Telemetry of acme is on: {file}: telemetry.enabled.\n" in said.out
    assert f"enabled\ton\tfile\t{file}: telemetry.enabled\n" in said.out
    assert f"key\t{MASK}\tenvironment\tHOMING_TELEMETRY_KEY\n" in said.out
    assert f"Problem: {file}: telemetry.interval_hours: '500': must be a whole number from 1 to 168.\n" in said.out
    assert "secret-key" not in said.out


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("DO_NOT_TRACK", "DO_NOT_TRACK is set"),
        ("CI", "this machine builds or tests software"),
        ("HOMING_TELEMETRY_ENABLED", "HOMING_TELEMETRY_ENABLED"),
    ],
)
def test_who_decided(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, variable: str, reason: str
) -> None:
    """Whoever stands above what was saved is named."""
    telemetry(tmp_path, enabled=None).save({"enabled": True}, who="ada")
    assert "is on: somebody saved it." in called(capsys, tmp_path, "status").out
    monkeypatch.setenv(variable, "true" if variable != "HOMING_TELEMETRY_ENABLED" else "off")
    assert f"is off: {reason}." in called(capsys, tmp_path, "status").out


def test_status_knows_of_other_processes(tmp_path: Path, capsys: Capture) -> None:
    """Last success and last error of each destination are there, whoever sent; in JSON too."""
    sending = telemetry(tmp_path, transport=Outbox(Reply(200), Reply(503)))
    sending.send_once()
    sending.send_once()
    assert called(capsys, tmp_path, "status", enabled=True).out.count("The answer was 503.") == 1
    found = json.loads(called(capsys, tmp_path, "status", "--json", enabled=True).out)
    [course] = found["destinations"]
    assert (503, "The answer was 503.") == (course["last_status"], course["last_error"])
    assert course["last_success"] == course["last_attempt"] == "2024-10-04T00:00:00.000Z"
    assert (True, sending.status().instance) == (found["enabled"], found["instance"])
    off = called(capsys, tmp_path, "status")
    assert "last sent to default\t2024-10-04T00:00:00.000Z\n" in off.out


def test_preview_and_what_was_last_sent(tmp_path: Path, capsys: Capture) -> None:
    """Both show the bytes, and what people should know of their privacy; the key stays masked."""
    before = called(capsys, tmp_path, "preview", key="secret-key").out
    assert UNMADE in before
    assert "pseudonymous, not anonymous" in before
    assert f"Authorization: {MASK}\n" in before
    assert "Nothing was sent yet.\n" == called(capsys, tmp_path, "show-last").out
    outbox = Outbox()
    telemetry(tmp_path, transport=outbox).send_once()
    assert outbox.bodies[0].decode() in called(capsys, tmp_path, "show-last").out
    [shown] = json.loads(called(capsys, tmp_path, "show-last", "--json").out)
    assert (json.loads(outbox.bodies[0]), MASK) == (shown["body"], shown["headers"]["Authorization"])
    assert "[]\n" == called(capsys, tmp_path / "new", "show-last", "--json").out
