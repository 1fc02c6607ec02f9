"""The door: waiting, counting and how many passwords are checked at once."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from homing.errors import AccountError
from homing.outcomes import Refusal, Verdict, outcome_of
from homing.server.accounts.accounts import Accounts, SignedIn
from homing.server.accounts.door import AT_ONCE, MOST_WAITING, Door
from homing.server.accounts.lockout import FREE_TRIES
from homing.server.stores.base import Options, Owner
from homing.testing import FixedClock
from tests.contract.engines import Limits, Sqlite

HERE, THERE = "192.0.2.1", "198.51.100.7"
NEW = "a better password"


class Watched(Accounts):
    """Accounts that remember how many passwords were checked at once, and check none before they are let."""

    now = most = 0
    may = threading.Event()

    def sign_in(self, name: str, password: str) -> SignedIn | None:
        """Sign in."""
        self.now += 1
        self.most = max(self.most, self.now)
        self.may.wait()
        try:
            return super().sign_in(name, password)
        finally:
            self.now -= 1


class House:
    """A door with one owner behind it, who has a one-time password."""

    def __init__(self, directory: Path) -> None:
        engine = Sqlite(directory)
        self.clock = FixedClock()
        self.opened = engine.open(engine.fresh(), self.clock, options=Options(), limits=Limits())
        # As quick as can be: what is looked at here is when passwords are checked, not how.
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.accounts = Watched(self.opened.control, self.clock, hasher)
        self.accounts.may.set()
        self.password = self.accounts.first_owner("ada").password or ""
        self.counted: list[str] = []
        self.door = Door(self.accounts, self.clock, self)

    def sign_in(self, verdict: Verdict) -> None:
        """Count one try."""
        self.counted.append(outcome_of(verdict).name)

    def owner(self) -> Owner:
        """Return the owner as stored now."""
        return self.opened.control.owners()[0]

    def enter(self, password: str, *, name: str = "ada", address: str = HERE) -> str:
        """Try to sign in, a while after the last try; return what became of it."""
        try:
            asyncio.run(self.door.sign_in(name, password, address=address))
        except Refusal as refusal:
            return f"{refusal.outcome.name} {refusal.retry_after}"
        return "in"

    def change(self, old: str | None, new: str) -> Owner:
        """Change the password."""
        return asyncio.run(self.door.change_password(self.owner(), old=old, new=new, address=HERE))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A door and its owner."""
    made = House(tmp_path)
    yield made
    made.opened.store.close()


def test_the_right_password(house: House) -> None:
    """Name and password open a session, which is counted."""
    assert "in" == house.enter(house.password)
    assert ["accepted"] == house.counted


@pytest.mark.parametrize("name", ["ada", "nobody", ""])
def test_wrong_passwords(house: House, name: str) -> None:
    """After five the next try waits, also for a name that does not exist; a try too early changes nothing."""
    assert ["password_wrong None"] * FREE_TRIES == [house.enter("wrong", name=name) for _ in range(FREE_TRIES)]
    assert ["locked_out 1"] * 3 == [house.enter("wrong", name=name) for _ in range(3)]
    house.clock.advance(seconds=1)
    assert ["password_wrong None", "locked_out 2"] == [house.enter("wrong", name=name) for _ in range(2)]
    assert FREE_TRIES + 1 == house.counted.count("password_wrong")
    assert 4 == house.counted.count("locked_out")


def test_waiting_ends_with_the_right_password(house: House) -> None:
    """Once the wait is over the right password lets in, and the count begins anew."""
    for _ in range(FREE_TRIES):
        house.enter("wrong")
    assert "locked_out 1" == house.enter(house.password)
    house.clock.advance(seconds=1)
    assert ["in", "password_wrong None"] == [house.enter(house.password), house.enter("wrong")]


def test_the_sentence(house: House) -> None:
    """The refusal says how long to wait, in words for a person."""
    sentences = []
    for _ in range(FREE_TRIES + 8):
        house.enter("wrong")
        with pytest.raises(Refusal) as refused:
            asyncio.run(house.door.sign_in("ada", "wrong", address=HERE))
        sentences.append(refused.value.sentence)
        house.clock.advance(seconds=refused.value.retry_after or 0)
    assert "Too many wrong passwords; try again in 1 second." in sentences
    assert "Too many wrong passwords; try again in 32 seconds." in sentences
    assert "Too many wrong passwords; try again in 2 minutes." in sentences


def test_many_at_once(house: House) -> None:
    """Few passwords are checked at once, and who comes in a crowd has no more tries than one by one."""

    async def crowd() -> list[str]:
        tries = [house.door.sign_in("ada", f"wrong {number}", address=HERE) for number in range(11)]
        waiting = asyncio.gather(*tries, return_exceptions=True)
        house.accounts.may.clear()
        await asyncio.sleep(0.05)
        house.accounts.may.set()
        return [str(each) for each in await waiting]

    became = asyncio.run(crowd())
    assert AT_ONCE == house.accounts.most
    assert FREE_TRIES <= became.count("password_wrong") <= FREE_TRIES + AT_ONCE - 1
    assert {"password_wrong", "locked_out"} == set(became)


def test_too_many_waiting(house: House) -> None:
    """When too many wait for their turn, the next is told to come again."""

    async def crowd() -> list[str]:
        house.accounts.may.clear()
        tries = [
            house.door.sign_in(f"name {number}", "wrong", address=f"192.0.2.{number}")
            for number in range(MOST_WAITING + 3)
        ]
        waiting = asyncio.gather(*tries, return_exceptions=True)
        await asyncio.sleep(0.05)
        house.accounts.may.set()
        return [str(each) for each in await waiting]

    became = asyncio.run(crowd())
    assert (3, MOST_WAITING) == (became.count("overloaded"), became.count("password_wrong"))


def test_a_crowd_turns_nobody_away_who_is_known(house: House) -> None:
    """However many strangers wait, an owner signs in from where the right password came from before."""

    async def crowd() -> list[str]:
        await house.door.sign_in("ada", house.password, address=HERE)
        house.accounts.may.clear()
        strangers = [
            house.door.sign_in("ada", "wrong", address=f"2001:db8:0:{number:x}::1")
            for number in range(MOST_WAITING + 3)
        ]
        waiting = asyncio.gather(*strangers, return_exceptions=True)
        await asyncio.sleep(0.05)
        known = asyncio.create_task(house.door.sign_in("ada", house.password, address=HERE))
        await asyncio.sleep(0.05)
        house.accounts.may.set()
        assert "ada" == (await known).owner.name
        return [str(each) for each in await waiting]

    assert 3 == asyncio.run(crowd()).count("overloaded")


def test_a_name_too_long(house: House) -> None:
    """A name that no owner could have is wrong, and takes no memory."""
    assert "password_wrong None" == house.enter("wrong", name="x" * 201)


def test_the_session_before_ends(house: House) -> None:
    """The session that a browser had ends when it signs in again."""

    async def twice() -> tuple[str, str]:
        first = await house.door.sign_in("ada", house.password, address=HERE)
        second = await house.door.sign_in("ada", house.password, address=HERE, previous=first.token)
        return first.token, second.token

    first, second = asyncio.run(twice())
    assert house.accounts.session_owner(first) is None
    assert house.accounts.session_owner(second) is not None


def test_the_one_time_password_need_not_be_repeated(house: House) -> None:
    """Who signed in with the one-time password chooses another without it; later the present one is asked for."""
    assert not house.change(None, NEW).must_change
    assert "in" == house.enter(NEW)
    for old in (None, "wrong", house.password):
        with pytest.raises(AccountError, match="The present password is not right"):
            house.change(old, "another password")
    with pytest.raises(AccountError, match="A new password has"):
        house.change(NEW, NEW)
    assert "in" == house.enter(NEW)


def test_present_passwords_cannot_be_guessed(house: House) -> None:
    """Wrong present passwords count as wrong passwords do."""
    house.change(None, NEW)
    for _ in range(FREE_TRIES):
        with pytest.raises(AccountError):
            house.change("wrong", "another password")
    with pytest.raises(Refusal, match="locked_out"):
        house.change(NEW, "another password")
    assert "locked_out 1" == house.enter(NEW)
