"""Owners: the first one, passwords, and signing in."""

from hashlib import sha256
from typing import Final, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from homing.clock import DAY_MS, Clock
from homing.errors import AccountError
from homing.server.stores.base import Control, Owner

SESSION_DAYS: Final = 14
PASSWORD_BYTES: Final = 12
LEAST_PASSWORD: Final = 10
MOST_PASSWORD: Final = 200


class FirstOwner(NamedTuple):
    """The first owner; `password` is given once, when the owner was made just now."""

    owner: Owner
    password: str | None


class Accounts:
    """Signs owners in. Passwords are kept as argon2id hashes, sessions by the hash of their token."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash("")

    def first_owner(self, name: str) -> FirstOwner:
        """Return the oldest owner, made with a one-time password when there is none."""
        owners = self._control.owners()
        if owners:
            return FirstOwner(owners[0], None)
        password = f"once-{self._clock.token(PASSWORD_BYTES)}"
        made = self._control.add_owner(name, self._hasher.hash(password), now=self._clock.now(), must_change=True)
        return FirstOwner(made, password)

    def sign_in(self, name: str, password: str) -> tuple[Owner, str] | None:
        """Return the owner and a new session token, None when name or password are wrong."""
        owner = self._control.owner(name)
        if not self._matches(owner.password if owner else self._nobody, password) or owner is None:
            return None
        token = self._clock.token()
        now = self._clock.now()
        self._control.add_session(owner.id, _digest(token), now=now, expires=now + SESSION_DAYS * DAY_MS)
        return owner, token

    def _matches(self, kept: str, password: str) -> bool:
        # Also done for a name that does not exist, so that the time taken does not tell.
        try:
            return self._hasher.verify(kept, password)
        except VerificationError:
            return False

    def session_owner(self, token: str) -> Owner | None:
        """Return the owner whose session this is."""
        number = self._control.session(_digest(token), self._clock.now())
        return next((owner for owner in self._control.owners() if owner.id == number), None)

    def change_password(self, owner: Owner, *, old: str, new: str) -> None:
        """Replace the password and end every session; raise `AccountError` when either will not do."""
        if not self._matches(owner.password, old):
            message = "The present password is not right."
            raise AccountError(message)
        if not LEAST_PASSWORD <= len(new) <= MOST_PASSWORD or new == old:
            message = f"A new password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters and differs from the old one."
            raise AccountError(message)
        self._control.set_password(owner.id, self._hasher.hash(new), must_change=False)

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._control.end_session(_digest(token))


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
