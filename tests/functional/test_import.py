"""What the real sending side exports, handed in with `homing import` while the receiver runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.functional.receiver import Receiver, environment

pytestmark = pytest.mark.slow


def telemetry(directory: Path, policy: str, *words: str) -> None:
    """Run a command of the sending side that must succeed."""
    given = ("--app", "first-app", "--version", "1.2.3", "--policy", policy, "--directory", str(directory))
    to = ("--endpoint", "http://127.0.0.1:9", *(("--key", "k") if policy in {"homing", "slackonos"} else ()))
    command = [sys.executable, "-m", "homing", *given, *to, *words]
    how = {**environment(), "SIRVEO_TELEMETRY_MODE": "default"}
    done = subprocess.run(command, env=how, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stderr


def exported(tmp_path: Path, policy: str, times: int) -> Path:
    """Return a file with so many exports of one installation."""
    file, kept = tmp_path / f"{policy}.jsonl", tmp_path / policy
    kept.mkdir()
    if policy != "sirveo":
        # Which is switched on in the environment alone.
        telemetry(kept, policy, "enable", "-y")
    for _ in range(times):
        telemetry(kept, policy, "export", str(file))
    return file


def became(receiver: Receiver, file: Path, *options: str) -> dict[str, int]:
    """Import a file, and return what became of its pings."""
    done = receiver.run("import", str(file), *options, "--json")
    assert 0 == done.returncode, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return {row["outcome"]: row["pings"] for row in rows}


@pytest.mark.parametrize("policy", ["homing", "seqdesk", "sirveo", "flowfuse", "slackonos"])
def test_twice_changes_nothing(receiver: Receiver, tmp_path: Path, policy: str) -> None:
    """Each export counts as a request of one client, once, with what it says; a line that is added counts too."""
    file = exported(tmp_path, policy, times=2)
    assert {"accepted": 2} == became(receiver, file)
    assert {"imported_before": 2} == became(receiver, file)
    assert (2, 1) == receiver.summary()
    [listed] = receiver.json("instances")
    assert [listed] == receiver.json("instances", "first-app")
    assert "1.2.3" == listed["version"]
    with file.open("a") as open_file:
        open_file.write('{"id": "cut off')
    telemetry(tmp_path / policy, policy, "export", str(file))
    assert {"imported_before": 2, "accepted": 1, "unreadable": 1} == became(receiver, file)
    assert (3, 1) == receiver.summary()


def test_an_instance_that_is_bound(receiver: Receiver, tmp_path: Path) -> None:
    """One that has reported with its token may be handed in without; its token stays the one that counts."""
    file = exported(tmp_path, "seqdesk", times=1)
    known = json.loads(file.read_text().splitlines()[-1])["body"]["instanceId"]
    with receiver.client() as client:
        assert ["accepted"] == client.heartbeat(known).outcomes()
        assert {"accepted": 1} == became(receiver, file)
        assert ["accepted"] == client.heartbeat(known).outcomes()
        assert ["token_wrong"] == client.heartbeat(known, token="another").outcomes()


def test_what_is_not_taken(receiver: Receiver, tmp_path: Path) -> None:
    """Lines are judged as requests are; what is refused is named, harms no other, and leaves no mark of an import."""
    file = exported(tmp_path, "homing", times=1)
    header, line = file.read_text().splitlines()
    good = json.loads(line)
    bad = [
        {**good, "id": "old", "at": "2020-01-01T00:00:00Z", "body": {**good["body"], "at": "2020-01-01T00:00:00Z"}},
        {**good, "id": "long", "body": {"instance_id": "x" * 201}},
        {**good, "id": "no body", "body": None},
    ]
    file.write_text("\n".join([header, *map(json.dumps, bad), line]))
    for first in ("accepted", "imported_before"):
        assert {first: 1, "too_old": 1, "instance_id": 1, "unreadable": 1} == became(receiver, file)
    assert (1, 1) == receiver.summary()


def test_for_which_app(receiver: Receiver, tmp_path: Path) -> None:
    """The app may be named; one that is not there or retired, and a file that is none, are told in one sentence."""
    file = exported(tmp_path, "homing", times=1)
    receiver.json("app", "add", "other")
    assert {"accepted": 1} == became(receiver, file, "--app", "other")
    assert {"accepted": 1} == became(receiver, file)
    other = tmp_path / "other.jsonl"
    receiver.json("app", "retire", "other", "--yes")
    for text, app, sentence in (
        (file.read_text(), "nobody", "There is no app 'nobody'."),
        (file.read_text(), "other", "The app other is retired and takes no more pings."),
        ("hello\n", "first-app", f"{other} is no export of Homing."),
        ('{"homing": "export", "format": 2}\n', "first-app", f"{other} is of the format 2; this Homing reads 1."),
        ('{"homing": "export", "format": 1, "form": "x"}', "first-app", "Bodies of the form 'x' cannot be read here."),
    ):
        other.write_text(text)
        done = receiver.run("import", str(other), "--app", app)
        assert (2, "", f"homing: {sentence}") == (done.returncode, done.stdout, done.stderr.splitlines()[-1])


def test_progress(receiver: Receiver, tmp_path: Path) -> None:
    """Many lines are taken in some hundreds at a time, and it shows how far it is."""
    file = exported(tmp_path, "homing", times=1)
    header, line = file.read_text().splitlines()
    good = json.loads(line)
    lines = [{**good, "id": f"line-{n}", "body": {"instance_id": f"i-{n % 700}"}} for n in range(1200)]
    file.write_text("\n".join([header, *map(json.dumps, lines)]))
    done = receiver.run("import", str(file))
    assert (0, "outcome\tpings\naccepted\t1200\n") == (done.returncode, done.stdout)
    assert ["Importing…", "Importing: 1 of 3", "Importing: 2 of 3", "Importing: 3 of 3"] == done.stderr.splitlines()
    assert (1200, 700) == receiver.summary()
