"""What is sent, as rows, and the one function that makes a body of them.

Nothing leaves that has no row. Preview and sending call the same function.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

TEXT: Final = "text"
NUMBER: Final = "whole number"
SWITCH: Final = "true or false"
DATABASE: Final = "postgresql, sqlite or unknown"
MOST_CHARACTERS: Final = 100
LARGEST: Final = 2**63 - 1


class Moment(NamedTuple):
    """What is known when a ping is made: `at` is the time in milliseconds since 1970-01-01 UTC."""

    version: str
    instance: str
    kind: str
    at: int
    id: str


class Row(NamedTuple):
    """One field: its place in the body with dots, its type, why it is sent, an example, and what finds its value.

    The probe is called at each send. When it fails, or finds what is not of the type, the field is `otherwise`.
    `may_be_told` says that the application may give the value itself.
    """

    name: str
    type: str
    why: str
    example: Any
    probe: Callable[[Moment], Any]
    may_be_told: bool = False
    otherwise: Any = None


class Built(NamedTuple):
    """A body as it goes over the wire, and the names of the fields whose probe failed."""

    body: bytes
    failed: tuple[str, ...]


def untold(_moment: Moment) -> None:
    """Find nothing: the field is empty until the application gives its value."""


def build(rows: Iterable[Row], moment: Moment, *, told: Mapping[str, Any]) -> Built:
    """Return the body; `told` are the application's own values, or functions that return them, by row."""
    import json

    body: dict[str, Any] = {}
    failed = []
    for row in rows:
        try:
            value = _checked(row, _find(row, moment, told))
        except Exception:  # noqa: BLE001 - a probe may be anybody's code, and must harm nobody
            value = row.otherwise
            failed.append(row.name)
        _place(body, row.name, value)
    return Built(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), tuple(failed))


def _find(row: Row, moment: Moment, told: Mapping[str, Any]) -> Any:
    if row.name not in told:
        return row.probe(moment)
    value = told[row.name]
    return value() if callable(value) else value


def _checked(row: Row, value: Any) -> Any:
    """Return what may stand in the field; raise `ValueError` for what is not of its type."""
    if value is None:
        return row.otherwise
    if not FITS[row.type](value):
        raise ValueError("not of the row's type")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MOST_CHARACTERS and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _is_switch(value: Any) -> bool:
    return isinstance(value, bool)


def _is_database(value: Any) -> bool:
    return value in ("postgresql", "sqlite", "unknown")


FITS: Final[Mapping[str, Callable[[Any], bool]]] = {
    TEXT: _is_text,
    NUMBER: _is_number,
    SWITCH: _is_switch,
    DATABASE: _is_database,
}
"""What a value of each type must be. Text has 1 to 100 characters that can be printed."""


def _place(body: dict[str, Any], name: str, value: Any) -> None:
    *outer, last = name.split(".")
    for part in outer:
        body = body.setdefault(part, {})
    body[last] = value
