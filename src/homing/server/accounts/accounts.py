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
PASSWORD_RULE: Final = (
    f"A new password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters and differs from the old one."
)


class FirstOwner(NamedTuple):
    """The first owner; `password` is given once, when the owner was made just now."""

    owner: Owner
    password: str | None


class SignedIn(NamedTuple):
    """Who came in, and the token of the session that was opened."""

    owner: Owner
    token: str


class Accounts:
    """Signs owners in. Passwords are kept as argon2id hashes, sessions by the hash of their token."""

    def __init__(self, control: Control, clock: Clock, hasher: PasswordHasher | None = None) -> None:
        self._control = control
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("")

    def first_owner(self, name: str) -> FirstOwner:
        """Return the oldest owner, made with a one-time password when there is none."""
        owners = self._control.owners()
        if owners:
            return FirstOwner(owners[0], None)
        password = f"once-{self._clock.token(PASSWORD_BYTES)}"
        made = self._control.add_owner(name, self._hasher.hash(password), now=self._clock.now(), must_change=True)
        return FirstOwner(made, password)

    def sign_in(self, name: str, password: str) -> SignedIn | None:
        """Open a session; None when name or password are wrong."""
        owner = self._control.owner(name)
        if not self._matches(owner.password if owner else self._nobody, password) or owner is None:
            return None
        return self.open_session(owner)

    def open_session(self, owner: Owner) -> SignedIn:
        """Open a session of an owner who has shown to be one."""
        token = self._clock.token()
        now = self._clock.now()
        self._control.add_session(owner.id, _digest(token), now=now, expires=now + SESSION_DAYS * DAY_MS)
        return SignedIn(owner, token)

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

    def change_password(self, owner: Owner, *, old: str, new: str) -> Owner | None:
        """Do as `replace_password` does; None when `old` is not the present password."""
        return self.replace_password(owner, new) if self._matches(owner.password, old) else None

    def replace_password(self, owner: Owner, new: str) -> Owner:
        """Replace the password and end every session; raise `AccountError` when the new one will not do."""
        if not LEAST_PASSWORD <= len(new) <= MOST_PASSWORD or self._matches(owner.password, new):
            raise AccountError(PASSWORD_RULE)
        hashed = self._hasher.hash(new)
        self._control.set_password(owner.id, hashed, must_change=False)
        return owner._replace(password=hashed, must_change=False)

    def sign_out(self, token: str) -> None:
        """End a session."""
        self._control.end_session(_digest(token))


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
