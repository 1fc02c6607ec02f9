"""The address of the overview, which is its state: what is asked, and links that ask a little differently."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from homing.ping import NOT_REPORTED
from homing.server.query.question import LABEL, NAMED_FILTERS, PARAMETERS

HOME: Final = "/"
DAYS: Final = ("range", "from", "to")
FILTERS: Final = (*NAMED_FILTERS, "filter", LABEL)

Pairs = tuple[tuple[str, str], ...]


class Address(NamedTuple):
    """Parameters of the overview in the order of the question's rows, so that one view has one address."""

    pairs: Pairs

    @classmethod
    def of(cls, given: Mapping[str, Sequence[str]]) -> "Address":
        """Return the address that has these parameters; what the question does not know is left out."""
        return cls(tuple((row.name, value) for row in PARAMETERS for value in given.get(row.name, ())))

    def __str__(self) -> str:
        return self.to(HOME)

    def to(self, path: str) -> str:
        """Return the same question under another path."""
        return f"{path}?{urlencode(self.pairs)}" if self.pairs else path

    def given(self) -> dict[str, list[str]]:
        """Return the parameters as a question is parsed from."""
        found: dict[str, list[str]] = {}
        for name, value in self.pairs:
            found.setdefault(name, []).append(value)
        return found

    def without(self, *names: str) -> "Address":
        """Return it without any of these parameters."""
        return Address(tuple(pair for pair in self.pairs if pair[0] not in names))

    def putting(self, name: str, *values: str) -> "Address":
        """Return it with these values of a parameter in place of all others."""
        return Address.of({**self.given(), name: values})

    def days(self, **values: str) -> "Address":
        """Return it with other days: a `range`, or from and to."""
        made = self.without(*DAYS)
        for name, value in values.items():
            made = made.putting(name, value)
        return made

    def filtered(self, dimension: str, value: str | None) -> "Address":
        """Return it with one filter more."""
        name, text = _filter(dimension, value)
        have = self.given().get(name, [])
        return self if text in have else self.putting(name, *have, text)

    def unfiltered(self, dimension: str, value: str | None) -> "Address":
        """Return it with one filter less, whichever way it was written."""
        text = NOT_REPORTED if value is None else value
        written = {(dimension, text), ("filter", f"{dimension}:{text}")}
        return Address(tuple(pair for pair in self.pairs if pair not in written))


def _filter(dimension: str, value: str | None) -> tuple[str, str]:
    text = NOT_REPORTED if value is None else value
    return (dimension, text) if dimension in NAMED_FILTERS else ("filter", f"{dimension}:{text}")
