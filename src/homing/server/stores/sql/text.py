"""How single values are written down for the database."""

from typing import Any, Final

import msgspec

from homing.errors import QueryError

BEYOND: Final = 2**63
"""No number in the database is as large."""

_plain: Final = msgspec.json.Encoder(enc_hook=dict)


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
