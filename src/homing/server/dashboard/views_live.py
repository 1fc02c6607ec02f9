"""What the live page shows, worked out from plain values: no request, no HTML."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from homing.clock import iso_time
from homing.errors import QueryError
from homing.outcomes import Refusal, outcome_of
from homing.server.dashboard.views_controls import Option
from homing.server.dashboard.views_instances import instance_path
from homing.server.ingest.live import Seen, is_taken

PATH: Final = "/live"
EVERY: Final = ""
OUTCOMES: Final[Mapping[str, tuple[str, bool | None]]] = {
    EVERY: ("All", None),
    "accepted": ("Accepted", True),
    "refused": ("Refused", False),
}
"""What can be shown: the words for it, and whether the pings were stored."""


class Choice(NamedTuple):
    """What is shown: the pings of one app, or where it is empty of all, and of which outcome."""

    app: str
    outcome: str

    @property
    def accepted(self) -> bool | None:
        """Whether only stored pings are shown, or only refused ones; None for both."""
        return OUTCOMES[self.outcome][1]

    def link(self) -> str:
        """Return the address of the page that shows this."""
        pairs = [(name, value) for name, value in self._asdict().items() if value]
        return f"{PATH}?{urlencode(pairs)}" if pairs else PATH


class Controls(NamedTuple):
    """What the page is chosen with."""

    apps: list[Option]
    app: str
    outcomes: list[Option]
    address: str


class Row(NamedTuple):
    """One ping: when it came in UTC, and what became of it and why."""

    name: str
    iso: str
    clock: str
    app: str
    dialect: str
    kind: str | None
    instance: str | None
    address: str | None
    outcome: str
    reason: str
    is_refused: bool


def choice_of(given: Mapping[str, Sequence[str]]) -> Choice:
    """Return what parameters choose; raise `QueryError` for an outcome that there is not."""
    app, outcome = (given.get(name, [EVERY])[-1] for name in ("app", "outcome"))
    if outcome not in OUTCOMES:
        raise QueryError("outcome is accepted or refused.")
    return Choice(app, outcome)


def controls(choice: Choice, apps: Sequence[str]) -> Controls:
    """Return the choices of apps and outcomes."""
    return Controls(
        apps=[
            Option(name or "All apps", choice._replace(app=name).link(), name == choice.app) for name in (EVERY, *apps)
        ],
        app=choice.app or "All apps",
        outcomes=[
            Option(words, choice._replace(outcome=name).link(), name == choice.outcome)
            for name, (words, _accepted) in OUTCOMES.items()
        ],
        address=choice.link(),
    )


def rows(found: Iterable[Seen], names: Mapping[int, str]) -> list[Row]:
    """Return the rows of pings; `names` are those of the apps, by number."""
    return [_row(seen, names[seen.app]) for seen in found]


def _row(seen: Seen, app: str) -> Row:
    iso = iso_time(seen.received)
    return Row(
        name=f"{app}-{seen.number}",
        iso=iso,
        clock=f"{iso[11:19]} UTC",
        app=app,
        dialect=seen.dialect,
        kind=seen.kind,
        instance=seen.instance,
        address=None if seen.instance is None or not is_taken(seen) else instance_path(app, seen.instance),
        outcome=outcome_of(seen.verdict).name,
        reason=seen.verdict.sentence if isinstance(seen.verdict, Refusal) else "",
        is_refused=not is_taken(seen),
    )
