"""The door: every password that comes from outside is checked here, few at a time, and not too often."""

import asyncio
from collections.abc import Callable
from math import ceil
from typing import Final, Protocol, TypeVar

from homing.clock import Clock
from homing.errors import AccountError
from homing.outcomes import ACCEPTED, Refusal, Verdict
from homing.server.accounts.accounts import MOST_PASSWORD, Accounts, SignedIn
from homing.server.accounts.lockout import Lockout
from homing.server.ingest.limits import RateLimit
from homing.server.stores.base import Owner

TRIES_PER_SECOND: Final = 1
AT_ONCE: Final = 2
"""Checking one password takes 64 MiB and a core."""

MOST_WAITING: Final = 50
BUSY_SECONDS: Final = 5
_WRONG: Final = "password_wrong"
_MINUTE: Final = 60

T = TypeVar("T")


class Tally(Protocol):
    """Counts what became of tries."""

    def sign_in(self, verdict: Verdict) -> None:
        """Count one try to sign in, or to change a password."""


class Door:
    """Signs owners in and changes their passwords. Whoever is wrong too often must wait: see `Lockout`."""

    def __init__(self, accounts: Accounts, clock: Clock, tally: Tally) -> None:
        self._accounts = accounts
        self._clock = clock
        self._tally = tally
        self._rate = RateLimit("rate_address", TRIES_PER_SECOND)
        self._lockout = Lockout()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def sign_in(self, name: str, password: str, *, address: str, previous: str | None = None) -> SignedIn:
        """Open a session, and end the `previous` one of the same browser; raise `Refusal`."""
        signed = await self._counted(name, address, lambda: self._accounts.sign_in(name, password))
        if previous:
            await self.sign_out(previous)
        return signed

    async def change_password(self, owner: Owner, *, old: str | None, new: str, address: str) -> Owner:
        """Change the password and end every session; raise `Refusal` or `AccountError`.

        The one-time password, which has just been given to sign in, need not be given again.
        """
        try:
            return await self._counted(owner.name, address, lambda: self._changed(owner, old, new))
        except Refusal as refusal:
            if refusal.outcome.name != _WRONG:
                raise
            raise AccountError("The present password is not right.") from None

    def _changed(self, owner: Owner, old: str | None, new: str) -> Owner | None:
        if old is None and owner.must_change:
            return self._accounts.replace_password(owner, new)
        return self._accounts.change_password(owner, old=old or "", new=new)

    async def sign_out(self, token: str) -> None:
        """End a session."""
        await asyncio.to_thread(self._accounts.sign_out, token)

    async def _counted(self, name: str, address: str, check: Callable[[], T | None]) -> T:
        try:
            found = await self._checked(name, address, check)
        except Refusal as refusal:
            self._tally.sign_in(refusal)
            raise
        self._tally.sign_in(ACCEPTED)
        return found

    async def _checked(self, name: str, address: str, check: Callable[[], T | None]) -> T:
        self._rate.check(address, self._clock.monotonic())
        self._may_try(name, address)
        # A crowd of strangers turns nobody away who was let in before.
        if self._waiting >= MOST_WAITING and not self._lockout.knows(name, address):
            raise Refusal("overloaded", retry_after=BUSY_SECONDS)
        self._waiting += 1
        try:
            async with self._free:
                # Others may have been wrong while this one waited: many at once are no way around it.
                self._may_try(name, address)
                return self._judged(name, address, await asyncio.to_thread(check))
        finally:
            self._waiting -= 1

    def _may_try(self, name: str, address: str) -> None:
        if len(name) > MOST_PASSWORD:
            raise Refusal(_WRONG)
        seconds = ceil(self._lockout.wait(name, address, now=self._clock.monotonic()))
        if seconds:
            raise Refusal("locked_out", f"Too many wrong passwords; try again in {_spoken(seconds)}.", seconds)

    def _judged(self, name: str, address: str, found: T | None) -> T:
        if found is None:
            self._lockout.wrong(name, address, now=self._clock.monotonic())
            raise Refusal(_WRONG)
        self._lockout.right(name, address)
        return found


def _spoken(seconds: int) -> str:
    number, unit = (seconds, "second") if seconds <= _MINUTE else (ceil(seconds / _MINUTE), "minute")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
