"""Every command on the store of a receiver that runs: what it prints and changes, and what it says when it cannot."""

import csv
import io
import os
import pty
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.functional.client import HEARTBEAT, Client, Load
from tests.functional.receiver import HOMING, Receiver, environment, run, until

pytestmark = pytest.mark.slow

NOTICE_SECONDS = 2.0
"""How long a receiver may take to notice what a command changed."""

REPORT = "/api/v1/report?range=week"


HOSTILE = "1[/0]\u202e"
"""A version that would steer the table or the terminal that shows it: markup, and a mark that turns text around."""


def on_terminal(receiver: Receiver, *arguments: str) -> str:
    """Run a command that must succeed on a terminal, and return what appears there."""
    ours, theirs = pty.openpty()
    how = {**environment(**receiver.settings), "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1"}
    with subprocess.Popen([HOMING, *arguments], env=how, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while part := _read(ours):
            shown += part
    os.close(ours)
    assert 0 == process.returncode
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # A terminal whose other side is gone says so with an error.
        return b""


def printed(receiver: Receiver, *arguments: str) -> str:
    """Run a command that must succeed in a pipe, and return what it prints."""
    done = receiver.run(*arguments)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def failed(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a command that failed as it should."""
    assert (2, "") == (done.returncode, done.stdout)
    [line] = done.stderr.splitlines()
    assert line.startswith("homing: ")
    assert line.endswith(".")
    return line.removeprefix("homing: ")


def send(receiver: Receiver, *instances: str) -> None:
    """Send a heartbeat of each instance."""
    with receiver.client() as client:
        for instance in instances:
            assert 200 == client.heartbeat(instance).status


def test_apps(receiver: Receiver) -> None:
    """An app that was added can be sent to without a restart, and is listed."""
    made = receiver.json("app", "add", "second", "--dimension", "edition", "--dimension", "plan")
    assert "second" == made["app"]
    with receiver.client(key=made["key"]) as client:
        ping = {"instance_id": "one", "dimensions": {"edition": "pro"}}
        until(lambda: client.send(ping).status == 200, "Knowledge of the new app", seconds=NOTICE_SECONDS)
    assert [{"value": "pro", "clients": 1}] == receiver.report("--split", "edition")["splits"]["edition"]
    assert printed(receiver, "app", "add", "third").startswith("Added the app third. Its key to send with: hm_send_")
    lines = printed(receiver, "app", "list").splitlines()
    assert "app\tstate\tkeys\tbearer\tdimensions" == lines[0]
    last = ("", "edition, plan", "")
    names = ("first-app", "second", "third")
    assert [f"{name}\tactive\t1\tnot demanded\t{own}" for name, own in zip(names, last, strict=True)] == lines[1:]
    assert ["first-app", "second", "third"] == [row["app"] for row in receiver.json("app", "list")]
    assert "Name one of the apps: first-app, second, third." == failed(receiver.run("instances"))
    assert "There is an app 'second' already." == failed(receiver.run("app", "add", "second"))
    assert "There is no owner 'nobody'." == failed(receiver.run("app", "list", "--owner", "nobody"))


def status(client: Client) -> int:
    """Send a ping and return the status of the answer."""
    return client.send({"instance_id": "one"}).status


def test_send_keys(receiver: Receiver) -> None:
    """A new key works, and a revoked one stops working, within two seconds and without a restart."""
    made = receiver.json("app", "key", "first-app", "--add", "send")
    with receiver.client() as old, receiver.client(key=made["key"]) as new:
        until(lambda: status(new) == 200, "The new key", seconds=NOTICE_SECONDS)
        [first, second] = receiver.json("app", "key", "first-app")
        assert (receiver.key, made["key"]) == (first["key"], second["key"])
        assert "Revoked key 1." == printed(receiver, "app", "key", "first-app", "--revoke", "1").strip()
        until(lambda: status(old) == 401, "The end of the old key", seconds=NOTICE_SECONDS)
        assert ["key_unknown"] == old.send({"instance_id": "one"}).outcomes()
        assert 200 == status(new)
    assert [True, False] == [row["ends"] is not None for row in receiver.json("app", "key", "first-app")]
    assert "The app has no active key 1." == failed(receiver.run("app", "key", "first-app", "--revoke", "1"))
    assert "The app has no active key 9." == failed(receiver.run("app", "key", "first-app", "--revoke", "9"))
    assert "There is no app 'none'." == failed(receiver.run("app", "key", "none"))


def test_rotating_keys(receiver: Receiver) -> None:
    """Both keys work until the old one ends, and it is kept where that was taken back in time."""
    made = receiver.json("app", "key", "first-app", "--rotate", "1")
    with receiver.client() as old, receiver.client(key=made["key"]) as new:
        until(lambda: status(new) == 200, "The new key", seconds=NOTICE_SECONDS)
        assert 200 == status(old)
        [first, second] = receiver.json("app", "key", "first-app")
        assert (datetime.fromisoformat(first["ends"]) - datetime.now(UTC)) / timedelta(days=7) == pytest.approx(1, 0.01)
        assert second["ends"] is None
        assert "Key 1 goes on." == printed(receiver, "app", "key", "first-app", "--keep", "1").strip()
        assert [None, None] == [row["ends"] for row in receiver.json("app", "key", "first-app")]
        until(lambda: receiver.json("app", "key", "first-app")[1]["used"], "The time of use", seconds=NOTICE_SECONDS)
        told = printed(receiver, "app", "key", "first-app", "--revoke", "2", "--ends", "30d")
        assert told.endswith("--keep takes it back.\n")
    assert "Key 1 has no end that could be taken back." == failed(
        receiver.run("app", "key", "first-app", "--keep", "1")
    )
    both = ("app", "key", "first-app", "--keep", "1", "--revoke", "1")
    assert "Choose one of --add, --rotate, --revoke and --keep." == failed(receiver.run(*both))


def test_retiring_and_demanding(receiver: Receiver) -> None:
    """A retired app answers 410 until it is restored; one that demands a bearer token 401 to its send key."""
    assert "Make a bearer key first" in failed(receiver.run("app", "bearer", "first-app", "on"))
    token = receiver.json("app", "key", "first-app", "--add", "bearer")["key"]
    with receiver.client() as sender, receiver.client(key=token) as bearer:
        assert "Retired first-app." == printed(receiver, "app", "retire", "first-app", "--yes").strip()
        until(lambda: status(sender) == 410, "Retirement", seconds=NOTICE_SECONDS)
        assert "retired" == receiver.json("app", "list")[0]["state"]
        assert "first-app takes pings again." == printed(receiver, "app", "restore", "first-app").strip()
        until(lambda: status(sender) == 200, "The restored app", seconds=NOTICE_SECONDS)
        said = printed(receiver, "app", "bearer", "first-app", "on").strip()
        assert "first-app demands a bearer token." == said
        until(lambda: status(sender) == 401, "The demand", seconds=NOTICE_SECONDS)
        assert 200 == status(bearer)
        assert {"app": "first-app", "bearer": "off"} == receiver.json("app", "bearer", "first-app", "off")
        until(lambda: status(sender) == 200, "The open app", seconds=NOTICE_SECONDS)


def test_retiring_asks_for_the_name(receiver: Receiver) -> None:
    """Another name than the app's changes nothing."""
    how = {**environment(**receiver.settings)}
    command = [HOMING, "app", "retire", "first-app"]
    done = subprocess.run(command, env=how, input="first\n", capture_output=True, text=True, timeout=60, check=False)
    assert 2 == done.returncode
    assert "That is not 'first-app': nothing was changed." in done.stderr
    assert "active" == receiver.json("app", "list")[0]["state"]


def test_read_keys(receiver: Receiver) -> None:
    """A read key opens reports and nothing else, is shown once, and ends when it is revoked."""
    said = printed(receiver, "app", "key", "first-app", "--add", "read")
    assert "It is shown this once." in said
    key = said.split()[2]
    with receiver.client(key=key) as client, receiver.client() as sender:
        until(lambda: client.get(REPORT).status == 200, "The new key", seconds=NOTICE_SECONDS)
        assert 403 == status(client)
        assert 403 == sender.get(REPORT).status
        assert f"…{key[-4:]}" == receiver.json("app", "key", "first-app")[1]["key"]
        assert key not in printed(receiver, "app", "key", "first-app")
        assert 2 == receiver.json("app", "key", "first-app", "--revoke", "2")["revoked"]
        until(lambda: client.get(REPORT).status == 401, "The end of the key", seconds=NOTICE_SECONDS)


def test_report(receiver: Receiver) -> None:
    """A report is JSON or CSV where asked, a table on a terminal, plain columns in a pipe: always the same numbers."""
    send(receiver, "one", "one", "two")
    with receiver.client() as client:
        assert 200 == client.heartbeat("two", runningVersion=HOSTILE).status
    made = receiver.report()
    assert {"requests": 4, "clients": 2, "latest": 0, "outdated": 2, "active_apps": 1} == made["summary"]
    rows = list(csv.DictReader(io.StringIO(printed(receiver, "report", "--range", "week", "--csv"))))
    assert ("summary", "4", "2") == (rows[0]["section"], rows[0]["requests"], rows[0]["clients"])
    plain = receiver.run("report", "--range", "week").stdout.splitlines()
    assert ["requests\tclients\tlatest\toutdated\tactive_apps", "4\t2\t0\t2\t1"] == plain[1:3]
    assert "1.1.82\t1" in plain
    shown = on_terminal(receiver, "report", "--range", "week")
    assert re.search(r"│ +4 │ +2 │ +0 │ +2 │ +1 │", shown)
    assert "│ 1.1.82" in shown
    assert "│ 1[/0]\ufffd" in shown


def test_report_refusals(receiver: Receiver) -> None:
    """Questions that cannot be understood are one sentence each."""
    for arguments, sentence in (
        (("--from", "yesterday"), "from must be a date of the form 2026-11-22."),
        (("--range", "year"), "range is one of today, week, month, and stands without from and to."),
        (("--app", "none"), "There is no app 'none'."),
        (("--filter", "database"), "filter has the form name:value."),
    ):
        assert sentence == failed(receiver.run("report", *arguments))


def test_instances(receiver: Receiver) -> None:
    """Instances are listed, searched, limited, and their tokens released without a restart."""
    send(receiver, "one", "two", "three")
    listed = receiver.json("instances", "first-app", "--sort", "instance_id", "--search", "t")
    assert ["three", "two"] == [row["instance_id"] for row in listed]
    assert HEARTBEAT["runningVersion"] == listed[0]["version"]
    receiver.json("label", "first-app", "ci", "one", "two")
    receiver.json("label", "first-app", "container", "two", "three")
    marked = receiver.json("instances", "first-app", "--label", "ci", "--label", "container")
    assert ["two"] == [row["instance_id"] for row in marked]
    done = receiver.run("instances", "first-app", "--limit", "1")
    assert 2 == len(done.stdout.splitlines())
    assert "There are more; --limit shows more than 1.\n" == done.stderr
    with receiver.client() as client:
        assert ["token_wrong"] == client.heartbeat("one", token="another").outcomes()
        assert "Released one.\n" == printed(receiver, "instances", "first-app", "--release", "one")
        assert ["accepted"] == client.heartbeat("one", token="another").outcomes()
        assert ["token_wrong"] == client.heartbeat("one").outcomes()
    sentence = "No instance 'none' is bound to a token."
    assert sentence == failed(receiver.run("instances", "first-app", "--release", "none"))


def test_prune(receiver: Receiver) -> None:
    """Days that are past their keep are removed; with --dry-run they are only counted."""
    send(receiver, "new")
    old = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "old", "at": old, "id": "1"}).status
    assert (2, 2) == receiver.summary()
    wanted = receiver.run("prune", "--dry-run", "--json", retention_days=1).stdout
    assert '"days": 1' in wanted
    assert (2, 2) == receiver.summary()
    lines = receiver.run("prune", retention_days=1).stdout.splitlines()
    assert "# removed" == lines[0]
    removed = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    # It is known as long as its history, which was received today.
    assert ("1", "0") == (removed["days"], removed["instances"])
    assert (1, 1) == receiver.summary()
    send(receiver, "new", "another")
    assert (3, 2) == receiver.summary()


def test_erase(receiver: Receiver) -> None:
    """Erasing asks first, gives a receipt, and the running receiver refuses the instance from then on."""
    send(receiver, "one", "two")
    asked = receiver.run("erase", "one")
    assert (1, "") == (asked.returncode, asked.stdout)
    assert (2, 2) == receiver.summary()
    receipt = receiver.json("erase", "one", "--yes")
    assert ("one", 1, 1) == (receipt["instance_id"], receipt["apps"], receipt["days"])
    with receiver.client() as client:
        answer = client.heartbeat("one")
        assert (410, "instance_erased") == (answer.status, answer.json()["outcome"])
        assert ["accepted"] == client.heartbeat("two").outcomes()
    assert (3, 1) == receiver.summary()
    assert ["two"] == [row["instance_id"] for row in receiver.json("instances", "first-app")]
    assert "Nothing is stored about 'none'." == failed(receiver.run("erase", "none", "--yes"))


def test_commands_under_load(receiver: Receiver) -> None:
    """No command disturbs a receiver at work, and none of its pings is lost over them."""
    commands = ("app add second", "report", "instances first-app", "prune", "erase nobody --yes")
    with Load(receiver.port, receiver.key, threads=2) as load:
        codes = [receiver.run(*command.split()).returncode for command in commands]
        until(lambda: load.acknowledged > 200, "Load")
    assert [0, 0, 0, 0, 2] == codes
    assert ({"accepted"}, 0) == (set(load.outcomes), load.lost)
    assert (load.acknowledged, len(load.instances)) == receiver.summary()
    assert {"accepted": load.answered} == receiver.outcomes()


@pytest.mark.parametrize("command", [("report",), ("app", "list"), ("instances", "x"), ("erase", "x", "--yes")])
def test_no_store_yet(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Before the first start there is nothing to ask, and that is said."""
    done = run(*command, directory=tmp_path, store=f"sqlite:///{tmp_path}/homing.db")
    assert failed(done).startswith(f"There is no store at sqlite:///{tmp_path}/homing.db; run homing serve once")
    assert [] == list(tmp_path.glob("homing.db*"))
