"""How single values are written down: digests of names, and an instance's state as JSON."""

import re
from binascii import b2a_base64
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from homing.errors import QueryError
from homing.ping import Ping

BEYOND: Final = 2**63
"""No number in the database is as large."""

_plain: Final = msgspec.json.Encoder(enc_hook=dict)
_reader: Final = msgspec.json.Decoder()
_timed: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

_AFTER_TIME: Final = 12
"""So much of the digest follows a time of 12 characters."""


def digest(name: str) -> str:
    """Return 24 characters that stand for a name where the name itself need not be kept."""
    return b2a_base64(blake2b(name.encode(), digest_size=18).digest(), newline=False).decode()


def claim_of(name: str) -> str:
    """Return 24 characters that stand for a ping's id.

    An id that begins with its time (UUID version 7, RFC 9562) stands beside those of the same time: what is claimed
    together then lies on few pages of the index, where random ids dirty one each.
    """
    made = digest(name)
    return f"{name[:8]}{name[9:13]}{made[:_AFTER_TIME]}" if _timed.fullmatch(name) else made


def state_of(ping: Ping) -> bytes:
    """Return what the ping says about its instance, as the JSON in UTF-8 that is kept as text."""
    return _plain.encode({"dimensions": ping.dimensions, "properties": ping.properties})


def read_state(text: str | bytes) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Return the dimensions and properties in a kept state."""
    state = _reader.decode(text)
    return state["dimensions"], state["properties"]


def cursor_number(text: str) -> int:
    """Return a number that stands in a cursor; raise `QueryError` for what no list gave."""
    try:
        number = int(text)
    except ValueError:
        number = BEYOND
    if abs(number) >= BEYOND:
        raise QueryError("There is no such place in the list.")
    return number


def json_of(value: Any) -> bytes:
    """Return a value as JSON in UTF-8."""
    return _plain.encode(value)


def json_list(values: Any) -> str:
    """Return values as a JSON array, the form in which many are bound to one statement."""
    return _plain.encode(list(values)).decode()
