"""What tells a copied installation from its original."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from homing import Telemetry
from homing.clock import SystemClock
from homing.sdk.identity import COPIED, INSTANCE_FILE, MACHINE_FILE, TOKEN_FILE, FilePlace, Identities
from homing.sdk.machine import CONTAINER_FILES, MOST_MACHINES, Linux, in_container
from homing.sdk.policy import POLICIES
from homing.sdk.status import UNMADE
from tests.unit.sdk.doubles import SECONDS, Computer, Outbox, telemetry

FIRST, SECOND, THIRD = (digit * 32 for digit in "abc")
SOMEWHERE = "3f1c0f0a-1111-4222-8333-444455556666"


def on(computer: Linux, directory: Path) -> Identities:
    """Return the identity in a directory of a computer."""
    return Identities(FilePlace(directory), clock=SystemClock(), with_token=True, machine=computer)


def restored(directory: Path) -> Path:
    """Return a directory whose files were written anew from a backup."""
    return Path(shutil.copytree(directory, directory.with_name(f"{directory.name}-restored")))


def test_the_image_of_a_disk(tmp_path: Path) -> None:
    """A second machine that has the very same file gets its own id and token; the first keeps what it has."""
    one, two = Computer(tmp_path / "one", FIRST), Computer(tmp_path / "two", SECOND)
    original = on(one, tmp_path / "own").make()
    kept = restored(tmp_path / "own")
    assert on(two, tmp_path / "own").read() is None
    copy = on(two, tmp_path / "own").make()
    assert not set(copy) & set(original)
    renewal = on(two, tmp_path / "own").renewal()
    assert renewal is not None
    assert COPIED == renewal.why
    assert copy == on(two, tmp_path / "own").make() == on(two, tmp_path / "own").read()
    assert (original, None) == (on(one, kept).make(), on(one, kept).renewal())


def test_copies_of_a_copy(tmp_path: Path) -> None:
    """Each has an id of its own."""
    computers = [Computer(tmp_path / name, name * 32) for name in "abcd"]
    assert 4 == len({on(computer, tmp_path / "own").make().instance for computer in computers})


def test_a_shared_directory(tmp_path: Path) -> None:
    """Machines that share a disk do not change the id back and forth: each of them does it once at most."""
    computers = [Computer(tmp_path / name, name * 32) for name in "abc"]
    found = [on(computer, tmp_path / "own").make() for _ in range(3) for computer in computers]
    assert 1 == len(set(found[2:]))


def test_very_many_machines(tmp_path: Path) -> None:
    """After sixteen the directory counts as shared, and the id stays."""
    names = [f"{number:032x}" for number in range(MOST_MACHINES + 3)]
    found = [on(Computer(tmp_path / name, name), tmp_path / "own").make() for name in names]
    assert MOST_MACHINES == len(set(found))
    assert 1 == len(set(found[MOST_MACHINES - 1 :]))


Change = Callable[[Path, Path], tuple[Linux, Path]]

STAYS: dict[str, Change] = {
    "the same machine": lambda root, own: (Computer(root, FIRST), own),
    "another kernel": lambda root, own: (Computer(root, FIRST, kernel="7.0.1"), own),
    "another host name": lambda root, own: (Computer(root.with_name("renamed"), FIRST), own),
    "a backup restored": lambda root, own: (Computer(root, FIRST), restored(own)),
    "a backup restored elsewhere": lambda root, own: (Computer(root, SECOND), restored(own)),
    "into a container": lambda root, own: (Computer(root, SECOND, is_container=True), own),
    "a machine without a name": lambda root, own: (Computer(root), own),
    "a machine that is not set up": lambda root, own: (Computer(root, "uninitialized"), own),
    "a name that is none": lambda root, own: (Computer(root, "Z" * 32), own),
}


@pytest.mark.parametrize("name", STAYS)
def test_the_id_stays(tmp_path: Path, name: str) -> None:
    """Whatever changed, it is the same installation as far as one can tell."""
    made = on(Computer(tmp_path / "one", FIRST), tmp_path / "own").make()
    computer, own = STAYS[name](tmp_path / "two", tmp_path / "own")
    assert made == on(computer, own).read() == on(computer, own).make() == on(computer, own).make()
    assert on(computer, own).renewal() is None


@pytest.mark.parametrize("number", range(len(CONTAINER_FILES) + 1))
def test_containers_on_one_volume(tmp_path: Path, number: int) -> None:
    """A container that is made again on the same volume is the same, whatever it calls itself; nothing is kept."""
    made = []
    for name in (FIRST, SECOND, THIRD):
        computer = Computer(tmp_path / name, name, is_container=number == len(CONTAINER_FILES))
        if number < len(CONTAINER_FILES):
            computer.leave(number)
        made.append(on(computer, tmp_path / "volume").make())
    assert 1 == len(set(made))
    assert {INSTANCE_FILE, TOKEN_FILE} == {path.name for path in (tmp_path / "volume").iterdir()}


def test_in_a_container(tmp_path: Path) -> None:
    """Its marks tell it; a computer has none, and where nothing can be seen the caller says what holds."""
    for name, is_container in (("one", False), ("two", True)):
        Computer(tmp_path / name, FIRST, is_container=is_container)
        assert is_container is in_container(tmp_path / name)
    assert not in_container(tmp_path / "nothing")
    assert in_container(tmp_path / "nothing", in_doubt=True)


def test_where_nothing_can_be_seen(tmp_path: Path) -> None:
    """Without /proc nobody knows whether it is a container."""
    computer = Computer(tmp_path / "one", FIRST)
    shutil.rmtree(tmp_path / "one" / "proc")
    assert computer.name() is None
    assert Linux(tmp_path / "nothing").name() is None


def test_an_id_from_elsewhere(tmp_path: Path) -> None:
    """Whoever writes another id has decided; what was seen of the one before says nothing of it."""
    on(Computer(tmp_path / "one", FIRST), tmp_path / "own").make()
    (tmp_path / "own" / INSTANCE_FILE).write_text(SOMEWHERE)
    assert SOMEWHERE == on(Computer(tmp_path / "two", SECOND), tmp_path / "own").make().instance


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"instance": 1}', "null", "9" * 9999, '{"machines": 5}'])
def test_evidence_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """It counts as none, and is written anew."""
    computer = Computer(tmp_path / "one", FIRST)
    made = on(computer, tmp_path / "own").make()
    (tmp_path / "own" / MACHINE_FILE).write_text(text)
    assert made == on(Computer(tmp_path / "two", SECOND), tmp_path / "own").make()
    assert text != (tmp_path / "own" / MACHINE_FILE).read_text()


def test_evidence_that_cannot_be_kept(tmp_path: Path) -> None:
    """The id is found all the same."""
    made = Identities(FilePlace(tmp_path), clock=SystemClock()).make()
    (tmp_path / MACHINE_FILE).mkdir()
    with pytest.raises(IsADirectoryError):
        FilePlace(tmp_path).read(MACHINE_FILE)
    (tmp_path / MACHINE_FILE).rmdir()
    (tmp_path / f".{MACHINE_FILE}.{os.getpid()}").mkdir()
    computer = Computer(tmp_path / "one", FIRST)
    assert made == Identities(FilePlace(tmp_path), clock=SystemClock(), machine=computer).make()
    assert not (tmp_path / MACHINE_FILE).exists()


def test_the_machine_is_not_named(tmp_path: Path) -> None:
    """What is kept is a hash with a salt: two installations on one machine have nothing in common."""
    computer = Computer(tmp_path / "one", FIRST)
    texts = []
    for name in ("a", "b"):
        on(computer, tmp_path / name).make()
        texts.append((tmp_path / name / MACHINE_FILE).read_text())
    assert FIRST not in "".join(texts)
    assert not set(texts[0].split('"')[3::4]) & set(texts[1].split('"')[3::4])


def test_disks(tmp_path: Path) -> None:
    """A file in memory is on no disk of this machine, and one on a disk has its number and time."""
    assert Linux().print_of(Path("/proc/self/status")) is None
    assert Linux().print_of(tmp_path / "nothing") is None
    file = tmp_path / "file"
    file.touch()
    found = file.stat()
    wanted = f"{found.st_ino}.{found.st_ctime_ns}" if os.major(found.st_dev) else None
    assert wanted == Linux().print_of(file)


# Through the face.


def started(place: Path, computer: Linux, monkeypatch: pytest.MonkeyPatch, policy: str = "homing") -> Telemetry:
    """Return telemetry that runs on a computer and has sent a ping."""
    monkeypatch.setattr("homing.sdk.engine.Linux", lambda: computer)
    key = "k" if policy in ("homing", "slackonos") else ""
    sending = telemetry(place, policy=policy, key=key, transport=Outbox(), clock=SystemClock())
    assert sending.status().instance
    sending.start()
    sending.send_now(SECONDS)
    return sending


def test_status_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks at a copy before it starts sees no id of another's, and afterwards when and why it has its own."""
    with started(tmp_path / "own", Computer(tmp_path / "one", FIRST), monkeypatch) as sending:
        original = sending.status()
    assert original.renewed is None
    two = Computer(tmp_path / "two", SECOND)
    monkeypatch.setattr("homing.sdk.engine.Linux", lambda: two)
    assert UNMADE == telemetry(tmp_path / "own").status().instance
    with started(tmp_path / "own", two, monkeypatch) as sending:
        copy = sending.status()
    assert copy.renewed is not None
    assert (True, COPIED, "") == (copy.renewed.at > 0, copy.renewed.why, copy.renewed.who)
    assert copy.instance not in (UNMADE, original.instance)


@pytest.mark.parametrize("policy", sorted(set(POLICIES) - {"homing"}))
def test_documents_say_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    """With their policies an id stays, whatever the machine, and none is looked at."""
    found = []
    for name in (FIRST, SECOND):
        with started(tmp_path / "own", Computer(tmp_path / name, name), monkeypatch, policy) as sending:
            found.append(sending.status().instance)
    assert found[0] == found[1] != UNMADE
    assert not (tmp_path / "own" / MACHINE_FILE).exists()
