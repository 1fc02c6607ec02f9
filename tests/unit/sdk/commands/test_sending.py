"""Commands that send, and the file for sites without a network."""

import json
from pathlib import Path
from typing import Any

import pytest

from homing.sdk.commands.sending import HEADER, LINE
from homing.sdk.policy import POLICIES
from homing.sdk.transports.base import Reply
from tests.unit.sdk.commands.calls import Capture, called
from tests.unit.sdk.doubles import Outbox


def lines(file: Path) -> list[Any]:
    """Return what stands in a file of JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("word", ["send", "test"])
def test_one_ping(tmp_path: Path, capsys: Capture, word: str) -> None:
    """It says where it went and what was answered."""
    outbox = Outbox()
    said = called(capsys, tmp_path, word, enabled=True, transport=outbox)
    rows = "destination\taddress\tanswer\ndefault\thttp://telemetry.example.com/v1/pings\t200\n"
    assert (0, rows, "", 1) == (said.code, said.out, said.err, len(outbox.bodies))


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_nothing_but_the_ping(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A command is no start of the program: no first ping leaves and no last one."""
    monkeypatch.setenv("SIRVEO_TELEMETRY_MODE", "default")
    outbox = Outbox()
    said = called(capsys, tmp_path, "send", "--json", policy=name, enabled=True, transport=outbox)
    assert (0, 1, True) == (said.code, len(outbox.bodies), json.loads(said.out)["sent"])
    kind = POLICIES[name].kinds.repeat
    assert name in ("seqdesk", "flowfuse") or f'"{kind}"'.encode() in outbox.bodies[0]


@pytest.mark.parametrize("word", ["send", "test", "export"])
def test_off(tmp_path: Path, capsys: Capture, word: str) -> None:
    """Nothing is tried, and nothing is written."""
    outbox = Outbox()
    words = [word, *([str(tmp_path / "out.jsonl")] if word == "export" else [])]
    said = called(capsys, tmp_path, *words, transport=outbox)
    told = f"acme {word}: Nothing was sent. Telemetry of acme is off: nobody has chosen.\n"
    assert (1, "", told) == (said.code, said.out, said.err)
    assert ([], []) == (outbox.bodies, list(tmp_path.iterdir()))


def test_failures(tmp_path: Path, capsys: Capture) -> None:
    """They end with 1 and a sentence; an address that has answered 410 is asked no more."""
    said = called(capsys, tmp_path, "send", enabled=True, transport=Outbox(Reply(503)))
    assert (1, "acme send: default: The answer was 503.\n") == (said.code, said.err)
    called(capsys, tmp_path, "send", enabled=True, transport=Outbox(Reply(410)))
    outbox = Outbox()
    said = called(capsys, tmp_path, "send", enabled=True, transport=outbox)
    told = "Nothing was sent. http://telemetry.example.com/v1/pings wants no more: it answered 410."
    assert (1, f"acme send: {told}\n", []) == (said.code, said.err, outbox.bodies)
    said = called(capsys, tmp_path / "new", "send", enabled=True, initialised=lambda: False)
    assert (1, "acme send: Nothing was sent. acme says that it is not set up yet.\n") == (said.code, said.err)


def test_a_test_minds_problems(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `send` passes over is a failure of `test`."""
    monkeypatch.setenv("HOMING_TELEMETRY_INTERVAL_HOURS", "often")
    assert 0 == called(capsys, tmp_path, "send", enabled=True).code
    said = called(capsys, tmp_path, "test", enabled=True)
    assert 1 == said.code
    assert "HOMING_TELEMETRY_INTERVAL_HOURS: 'often': must be a whole number from 1 to 168.\n" in said.err


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_export(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The file begins with what it is; each line has an id and the body that would be sent; nothing is sent."""
    monkeypatch.setenv("SIRVEO_TELEMETRY_MODE", "default")
    file, outbox = tmp_path / "out.jsonl", Outbox()
    given = {"policy": name, "enabled": True, "transport": outbox}
    for _ in range(2):
        assert 0 == called(capsys, tmp_path, "export", str(file), **given).code
    header, first, second = lines(file)
    assert ("export", 1, "acme", POLICIES[name].wire, "default") == tuple(
        header[key] for key in ("homing", "format", "app", "form", "destination")
    )
    assert 3 == len({header["id"], first["id"], second["id"]})
    assert (list(HEADER), list(LINE)) == (list(header), list(first))
    [shown] = json.loads(called(capsys, tmp_path, "preview", "--json", **given).out)
    assert list(shown["body"]) == list(first["body"])
    assert [] == outbox.bodies


def test_an_export_has_the_id(tmp_path: Path, capsys: Capture) -> None:
    """It is made, where telemetry is on and there is none yet."""
    said = called(capsys, tmp_path, "export", str(tmp_path / "out.jsonl"), "--json", enabled=True)
    [_, line] = lines(tmp_path / "out.jsonl")
    assert line["body"]["instance_id"] == (tmp_path / "instance-id").read_text().strip()
    assert (True, line["id"]) == (json.loads(said.out)["new"], json.loads(said.out)["line"])


def test_several_destinations(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is for one of them: what is the operator's own does not go to the maker."""
    for name, value in (("MODE", "both"), ("URL", "http://own.example.com/x"), ("IDENTIFIER", "rack 4")):
        monkeypatch.setenv(f"SIRVEO_TELEMETRY_{name}", value)
    file = tmp_path / "out.jsonl"
    said = called(capsys, tmp_path, "export", str(file), policy="sirveo")
    assert (2, False) == (said.code, file.exists())
    assert "choose one with --destination custom or default" in said.err
    assert 2 == called(capsys, tmp_path, "export", str(file), "--destination", "none", policy="sirveo").code
    for name in ("custom", "default"):
        own = tmp_path / name
        assert 0 == called(capsys, tmp_path, "export", str(own), "--destination", name, policy="sirveo").code
        assert (name == "custom") is ("custom_id" in lines(own)[1]["body"])


@pytest.mark.parametrize("text", ["hello\n", "[]\n", '{"homing": "export", "format": 1, "app": "other"}\n'])
def test_other_files_stay(tmp_path: Path, capsys: Capture, text: str) -> None:
    """What is no such export of this application is left as it is."""
    file = tmp_path / "out.jsonl"
    file.write_text(text)
    said = called(capsys, tmp_path, "export", str(file), enabled=True)
    assert (1, text) == (said.code, file.read_text())
    assert f"acme export: {file} is something else, and stays as it is: name a new file.\n" == said.err


def test_a_line_that_was_cut_off(tmp_path: Path, capsys: Capture) -> None:
    """It does not spoil the next one."""
    file = tmp_path / "out.jsonl"
    called(capsys, tmp_path, "export", str(file), enabled=True)
    file.write_text(file.read_text()[:-20])
    called(capsys, tmp_path, "export", str(file), enabled=True)
    assert "body" in json.loads(file.read_text().splitlines()[-1])
    said = called(capsys, tmp_path, "export", str(tmp_path / "none" / "out"), enabled=True)
    assert (1, f"acme export: {tmp_path / 'none' / 'out'}: No such file or directory.\n") == (said.code, said.err)
