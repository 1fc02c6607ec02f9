"""The outboxes of an application: one for each destination, and what is told goes into all of them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from homing.clock import Clock
from homing.sdk.content import Content
from homing.sdk.destinations import Destination
from homing.sdk.events import LOSSES, MOST_NAME, Event, encoder, is_allowed, written
from homing.sdk.outbox import Outbox
from homing.sdk.payload import LOST
from homing.sdk.policy import Policy
from homing.sdk.spool import Spool
from homing.sdk.turns import Turns

FOLDER: Final = "outbox"
"""Where what could not be sent is kept, below the place of telemetry's files."""


class Outboxes:
    """Outlasts the senders, which are made anew when somebody saves."""

    def __init__(self, policy: Policy, place: Path | None, *, clock: Clock, turns: Turns) -> None:
        self._policy = policy
        self._folder = place / FOLDER if place and policy.is_spooled else None
        self._clock = clock
        self._turns = turns
        self._encode = encoder()
        self._boxes: dict[str, Outbox] = {}
        self._problem = ""
        self._left = ""

    def open(self, to: Iterable[Destination], content: Content) -> Mapping[str, Outbox]:
        """Return an open outbox for each destination, by its name."""
        tells_losses = any(row.name.startswith(LOST) for row in content.rows)
        for each in to:
            if each.name not in self._boxes:
                spool = Spool(self._folder / each.name, self._clock) if self._folder else None
                made = Outbox(clock=self._clock, spool=spool, tells_losses=tells_losses)
                self._boxes = {**self._boxes, each.name: made}
            self._boxes[each.name].open(each.target.url, self._turns.noes())
        return self._boxes

    def tell(self, name: Any, properties: Any) -> bool:
        """Take an event, or count why not; return whether workers should look."""
        if not is_allowed(self._policy, name):
            shown = f"event {name[:MOST_NAME]!r}" if isinstance(name, str) else "name of an event"
            return self.refuse("name", f"The policy {self._policy.name} does not allow the {shown}.")
        if name in self._policy.kinds:
            return self.refuse("value", f"The event {name} has no properties.")
        try:
            text = written(properties, self._encode)
        except Exception as reason:  # noqa: BLE001 - a value may be of anybody's class
            said = reason if isinstance(reason, ValueError) else type(reason).__name__
            return self.refuse("value", f"The event {name} was not taken: {said}.")
        event = Event(name, self._clock.now(), text)
        wants_look = False
        for box in self._boxes.values():
            wants_look = box.add(event) or wants_look
        return wants_look

    def refuse(self, reason: str, sentence: str) -> bool:
        """Count what is not taken, and say why; return that there is nothing to look at."""
        self._problem = sentence
        for box in self._boxes.values():
            box.lose(reason)
        return False

    def empty(self) -> None:
        """Forget what waits, here and on disk, and take nothing more: somebody said no."""
        for box in self._boxes.values():
            box.empty()
        self._left = ""
        with self._telling():
            # Where there is no folder not even that is tried to be opened.
            for each in self._folder.iterdir() if self._folder and self._folder.stat() else ():
                with self._telling():
                    Spool(each, self._clock).empty()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Keep what hinders the removal, to be told; what is not there hinders nobody."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._left = f"What was kept on disk cannot be removed: {error.strerror or error}."

    def forget(self) -> None:
        """In a child: what waits is the parent's."""
        for box in self._boxes.values():
            box.forget()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(box.number for box in self._boxes.values())

    @property
    def lost(self) -> tuple[tuple[str, int], ...]:
        """How many were lost since the start, by reason."""
        found = [(reason, sum(box.lost.get(reason, 0) for box in self._boxes.values())) for reason in LOSSES]
        return tuple((reason, number) for reason, number in found if number)

    @property
    def left(self) -> tuple[str, ...]:
        """Why something is still there that somebody said no to, if it is."""
        return (self._left,) if self._left else ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in sentences."""
        found = (self._problem, self._left, *(box.problem for box in self._boxes.values()))
        return tuple(dict.fromkeys(filter(None, found)))
