"""What cannot be served is said in one clear sentence: exit code 2, no traceback."""

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import MakeReceiver
from tests.functional.processes import process
from tests.functional.receiver import HOMING, Receiver, as_user_without_override, environment, free_port, run, until

pytestmark = pytest.mark.slow

COMMANDS = (
    (),
    ("serve",),
    ("app",),
    ("app", "add"),
    ("app", "list"),
    ("app", "key"),
    ("report",),
    ("instances",),
    ("prune",),
    ("erase",),
)


def refused(directory: Path, *, before: Sequence[str] = (), **settings: Any) -> list[str]:
    """Try to serve, which must fail in the proper manner, and return the lines on standard error."""
    done = subprocess.run(
        [*before, HOMING, "serve"],
        cwd=directory,
        env=environment(**{"port": free_port(), "store": f"sqlite:///{directory}/homing.db", **settings}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (2, "") == (done.returncode, done.stdout), done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    for line in lines:
        assert line.startswith("homing: ")
        assert line.endswith(".")
    return lines


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A foreign program that listens on a port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


def test_same_port(receiver: Receiver, tmp_path: Path) -> None:
    """A second receiver on the port of another one does not start, and the first serves on."""
    [line] = refused(tmp_path, port=receiver.port)
    sentence = f"Cannot listen on 127.0.0.1:{receiver.port}: Address already in use. Choose another with --port."
    assert f"homing: {sentence}" == line
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "one"}).status


def test_same_file(receiver: Receiver) -> None:
    """A second receiver on the file of another one does not start, and the first serves on."""
    [line] = refused(receiver.directory)
    assert f"homing: Another receiver is using {receiver.store}; stop it first, or choose another store." == line
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "one"}).status


def test_foreign_listener(tmp_path: Path, listener: socket.socket) -> None:
    """A port that another program listens on is not shared with it, even where it would allow that."""
    [line] = refused(tmp_path, port=listener.getsockname()[1])
    assert "Address already in use" in line


def test_foreign_sharing_listener(tmp_path: Path) -> None:
    """A listener with SO_REUSEPORT does not get half of the pings."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        [line] = refused(tmp_path, port=listening.getsockname()[1])
    assert "Address already in use" in line


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid", "127.0.0.1:80"])
def test_foreign_address(tmp_path: Path, host: str) -> None:
    """An address that this machine does not have is named."""
    [line] = refused(tmp_path, host=host)
    assert line.startswith(f"homing: Cannot listen on {host}:")


def test_directory_is_file(tmp_path: Path) -> None:
    """A store below a file cannot be made."""
    (tmp_path / "file").touch()
    [line] = refused(tmp_path, store=f"sqlite:///{tmp_path}/file/homing.db")
    assert f"homing: The directory {tmp_path}/file cannot be written: File exists." == line


def test_unwritable_directory(tmp_path: Path) -> None:
    """A directory without the right to write is named."""
    place = tmp_path / "place"
    place.mkdir(mode=0o555)
    [line] = refused(tmp_path, store=f"sqlite:///{place}/homing.db", before=as_user_without_override())
    assert f"homing: The directory {place} cannot be written: Permission denied." == line


def test_no_database(tmp_path: Path) -> None:
    """A file that is no database is left as it is."""
    path = tmp_path / "homing.db"
    path.write_text("Dear diary, " * 1000)
    [line] = refused(tmp_path)
    assert f"homing: The store sqlite:///{path} cannot be opened: file is not a database." == line
    assert "Dear diary, " * 1000 == path.read_text()


def test_directory_as_database(tmp_path: Path) -> None:
    """A directory in the place of the database is refused."""
    (tmp_path / "homing.db").mkdir()
    [line] = refused(tmp_path)
    assert "unable to open database file" in line


def test_newer_store(receiver: Receiver) -> None:
    """A store that a newer version made is not touched, by no command."""
    assert 0 == receiver.stop()
    with closing(sqlite3.connect(receiver.store)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'future'")
    sentence = "homing: The database was last used by a newer Homing (step future); install that version."
    assert [sentence] == refused(receiver.directory)
    done = receiver.run("report")
    assert (2, f"{sentence}\n") == (done.returncode, done.stderr)


def test_several_bad_settings(tmp_path: Path) -> None:
    """All bad settings are reported at once, each by the name it was given under."""
    path = tmp_path / "homing.toml"
    path.write_text('rate_app = "plenty"\nretention_day = 5\n')
    bad: dict[str, Any] = {"port": 99999, "log_level": "loud", "trusted_proxies": "10.0.0.0/99", "store": "oracle://x"}
    lines = refused(tmp_path, config=path, **bad)
    named = [line.removeprefix("homing: ").removeprefix(f"{path}: ").partition(":")[0] for line in lines]
    assert sorted(named) == sorted([*(f"HOMING_{name.upper()}" for name in bad), "rate_app", "retention_day"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retention_day = 5\n", "retention_day: there is no such setting."),
        ("port = [8400]\n", "port: '[8400]': must be a whole number from 1 to 65535."),
        ("port = = 5\n", "is not valid TOML: Invalid value (at line 1, column 8)."),
    ],
)
def test_bad_file(tmp_path: Path, text: str, said: str) -> None:
    """A setting nobody knows, one nobody can read, and a file that is no TOML are refused."""
    path = tmp_path / "homing.toml"
    path.write_text(text)
    done = run("serve", "--config", str(path), directory=tmp_path)
    assert 2 == done.returncode
    assert done.stderr.startswith("homing: ")
    assert done.stderr.endswith(f"{said}\n")


def test_missing_file(tmp_path: Path) -> None:
    """A settings file that does not exist is refused."""
    [line] = refused(tmp_path, config=tmp_path / "none.toml")
    assert f"homing: The settings file {tmp_path}/none.toml cannot be read: No such file or directory." == line


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Each command explains itself and touches nothing."""
    done = run(*command, "--help", directory=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith(" ".join(("Usage: homing", *command)))
    assert [] == list(tmp_path.iterdir())


def test_unknown_command(tmp_path: Path) -> None:
    """A command or an option that does not exist is a clear sentence and exit code 2."""
    for arguments, said in (("sevre", "No such command 'sevre'"), ("serve --prot 1", "No such option '--prot'")):
        done = run(*arguments.split(), directory=tmp_path)
        assert 2 == done.returncode
        assert said in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_right_away(receivers: MakeReceiver, number: signal.Signals) -> None:
    """A signal in the middle of the start ends it without a traceback, and the next start succeeds."""
    receiver = receivers().launch()
    until(receiver.store.exists, "The database")
    assert receiver.stop(number) in (0, -number)
    assert "Traceback" not in receiver.everything_said()
    with receiver.start().client() as client:
        assert 200 == client.send({"instance_id": "one"}).status


def test_stopped_at_once(tmp_path: Path) -> None:
    """Ctrl-C at any moment of the start shows no traceback."""
    counting = "import homing.cli; print(open('/proc/self/maps').read().count('\\n'))"
    first = int(subprocess.run([sys.executable, "-c", counting], capture_output=True, check=True).stdout)
    receiver = Receiver(tmp_path)
    for regions in range(first + 5, first + 300, 30):
        receiver.launch()
        until(lambda: process(receiver.process.pid).regions() >= regions or receiver.is_ready(), "Some of the start")  # noqa: B023 - asked at once
        assert receiver.stop(signal.SIGINT) in (0, -signal.SIGINT)
        assert "Traceback" not in receiver.everything_said()
