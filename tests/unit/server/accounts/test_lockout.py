"""Who must wait after wrong passwords, and for how long."""

import pytest

from homing.server.accounts.lockout import (
    FREE_TRIES,
    LONGEST_FOR_NAME,
    LONGEST_SECONDS,
    MOST_ENTRIES,
    REMEMBERED_SECONDS,
    Lockout,
)

HERE, THERE = "192.0.2.1", "198.51.100.7"


def fail(lockout: Lockout, times: int, *, name: str = "ada", address: str = HERE, now: float = 0) -> None:
    """Be wrong some times."""
    for _ in range(times):
        lockout.wrong(name, address, now=now)


def test_a_few_are_free() -> None:
    """The first five wrong passwords cost nothing."""
    lockout = Lockout()
    for _ in range(FREE_TRIES):
        assert 0 == lockout.wait("ada", HERE, now=0)
        fail(lockout, 1)
    assert 1 == lockout.wait("ada", HERE, now=0)


def test_waits_double() -> None:
    """Each further wrong password doubles the wait, up to 15 minutes."""
    lockout, waits = Lockout(), []
    fail(lockout, FREE_TRIES - 1)
    for _ in range(13):
        fail(lockout, 1)
        waits.append(lockout.wait("ada", HERE, now=0))
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] == waits
    fail(lockout, 5000)
    assert LONGEST_SECONDS == lockout.wait("ada", HERE, now=0)


def test_waiting_ends() -> None:
    """The wait runs from the last wrong password."""
    lockout = Lockout()
    fail(lockout, FREE_TRIES + 3)
    assert (8, 3, 0, 0) == tuple(lockout.wait("ada", HERE, now=now) for now in (0, 5, 8, 100))


def test_an_address_as_a_whole() -> None:
    """Trying one password on many names is no way around."""
    lockout = Lockout()
    for name in "abcdefgh":
        fail(lockout, 1, name=name)
    assert 8 == lockout.wait("fresh", HERE, now=0)
    assert 0 == lockout.wait("fresh", THERE, now=0)


def test_guessing_from_elsewhere() -> None:
    """Guesses from elsewhere make the owner wait half a minute at most, and not at all where the owner has been."""
    lockout = Lockout()
    lockout.right("ada", HERE)
    fail(lockout, 1000, address=THERE)
    assert LONGEST_SECONDS == lockout.wait("ada", THERE, now=0)
    assert LONGEST_FOR_NAME == lockout.wait("ada", "203.0.113.5", now=0)
    assert 0 == lockout.wait("ada", HERE, now=0)


def test_the_right_password_forgives() -> None:
    """The right password forgets the name's wrong ones, wherever they came from, and those alone."""
    lockout = Lockout()
    fail(lockout, FREE_TRIES)
    fail(lockout, FREE_TRIES, address=THERE)
    lockout.right("ada", HERE)
    assert (0, 1) == (lockout.wait("ada", HERE, now=0), lockout.wait("ada", THERE, now=0))
    assert 0 == lockout.wait("ada", "203.0.113.5", now=0)


def test_a_second_account_is_no_way_around() -> None:
    """Signing in with an own account between guesses does not forgive the guesses on another's."""
    lockout = Lockout()
    for _ in range(FREE_TRIES):
        fail(lockout, 1, name="mallory")
        fail(lockout, 1)
        lockout.right("mallory", HERE)
    assert 1 == lockout.wait("ada", HERE, now=0)
    assert 1 == lockout.wait("anyone", HERE, now=0)


def test_old_ones_are_forgotten() -> None:
    """After a day without a wrong password counting begins anew."""
    lockout = Lockout()
    fail(lockout, 50)
    fail(lockout, 1, now=REMEMBERED_SECONDS + 1)
    assert 0 == lockout.wait("ada", HERE, now=REMEMBERED_SECONDS + 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("no address", "no address", True),
        ("", "no address", False),
    ],
)
def test_places(one: str, other: str, *, same: bool) -> None:
    """One site's IPv6 addresses are as good as one; whatever a proxy calls an address is taken as it is."""
    lockout = Lockout()
    fail(lockout, FREE_TRIES, name="ada", address=one)
    assert same == bool(lockout.wait("grace", other, now=0))


def test_memory_is_bounded() -> None:
    """However many names are tried, so many are held; who was tried last is remembered longest."""
    lockout = Lockout()
    fail(lockout, FREE_TRIES)
    for number in range(MOST_ENTRIES):
        if number % 1000 == 0:
            fail(lockout, 1)
        fail(lockout, 1, name=f"name {number}", address=f"{number}")
    assert lockout.wait("ada", HERE, now=0)
    assert MOST_ENTRIES == len(lockout)
