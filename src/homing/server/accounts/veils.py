"""The secrets behind keyed hashes: kept in the control store, shown nowhere."""

from typing import Final

from homing.clock import DAY_MS, Clock
from homing.server.ingest.veil import Veil
from homing.server.stores.base import Control

ROTATION_MS: Final = 30 * DAY_MS
"""For how long one secret hashes addresses. After that nobody can tell that two hashes are of one address."""

ADDRESSES: Final = "addresses"
INSTANCES: Final = "instances"


class Veils:
    """The veil over senders' addresses, and that of each owner over instance ids."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._instances = Veil(control.secret(INSTANCES, clock.token().encode(), now=clock.now()).value)
        self._ends = 0
        self._addresses = Veil(b"")
        self.refresh()

    def refresh(self) -> None:
        """Take a new secret for addresses once the old one is 30 days old; that one is forgotten."""
        now = self._clock.now()
        if now >= self._ends:
            fresh = self._clock.token().encode()
            found = self._control.secret(ADDRESSES, fresh, now=now, after=now - ROTATION_MS)
            self._addresses, self._ends = Veil(found.value), found.since + ROTATION_MS

    def address(self, text: str) -> str:
        """Return the keyed hash of a sender's address."""
        return self._addresses.address(text)

    def of(self, owner: int) -> Veil:
        """Return the veil over an owner's instance ids: one id has one hash for as long as the store lives."""
        return self._instances.of(owner)
