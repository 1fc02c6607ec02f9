"""What the receiver and the reader say to each other."""

from typing import Any, NamedTuple


class Question(NamedTuple):
    """A method of the store, or `report`, with its arguments."""

    number: int
    method: str
    args: list[Any]
    kwargs: dict[str, Any]


class Reply(NamedTuple):
    """The answer to the question of that number; `error` names an error of `homing.errors`, `value` its text then."""

    number: int
    error: str | None
    value: Any
