"""Keyed hashes in the place of what tells too much: senders' addresses, and ids that are no mere ids."""

import hmac
import re
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import Final

HASHED: Final = "hashed-"
"""What the stored id begins with; after it stands what the id looked like."""

LOOKED_AT: Final = 200
"""So many characters of a text are looked at: an id has no more, and a property with an id may be of any length."""

MOST_ADDRESSES: Final = 1024
"""How many senders' hashes are remembered."""

BYTES: Final = 16
"""How much of a hash is kept: half of it, the least that RFC 2104, section 5, allows."""

EMAIL: Final = "email"
MAC: Final = "mac"
PATH: Final = "path"
ADDRESS: Final = "address"

_plain: Final = re.compile(r"\w{3,}(?:-\w{3,})*", re.ASCII)
_email: Final = re.compile(r"[^\s@]@[^\s@]")
_mac: Final = re.compile(
    r"(?<![0-9a-f:-])(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f:-])"
    r"|(?<![0-9a-f.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-f.])",
    re.IGNORECASE,
)
_path: Final = re.compile(r"^[/\\~.]{1,2}[/\\]|^/|^[a-z]:[/\\]|[/\\].*[/\\]", re.IGNORECASE)
_four: Final = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_colons: Final = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)


def looks_like(text: str) -> str | None:
    """Return what an id looks like that tells too much: an e-mail, a MAC, a path or an address; None for any other.

    Most ids are UUIDs or plain names, and those are told by one look.
    """
    if _plain.fullmatch(text):
        return None
    if _email.search(text):
        return EMAIL
    if _mac.search(text):
        return MAC
    if any(_is_address(found) for found in (*_four.findall(text), *_colons.findall(text))):
        return ADDRESS
    return PATH if _path.search(text) else None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_hashed(instance: str) -> bool:
    """Say whether an instance id is the hash of one that told too much."""
    return instance.startswith(HASHED)


class Veil:
    """Hashes with a secret, which it never shows."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        # Copied for each text: to take the secret in anew takes ten times as long.
        self._keyed = hmac.new(secret, digestmod=sha256)
        # In memory alone, like the addresses in rate limits.
        self._addresses = lru_cache(MOST_ADDRESSES)(self._address)

    def hashed(self, text: str) -> str:
        """Return the HMAC-SHA-256 of text, its first 128 bits in hexadecimal."""
        made = self._keyed.copy()
        made.update(text.encode("utf-8", "surrogatepass"))
        return made.digest()[:BYTES].hex()

    def address(self, text: str) -> str:
        """Return the hash of an address, however it is written."""
        return self._addresses(text)

    def _address(self, text: str) -> str:
        try:
            found = ip_address(text)
        except ValueError:
            return self.hashed(text)
        mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
        return self.hashed(str(mapped or found))

    def instance(self, text: str) -> str:
        """Return the id that an instance is stored under: its own, or the hash of one that tells too much."""
        looks = looks_like(text[:LOOKED_AT])
        return text if looks is None else f"{HASHED}{looks}-{self.hashed(text)}"

    def of(self, owner: int) -> "Veil":
        """Return the veil of an owner, whose hashes say nothing about those of others."""
        return Veil(hmac.digest(self._secret, str(owner).encode(), sha256))
