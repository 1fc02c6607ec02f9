"""What is sent, as rows, and the one function that makes the fields of a body of them.

Nothing leaves that has no row. Preview and sending call the same function.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from homing.sdk.licence import Licence

TEXT: Final = "text"
NUMBER: Final = "whole number"
SWITCH: Final = "true or false"
DATABASE: Final = "postgresql, sqlite or unknown"
MOST_CHARACTERS: Final = 100
LARGEST: Final = 2**63 - 1

LOST: Final = "properties.lost."
"""How the names of the rows begin that tell of lost events."""


class Moment(NamedTuple):
    """What is known when a ping is made: `at` is the time in milliseconds since 1970-01-01 UTC.

    `lost` are the events that were lost, by reason, as far as no ping before told of them.
    """

    version: str
    instance: str
    kind: str
    at: int
    id: str
    uptime_seconds: int = 0
    destination: str = "default"
    identifier: str = ""
    licence: Licence | None = None
    profile: Mapping[str, str] = {}
    lost: Mapping[str, int] = {}


class Row(NamedTuple):
    """One field: its place in the body with dots, its type, why it is sent, an example, and what finds its value.

    The probe is called at each send. When it fails, or finds what is not of the type, the field is `otherwise`, or is
    left out where the row `is_optional`. `may_be_told` says that the application may give the value itself. `since` is
    the version of the field list that the row came with: who agreed to an earlier one does not send it. A row with
    `kinds` belongs to pings of those kinds only.
    """

    name: str
    type: str
    why: str
    example: Any
    probe: Callable[[Moment], Any]
    may_be_told: bool = False
    otherwise: Any = None
    is_optional: bool = False
    since: int = 1
    kinds: tuple[str, ...] = ()


class Gathered(NamedTuple):
    """The fields of a body, and the names of those whose probe failed."""

    fields: dict[str, Any]
    failed: tuple[str, ...] = ()


BeforeSend = Callable[[dict[str, Any]], dict[str, Any]]
"""What the host may give to see each body before it is sent, and to take fields out of it."""


def untold(_moment: Moment) -> None:
    """Find nothing: the field is empty until the application gives its value."""


def gather(rows: Iterable[Row], moment: Moment, *, told: Mapping[str, Any]) -> Gathered:
    """Return the fields; `told` are the application's own values, or functions that return them, by row."""
    fields: dict[str, Any] = {}
    failed = []
    for row in rows:
        if row.kinds and moment.kind not in row.kinds:
            continue
        try:
            value = _checked(row, _find(row, moment, told))
        except Exception:  # noqa: BLE001 - a probe may be anybody's code, and must harm nobody
            value = row.otherwise
            failed.append(row.name)
        if value is not None or not row.is_optional:
            _place(fields, row.name, value)
    return Gathered(fields, tuple(failed))


def narrowed(fields: dict[str, Any], before_send: BeforeSend | None) -> dict[str, Any]:
    """Return what the host leaves of the fields: it may take some out or empty them, and cannot add or change any.

    What it raises, this raises.
    """
    if before_send is None:
        return fields
    from copy import deepcopy

    return _common(fields, before_send(deepcopy(fields)))


def _common(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in ours.items():
        if name not in theirs:
            continue
        offered = theirs[name]
        if isinstance(value, dict) and isinstance(offered, dict):
            kept[name] = _common(value, offered)
        else:
            kept[name] = value if offered == value else None
    return kept


def encode(body: Any) -> bytes:
    """Return a body as it goes over the wire."""
    import json

    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


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
