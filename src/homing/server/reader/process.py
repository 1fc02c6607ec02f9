"""The reader: one thread that answers a question at a time and keeps the store tidy in between."""

import contextlib
import os
import select
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from homing import errors
from homing.clock import Clock
from homing.errors import HomingError, StoreError
from homing.server.channel.frames import READY, frame, pack, receive, unpack
from homing.server.counting.sets import Plan
from homing.server.process import run
from homing.server.query.events import events
from homing.server.query.measure import measure, numbers
from homing.server.query.overview import Kept, choices, overview
from homing.server.query.question import Query
from homing.server.query.report import report
from homing.server.query.table import to_csv
from homing.server.reader.messages import Question, Reply
from homing.server.stores.base import Aside, Made, Store

TIDY_SECONDS: Final = 0.5
"""How long between two steps of tidying while there is something to tidy."""

NICENESS: Final = 19
WARM_SECONDS: Final = 1.0
REST_SECONDS: Final = 2.0
CHECKPOINT_SECONDS: Final = 2.0
"""While the log is moved into the database, commits take some ten times as long; it is not moved after each step."""

PRUNE_SECONDS: Final = 3600.0

KEPT_APART: Final = ("bindings", "erase")
"""Erasing merges pages, as tidying does: it would hold up ingest."""

QUESTIONS: Final = frozenset({"instances", "instance", "history", *KEPT_APART})

ASKED: Final[Mapping[str, Callable[..., Any]]] = {
    "choices": choices,
    "measure": measure,
    "numbers": numbers,
    "events": events,
}
"""What is asked of a question as it stands."""

FORMS: Final[Mapping[str, Callable[[dict[str, Any]], bytes]]] = {
    "json": msgspec.json.encode,
    "csv": lambda made: to_csv(made).encode(),
}
"""How a report may be written: the receiver hands it on as it is."""

log: Final = structlog.get_logger("homing.reader")


class Reader:
    """Answers questions from a channel until it is closed."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tidy_at = clock.monotonic() + TIDY_SECONDS
        self._prune_at = clock.monotonic() + REST_SECONDS
        self._checkpoint_at = clock.monotonic() + CHECKPOINT_SECONDS
        self._reasons: dict[str, str] = {}
        self._faults: set[str] = set()

    def serve(self, channel: socket.socket) -> None:
        """Say when it is ready, then answer every question; tidy when it is time, between two questions if need be."""
        self._warm()
        channel.sendall(frame(READY))
        with ThreadPoolExecutor(1, initializer=_step_back) as pool:

            def aside(work: Callable[[], Made]) -> Made:
                return pool.submit(work).result()

            self._serve(channel, aside)

    def _serve(self, channel: socket.socket, aside: Aside) -> None:
        while True:
            wait = max(0.0, self._tidy_at - self._clock.monotonic())
            ready, _, _ = select.select([channel], [], [], wait)
            if ready:
                body = receive(channel)
                if body is None:
                    return
                question = Question(*unpack(body))
                is_quiet = question.method not in KEPT_APART
                reply = aside(partial(self.answer, question)) if is_quiet else self.answer(question)
                channel.sendall(reply)
            if self._clock.monotonic() >= self._tidy_at:
                self._tidy(aside)

    def answer(self, question: Question) -> bytes:
        """Return the reply to a question as a frame; an error of ours travels by name, any other as `internal`."""
        try:
            found = self._method(question.method)(*question.args, **question.kwargs)
            return pack(Reply(question.number, None, found))
        except HomingError as error:
            return pack(Reply(question.number, type(error).__name__, str(error)))
        except Exception as error:
            log.error("internal", question=question.method, exc_info=error)
            return pack(Reply(question.number, "StoreError", "The question could not be answered."))

    def _method(self, name: str) -> Callable[..., Any]:
        if name == "report":
            return lambda query, form: FORMS[form](report(self._store, msgspec.convert(query, Query)))
        if name == "overview":
            return lambda query, kept: overview(self._store, msgspec.convert(query, Query), kept=Kept(*kept))
        if name in ASKED:
            return lambda query, **how: ASKED[name](self._store, msgspec.convert(query, Query), **how)
        if name not in QUESTIONS:
            message = f"The reader does not answer {name!r}."
            raise errors.StoreUnsupported(message)
        return _planned(getattr(self._store, name))

    def _warm(self) -> None:
        """Let the first question after a start be as quick as the next ones."""
        try:
            self._store.warm(WARM_SECONDS)
        except StoreError as error:
            log.warning("not_warmed", reason=str(error))
        except Exception as error:
            # A day that cannot be read must not keep the questions about all others from being answered.
            log.error("internal", exc_info=error)

    def _tidy(self, aside: Aside) -> None:
        """Do one step of what keeps the store small and quick."""
        if self._clock.monotonic() >= self._prune_at:
            self._prune_at = self._clock.monotonic() + PRUNE_SECONDS
            self._attempt("prune", self._prune)
        merged = self._attempt("compact", partial(self._store.compact, aside))
        if self._clock.monotonic() >= self._checkpoint_at:
            self._attempt("checkpoint", self._store.checkpoint)
            self._checkpoint_at = self._clock.monotonic() + CHECKPOINT_SECONDS
        self._tidy_at = self._clock.monotonic() + (TIDY_SECONDS if merged else REST_SECONDS)

    def _prune(self) -> None:
        log.info("pruned", **self._store.prune()._asdict())

    def _attempt(self, name: str, step: Callable[[], Any]) -> Any:
        """Do a part of tidying. Where it fails, that is told once, and keeps neither other parts nor questions."""
        try:
            done = step()
        except StoreError as error:
            if self._reasons.get(name) != str(error):
                log.warning("tidy_failed", step=name, reason=str(error), answer="tried again until it succeeds")
            self._reasons[name] = str(error)
            return None
        except Exception as error:
            # Told once for good: between two tries of a page that is damaged, others are merged.
            if repr(error) not in self._faults:
                log.error("internal", step=name, exc_info=error)
            self._faults.add(repr(error))
            return None
        self._reasons.pop(name, None)
        return done


def _step_back() -> None:
    """Let whoever takes pings in go before this thread whenever it has something to do.

    Being nice is not enough: by the end of its turn, some milliseconds, a nice thread keeps the others waiting. It is a
    thread of its own, for without privileges there is no way back. Questions are answered in it, and blocks merged, but
    nothing is written: the store's lock would be held for as long as others are busy.
    """
    if hasattr(os, "SCHED_IDLE"):
        # Where a sandbox forbids it, the thread is no more than nice.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _planned(method: Callable[..., Any]) -> Callable[..., Any]:
    """Give a method its plans back: they travel as plain lists."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return method(*map(_plan, args), **{name: _plan(value) for name, value in kwargs.items()})

    return call


def _plan(value: Any) -> Any:
    if not isinstance(value, dict) or value.keys() != {"plan"}:
        return value
    nodes, roots = value["plan"]
    return Plan([tuple(node) for node in nodes], roots)


def main() -> None:
    """Run the reader."""
    # Taking pings in comes before answering questions about them.
    os.nice(NICENESS)
    run("reader", lambda store, clock, channel: Reader(store, clock).serve(channel))


if __name__ == "__main__":
    main()
