"""Owners, passwords and sessions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homing.clock import DAY_MS
from homing.errors import AccountError
from homing.server.accounts.accounts import LEAST_PASSWORD, MOST_PASSWORD, SESSION_DAYS, Accounts
from homing.server.stores.base import Options, Owner
from homing.server.stores.registry import Opened
from homing.testing import FixedClock
from tests.contract.engines import Limits, Sqlite

NEW = "a better password"


class Desk:
    """Accounts on a fresh store."""

    def __init__(self, directory: Path) -> None:
        engine = Sqlite(directory)
        self.clock = FixedClock()
        self.opened: Opened = engine.open(engine.fresh(), self.clock, options=Options(), limits=Limits())
        self.accounts = Accounts(self.opened.control, self.clock)
        first = self.accounts.first_owner("admin")
        assert first.password is not None
        self.password = first.password

    def owner(self) -> Owner:
        """Return the first owner as it is stored now."""
        return self.opened.control.owners()[0]

    def sign_in(self, password: str) -> str:
        """Sign in and return the session's token."""
        signed = self.accounts.sign_in("admin", password)
        assert signed is not None
        return signed[1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Accounts with a first owner."""
    made = Desk(tmp_path)
    yield made
    made.opened.store.close()


def test_the_first_owner_is_made_once(desk: Desk) -> None:
    """The first owner gets a one-time password, which is told once and must be changed."""
    again = desk.accounts.first_owner("somebody else")
    assert ("admin", None) == (again.owner.name, again.password)
    assert desk.owner().must_change
    assert 1 == len(desk.opened.control.owners())


def test_passwords_are_hashed(desk: Desk) -> None:
    """What is stored is an argon2id hash."""
    assert desk.owner().password.startswith("$argon2id$")
    assert desk.password not in desk.owner().password


def test_signing_in(desk: Desk) -> None:
    """Name and password together open a session; neither alone does."""
    token = desk.sign_in(desk.password)
    assert desk.owner() == desk.accounts.session_owner(token)
    assert desk.accounts.sign_in("admin", "wrong") is None
    assert desk.accounts.sign_in("admin", "") is None
    assert desk.accounts.sign_in("nobody", desk.password) is None
    assert desk.accounts.sign_in("nobody", "") is None


def test_forged_tokens(desk: Desk) -> None:
    """A token that was not dealt opens nothing, nor does the hash of one that was."""
    token = desk.sign_in(desk.password)
    for forged in ("", "x", token[:-1], token + "x", "é", desk.owner().password):
        assert desk.accounts.session_owner(forged) is None


def test_sessions_end(desk: Desk) -> None:
    """A session ends after its days, and when its owner signs out; others go on."""
    token, other = desk.sign_in(desk.password), desk.sign_in(desk.password)
    desk.accounts.sign_out(token)
    assert desk.accounts.session_owner(token) is None
    desk.clock.advance(seconds=SESSION_DAYS * DAY_MS / 1000 - 1)
    assert desk.accounts.session_owner(other) is not None
    desk.clock.advance(seconds=1)
    assert desk.accounts.session_owner(other) is None


def test_a_new_password(desk: Desk) -> None:
    """A new password takes the place of the old one, need not be changed again, and ends every session."""
    token = desk.sign_in(desk.password)
    changed = desk.accounts.change_password(desk.owner(), old=desk.password, new=NEW)
    assert desk.owner() == changed
    assert not desk.owner().must_change
    assert desk.accounts.session_owner(token) is None
    assert desk.accounts.sign_in("admin", desk.password) is None
    assert desk.sign_in(NEW)


def test_passwords_that_will_not_do(desk: Desk) -> None:
    """A new password has a length within limits and differs from the old one, which must be right."""
    for new in ("x" * (LEAST_PASSWORD - 1), "x" * (MOST_PASSWORD + 1), desk.password):
        with pytest.raises(AccountError, match="A new password has 10 to 200 characters and differs"):
            desk.accounts.change_password(desk.owner(), old=desk.password, new=new)
    assert desk.accounts.change_password(desk.owner(), old="wrong", new=NEW) is None
    assert desk.sign_in(desk.password)


def test_a_session_of_its_own(desk: Desk) -> None:
    """Whoever has just shown to be the owner gets a session without the password."""
    owner, token = desk.accounts.open_session(desk.owner())
    assert (desk.owner(), owner) == (owner, desk.accounts.session_owner(token))
