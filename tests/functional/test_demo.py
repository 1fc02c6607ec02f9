"""`homing serve --demo` as a process: what is filled, what goes on being sent, and that nothing outlives it."""

import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from homing.cli.demo.fleet import Fleet, Sent
from homing.clock import parse_day
from tests.functional.conftest import MakeReceiver
from tests.functional.processes import Process, everyone
from tests.functional.receiver import Receiver, run, until

pytestmark = pytest.mark.slow

INSTANCES = 150
ARGUMENTS = ("--demo", "--demo-instances", str(INSTANCES))
HOSTILE = {"CI": "true", "GITHUB_ACTIONS": "true", "DO_NOT_TRACK": "1"}
"""What would keep the programs from sending, or make them look like something else."""

WHOLE = re.compile(r"^Filling (\S+) to (\S+): 63 of 63$", re.MULTILINE)
AMID = ": 11 of 63"


@pytest.fixture
def demo(receivers: MakeReceiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A demo that was not started yet, in an environment that forbids telemetry; none of its programs may be left."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    made = receivers(arguments=ARGUMENTS, telemetry_enabled="false")
    yield made
    made.close()
    until(lambda: not programs_of(made), "The end of the programs")


def place(demo: Receiver) -> Path:
    """Return the directory that a demo is kept in."""
    return demo.directory / "demo"


def programs_of(demo: Receiver) -> list[Process]:
    """Return the programs that send to a demo, whoever their parent is by now."""
    directory = str(place(demo) / "senders")
    return [each for each in everyone() if any(word.startswith(directory) for word in each.command())]


def running(demo: Receiver, *, but: Sequence[Process] = ()) -> list[Process]:
    """Wait for the three programs and return them."""
    return until(
        lambda: (
            found if len(found := [each for each in programs_of(demo) if each not in but]) + len(but) == 3 else None
        ),
        "Three programs",
    )


def ask(demo: Receiver, *arguments: str) -> Any:
    """Run a command on the demo's store and return the JSON it prints."""
    return demo.json(*arguments, "--store", f"sqlite:///{place(demo)}/homing.db")


def assert_filled(demo: Receiver) -> None:
    """See to it that the days before today are those of the simulation, each ping once."""
    found = WHOLE.search(demo.everything_said())
    assert found is not None
    fleet = Fleet(*map(parse_day, found.groups()), size=INSTANCES)
    made = ask(demo, "report", "--from", found[1], "--to", found[2])
    days = [counted(fleet.pings(day)) for day in fleet.days]
    # Today goes on.
    assert days[:-1] == [(row["requests"], row["clients"]) for row in made["daily"][:-1]]
    assert INSTANCES <= made["summary"]["clients"] <= INSTANCES + 3


def counted(pings: list[Sent]) -> tuple[int, int]:
    """Return how many pings there are, of how many clients."""
    return len(pings), len({sent.body["instance_id"] for sent in pings})


def identities(demo: Receiver) -> set[str]:
    """Wait for the ids that the programs make, and return them."""
    paths = until(
        lambda: found if len(found := list(place(demo).glob("senders/*/instance-id"))) == 3 else None, "Identities"
    )
    return {path.read_text().strip() for path in paths}


def heard(demo: Receiver, ids: set[str]) -> list[dict[str, Any]] | None:
    """Return the rows of these instances once all of them were heard from."""
    rows = ask(demo, "instances", "lantern", "--limit", "1000")
    found = [row for row in rows if row["instance_id"] in ids]
    return found if len(found) == len(ids) else None


def test_what_one_sees(demo: Receiver) -> None:
    """The history is the simulated one, and three programs of different versions add to it, whatever forbids it."""
    demo.start()
    assert_filled(demo)
    assert re.search(r"^Password +once-\S+ ", demo.stdout(), re.MULTILINE)
    assert f"delete {place(demo)}." in demo.stdout()
    assert all(HOSTILE.keys().isdisjoint(each.variables()) for each in running(demo))
    rows = until(lambda: heard(demo, identities(demo)), "Pings of all three")
    assert 3 == len({row["version"] for row in rows})
    until(lambda: demo.outcomes().get("accepted", 0) >= 9, "Ping after ping")
    assert {"accepted"} == set(demo.outcomes())


def test_a_program_that_dies(demo: Receiver) -> None:
    """It is started again, and is the same instance."""
    demo.start()
    ids = identities(demo)
    [victim, *others] = running(demo)
    victim.send(signal.SIGKILL)
    until(lambda: not victim.is_running(), "Its end")
    [_again] = running(demo, but=others)
    before = demo.outcomes().get("accepted", 0)
    until(lambda: demo.outcomes().get("accepted", 0) > before + 3, "More pings")
    assert ids == identities(demo)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_programs_end_with_the_receiver(demo: Receiver, number: signal.Signals) -> None:
    """However the receiver ends, its programs end too: before it where it was told to, else at once."""
    demo.start()
    running(demo)
    assert demo.stop(number) in (0, -number)
    if number != signal.SIGKILL:
        assert [] == programs_of(demo)
    until(lambda: not programs_of(demo), "The end of the programs", seconds=6)


def test_filled_once(demo: Receiver) -> None:
    """Started again it says that the history is there, and fills in nothing more."""
    assert 0 == demo.start().stop()
    demo.start()
    assert f"The demo in {place(demo)} was filled before. Delete that directory to begin anew.\n" in demo.stderr()
    assert "Filling" not in demo.stderr()
    assert_filled(demo)


def test_killed_while_filling(demo: Receiver) -> None:
    """Half a history is begun anew: no number is doubled."""
    demo.launch()
    until(lambda: AMID in demo.stderr(), "A part of the history")
    demo.kill()
    assert (place(demo) / "filling.db").exists()
    assert not (place(demo) / "homing.db").exists()
    demo.start()
    assert_filled(demo)
    assert [] == list(place(demo).glob("filling*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_while_filling(demo: Receiver, number: signal.Signals) -> None:
    """It stops at once, says in a sentence what that means, and leaves no part of a history."""
    demo.launch()
    until(lambda: AMID in demo.stderr(), "A part of the history")
    assert 0 == demo.stop(number)
    sentence = "Stopped: nothing of the demo was kept, the next start fills it anew."
    assert sentence == demo.stderr().splitlines()[-1]
    assert "" == demo.stdout()
    assert [place(demo) / "homing.db.lock"] == list(place(demo).iterdir())


def test_another_store(tmp_path: Path) -> None:
    """With --store it is refused: a real store is never mixed with it."""
    done = run("serve", "--demo", "--store", f"sqlite:///{tmp_path}/real.db", directory=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert "homing: --demo has a store of its own; leave --store out.\n" == done.stderr
    assert [] == list(tmp_path.iterdir())


def test_no_demo_in_its_place(receivers: MakeReceiver) -> None:
    """A store that is no demo is left alone, even where the demo would be."""
    real = receivers()
    own = real.directory / "demo" / "homing.db"
    real.settings["store"] = f"sqlite:///{own}"
    assert 0 == real.start().stop()
    done = real.run("serve", "--demo", store=f"sqlite:///{real.directory}/homing.db")
    assert 2 == done.returncode
    assert f"homing: The store {own} holds no demo; move it elsewhere and start again." == done.stderr.splitlines()[-1]
    assert ["first-app"] == [row["app"] for row in real.json("app", "list")]
