"""Any process is killed at any moment: what was acknowledged is there, and nothing with an id counts twice."""

import random
import signal
from typing import Final

import pytest

from tests.functional.client import NAMED, NAMELESS, Load
from tests.functional.conftest import MakeReceiver
from tests.functional.processes import Process
from tests.functional.receiver import Receiver, until

pytestmark = pytest.mark.slow

MOST_BETWEEN: Final = 150


def await_more(load: Load, pings: int) -> None:
    """Wait until the load has that many more pings acknowledged."""
    wanted = load.acknowledged + pings
    until(lambda: load.acknowledged >= wanted, f"{pings} more acknowledged pings", seconds=60)


def kill_receiver(receiver: Receiver) -> None:
    """End the receiver, and start it again."""
    receiver.kill()
    receiver.start()


def kill_reader(receiver: Receiver) -> None:
    """End the reader."""
    end(until(receiver.reader, "A reader"))


def kill_writer(receiver: Receiver) -> None:
    """End the writer."""
    end(until(receiver.writer, "A writer"))


def end(process: Process) -> None:
    """End a process, and wait until it is gone."""
    process.send(signal.SIGKILL)
    until(lambda: not process.is_running(), "The end of the process")


KILLED: Final = (kill_receiver, kill_writer, kill_reader)


def check(receiver: Receiver, load: Load) -> None:
    """Compare the report with what the senders know."""
    named, _clients = receiver.summary("--kind", NAMED)
    nameless, _clients = receiver.summary("--kind", NAMELESS)
    assert len(load.named) == named
    assert load.nameless <= nameless <= load.nameless_tried
    stored = {row["instance_id"] for row in receiver.json("instances", "first-app", "--limit", "10000")}
    assert load.instances <= stored
    assert (named + nameless, len(stored)) == receiver.summary()


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.timeout(400))])
def test_killed_under_load(receivers: MakeReceiver, kills: int) -> None:
    """Every ping that got a 2xx is there, none with an id counts twice, however often whichever process is killed."""
    chance = random.Random(kills)  # noqa: S311 - the same moments each time
    receiver = receivers().start()
    with Load(receiver.port, receiver.key) as load:
        for number in range(kills):
            await_more(load, chance.randint(1, MOST_BETWEEN))
            KILLED[number % len(KILLED)](receiver)
        await_more(load, MOST_BETWEEN)
    assert load.lost > 0
    assert set(load.outcomes) <= {"accepted", "duplicate"}
    check(receiver, load)
    assert 0 == receiver.stop()
    check(receiver.start(), load)
