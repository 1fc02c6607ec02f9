"""How long to wait after wrong passwords. Held in memory, bounded, and the same for names that do not exist."""

from ipaddress import IPv6Address, ip_address
from typing import Any, Final, NamedTuple

FREE_TRIES: Final = 5
LONGEST_SECONDS: Final = 900.0
LONGEST_FOR_NAME: Final = 30.0
"""Whoever tries from elsewhere makes the owner wait no longer than this."""

REMEMBERED_SECONDS: Final = 86_400.0
MOST_ENTRIES: Final = 30_000
_SITE_BITS: Final = 64

_Who = tuple[str | None, str | None]
"""A name from a place, that name from anywhere (no place), or anyone from that place (no name)."""


class _Tries(NamedTuple):
    wrong: int
    last: float


class Lockout:
    """Counts wrong passwords in a row for a name from an address, for the name, and for the address.

    After `FREE_TRIES` each further try must wait: a second, then twice as long each time. Where the right password once
    came from, the name's own wait does not hold: nobody elsewhere can keep an owner out.
    """

    def __init__(self) -> None:
        self._tries: dict[_Who, _Tries] = {}
        self._known: dict[_Who, None] = {}

    def __len__(self) -> int:
        return len(self._tries)

    def wait(self, name: str, address: str, *, now: float) -> float:
        """Return the seconds until the next try may be made, 0 when it may be made now."""
        place = _place(address)
        pair = (name, place)
        waits = [self._wait(pair, now, LONGEST_SECONDS), self._wait((None, place), now, LONGEST_SECONDS)]
        if pair not in self._known:
            waits.append(self._wait((name, None), now, LONGEST_FOR_NAME))
        return max(waits)

    def knows(self, name: str, address: str) -> bool:
        """Whether the right password for a name once came from an address."""
        return (name, _place(address)) in self._known

    def _wait(self, who: _Who, now: float, longest: float) -> float:
        found = self._tries.get(who)
        if found is None or found.wrong < FREE_TRIES:
            return 0.0
        # The power is bounded before it is taken: a number of thousands of digits is no float.
        pause = min(longest, 2.0 ** min(found.wrong - FREE_TRIES, 20))
        return max(0.0, found.last + pause - now)

    def wrong(self, name: str, address: str, *, now: float) -> None:
        """Count a try as wrong."""
        place = _place(address)
        for who in ((name, place), (name, None), (None, place)):
            found = self._tries.pop(who, None)
            fresh = found is None or found.last + REMEMBERED_SECONDS < now
            # Put back at the end: what stands first was tried longest ago.
            self._tries[who] = _Tries(1 if fresh or found is None else found.wrong + 1, now)
        _trim(self._tries)

    def right(self, name: str, address: str) -> None:
        """Forget the wrong tries for a name; of its address, those that were for this name."""
        place = _place(address)
        own = self._tries.pop((name, place), _Tries(0, 0.0)).wrong
        self._tries.pop((name, None), None)
        others = self._tries.pop((None, place), None)
        if others is not None and others.wrong > own:
            self._tries[None, place] = others._replace(wrong=others.wrong - own)
        self._known[name, place] = None
        _trim(self._known)


def _trim(entries: dict[_Who, Any]) -> None:
    while len(entries) > MOST_ENTRIES:
        del entries[next(iter(entries))]


def _place(address: str) -> str:
    """Return what stands for everyone at an address: of IPv6 the network, as one site has 2**64 addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> _SITE_BITS << _SITE_BITS))
