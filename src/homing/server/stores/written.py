"""A ping as stores keep it: what it says as JSON, and its id as a claim. Pings cross to the writer in this form."""

import re
from binascii import b2a_base64
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from homing.ping import Ping

_plain: Final = msgspec.json.Encoder(enc_hook=dict)
_reader: Final = msgspec.json.Decoder()
_timed: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


class Written(NamedTuple):
    """A ping that was written down; the fields of `Ping` but for these.

    `state` is the JSON, in UTF-8, of what the ping says about its instance: dimensions and properties. `claim` stands
    for its id. `repeats` says that the history keeps it only when the instance's state changed.
    """

    app: int
    instance: str | None
    kind: str
    at: int
    received: int
    claim: str | None
    state: bytes
    credential: str | None
    repeats: bool
    is_kept: bool

    def read(self) -> Ping:
        """Return the ping, without its id."""
        dimensions, properties = read_state(self.state)
        return Ping(self.app, self.instance, self.kind, self.at, self.received, None, dimensions, properties)


def write_down(ping: Ping | Written) -> Written:
    """Return a ping as it is kept, or as it is where it was written down before.

    Raises `TypeError` or `ValueError` where it holds what is no plain value.
    """
    if isinstance(ping, Written):
        return ping
    app, instance, kind, at, received, name, dimensions, properties, credential, _is_event, is_kept = ping
    claim = None if name is None else claim_of(name)
    state = state_of(dimensions, properties)
    # By the names of its fields it takes twice as long.
    return Written._make((app, instance, kind, at, received, claim, state, credential, ping.repeats, is_kept))


def digest(name: str) -> str:
    """Return 24 characters that stand for a name where the name itself need not be kept."""
    return b2a_base64(blake2b(name.encode(), digest_size=18).digest(), newline=False).decode()


def claim_of(name: str) -> str:
    """Return up to 32 characters that stand for a ping's id.

    An id that begins with its time (UUID version 7, RFC 9562) is its own claim, and stands beside those of the same
    time: what is claimed together then lies on few pages of the index, where random ids dirty one each.
    """
    return name.replace("-", "") if _timed.fullmatch(name) else digest(name)


def state_of(dimensions: Mapping[str, str], properties: Mapping[str, Any]) -> bytes:
    """Return what a ping says about its instance, as the JSON in UTF-8 that is kept as text."""
    return _plain.encode({"dimensions": dimensions, "properties": properties})


def read_state(text: str | bytes) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Return the dimensions and properties in a kept state."""
    state = _reader.decode(text)
    return state["dimensions"], state["properties"]
