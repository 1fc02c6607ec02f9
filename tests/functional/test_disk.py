"""The disk is full, or the database read-only: 503 and one clear log line; all is well again without a restart."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.functional.client import Answer, Load
from tests.functional.conftest import MakeReceiver
from tests.functional.receiver import Receiver, as_user_without_override, until

pytestmark = pytest.mark.slow

MIB: Final = 1024 * 1024
SIZE_MIB: Final = 6
ENOUGH: Final = 10_000
SENTENCE: Final = "The store cannot be written at the moment; try again."


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB, in memory."""
    if os.geteuid() != 0:
        pytest.skip("Only root may mount; the limit on the size of files is tested below all the same.")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "homing-test", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def full(directory: Path) -> Iterator[None]:
    """Leave no byte free on a file system inside the block."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as opened:
        for size in (MIB, 4096):
            try:
                while opened.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    yield
    ballast.unlink()


def check_refusal(answer: Answer) -> None:
    """Check that a sender is told to try again, and why."""
    assert (503, "5", "application/json") == (
        answer.status,
        answer.headers["retry-after"],
        answer.headers["content-type"],
    )
    told = answer.json()
    assert {"outcome": "unavailable", "error": SENTENCE} == told.get("results", [told])[0]


def send_until_refused(receiver: Receiver) -> int:
    """Send pings, each with some text, until one is refused; return how many were accepted."""
    with receiver.client() as client:
        for number in range(ENOUGH):
            answer = client.send({"instance_id": f"instance-{number}", "text": os.urandom(4000).hex()})
            if answer.status != 200:
                check_refusal(answer)
                return number
    pytest.fail("The disk was never full.")


def test_full_disk(receivers: MakeReceiver, small_disk: Path) -> None:
    """A full disk is 503 and unreadiness; with space again pings are stored, and nothing acknowledged is lost."""
    receiver = receivers(small_disk).start()
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "before"}).status
        with full(small_disk):
            accepted = send_until_refused(receiver)
            check_refusal(client.send({"instance_id": "meanwhile"}))
            check_refusal(client.heartbeat("meanwhile"))
            assert b"not ready: store\n" == client.get("/readyz").body
            assert 200 == client.get("/livez").status
        until(lambda: client.send({"instance_id": "after"}).status == 200, "Recovery")
        assert 200 == client.get("/readyz").status
    requests, clients = receiver.summary()
    assert requests == accepted + 2
    assert clients == accepted + 2
    assert {"accepted": requests, "unavailable": 3} == receiver.outcomes()
    [line] = receiver.log("store_unavailable")
    assert "database or disk is full" == line["reason"]
    assert 1 == len(receiver.log("store_recovered"))


def test_full_disk_under_load(receivers: MakeReceiver, small_disk: Path) -> None:
    """Senders that try again lose nothing over a disk that is full twice."""
    receiver = receivers(small_disk).start()
    with Load(receiver.port, receiver.key) as load:
        for times in (1, 2):
            with full(small_disk):
                until(lambda: len(receiver.log("store_unavailable")) >= times, "503")  # noqa: B023 - asked at once
            until(lambda: len(receiver.log("store_recovered")) >= times, "Recovery")  # noqa: B023 - asked at once
        wanted = load.acknowledged + 100
        until(lambda: load.acknowledged >= wanted, "Load")
    assert {"accepted", "unavailable"} == set(load.outcomes)
    assert (load.acknowledged, len(load.instances)) == receiver.summary()
    assert load.answered == sum(receiver.outcomes().values())
    assert 0 == receiver.metrics()["homing_bugs_total"]


def test_full_disk_and_crash(receivers: MakeReceiver, small_disk: Path) -> None:
    """What was acknowledged before the disk was full is there after a crash on the full disk."""
    receiver = receivers(small_disk).start()
    with full(small_disk):
        accepted = send_until_refused(receiver)
        receiver.kill()
    assert (accepted, accepted) == receiver.start().summary()


def test_full_disk_for_logs_too(receivers: MakeReceiver, small_disk: Path) -> None:
    """Where the log cannot be written either, pings are still refused and taken as they should be."""
    receiver = receivers(small_disk, stderr=Path("/dev/full")).start()
    with receiver.client() as client:
        with full(small_disk):
            accepted = send_until_refused(receiver)
        until(lambda: client.send({"instance_id": "after"}).status == 200, "Recovery")
    assert (accepted + 1, accepted + 1) == receiver.summary()


def test_file_too_large(receiver: Receiver) -> None:
    """A limit on the size of files, reached and lifted, is 503 and recovery as well."""
    with until(receiver.writer, "A writer").limited(MIB // 4):
        accepted = send_until_refused(receiver)
    with receiver.client() as client:
        until(lambda: client.send({"instance_id": "after"}).status == 200, "Recovery")
    assert (accepted + 1, accepted + 1) == receiver.summary()


def set_mode(receiver: Receiver, mode: int) -> None:
    """Set the permissions of the database and of what SQLite keeps beside it."""
    for name in ("", "-wal", "-shm"):
        path = receiver.store.with_name(receiver.store.name + name)
        if path.exists():
            path.chmod(mode)


def test_read_only_database(receivers: MakeReceiver) -> None:
    """A database without the right to write answers questions and refuses pings until the right is there."""
    receiver = receivers(before=as_user_without_override()).start()
    key = receiver.json("app", "key", "first-app", "--add", "read")["key"]
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "before"}).status
    assert 0 == receiver.stop()
    set_mode(receiver, 0o444)
    receiver.start()
    with receiver.client() as client, receiver.client(key=key) as asker:
        check_refusal(client.send({"instance_id": "meanwhile"}))
        check_refusal(client.heartbeat("meanwhile"))
        assert b"not ready: store\n" == client.get("/readyz").body
        assert 1 == asker.get("/api/v1/report?range=week").json()["summary"]["clients"]
        set_mode(receiver, 0o644)
        until(lambda: client.send({"instance_id": "after"}).status == 200, "Recovery")
        assert 200 == client.get("/readyz").status
        assert 2 == asker.get("/api/v1/report?range=week").json()["summary"]["clients"]
    [line] = receiver.log("store_unavailable")
    assert "attempt to write a readonly database" == line["reason"]
    assert 1 == len(receiver.log("store_recovered"))
    assert [] == receiver.log("reader_died")


def test_database_turns_read_only(receivers: MakeReceiver) -> None:
    """A database that loses and regains the right to write while it is served ends well too."""
    receiver = receivers(before=as_user_without_override()).start()
    with until(receiver.writer, "A writer").limited(MIB // 4):
        accepted = send_until_refused(receiver)
        # A failed write makes the receiver open the file anew, and now it may only read it.
        set_mode(receiver, 0o444)
    with receiver.client() as client:
        for _ in range(5):
            check_refusal(client.send({"instance_id": "meanwhile"}))
        set_mode(receiver, 0o644)
        until(lambda: client.send({"instance_id": "after"}).status == 200, "Recovery")
    assert (accepted + 1, accepted + 1) == receiver.summary()
    assert 1 == len(receiver.log("store_unavailable"))
