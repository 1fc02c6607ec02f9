"""The fast lane: a small ASGI callable that serves the ingest paths ahead of the web framework."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import structlog

from homing.clock import Clock
from homing.outcomes import INTERNAL, Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import Answer, Dialect, Request
from homing.server.ingest.body import ClientGone, Message, Receive, read_body
from homing.server.ingest.desk import Desk
from homing.server.ingest.limits import RateLimit
from homing.server.ingest.steps import Context, take

PREFIX: Final = "/in/"
BODY_SECONDS: Final = 10.0
SWEEP_SECONDS: Final = 1.0

Scope = Any
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

log: Final = structlog.get_logger("homing.lane")


class Target(NamedTuple):
    """An app as the lane knows it."""

    app: int
    retired: bool
    dimensions: frozenset[str]
    retention_days: int


class Targets(Protocol):
    """Finds apps."""

    def by_key(self, key: str) -> Target:
        """Return the app that a key may send to; raise `Refusal` when the key is unknown or may not send."""

    def by_name(self, name: str) -> Target:
        """Return the app of that name of the first owner; raise `Refusal` when there is none."""


class Tally(Protocol):
    """Counts what became of pings."""

    def verdict(self, dialect: str, verdict: Verdict) -> None:
        """Count one ping or one refused request."""

    def dropped(self, dialect: str, keys: int) -> None:
        """Count keys that were dropped before storing."""


class Limits(NamedTuple):
    """The rate limits, and which proxies may say whom they speak for."""

    address: RateLimit
    app: RateLimit
    address_of: Callable[[Scope, Mapping[bytes, bytes]], str]


class Routes:
    """The table of exact paths: each dialect's own, those below `/in/<app key>`, and those bound to one app."""

    def __init__(self, dialects: Sequence[Dialect], bound: Mapping[str, str]) -> None:
        self._open = {path: dialect for dialect in dialects for path in dialect.open_paths}
        self._native = {path: dialect for dialect in dialects for path in dialect.paths}
        self._bound = {
            path: (dialect, bound[dialect.name])
            for dialect in dialects
            if bound.get(dialect.name)
            for path in dialect.paths
        }

    def find(self, path: str) -> tuple[Dialect, str | None, str | None] | None:
        """Return the dialect of a path with the app key and the app name it implies."""
        if path in self._open:
            return self._open[path], None, None
        if path in self._bound:
            dialect, name = self._bound[path]
            return dialect, None, name
        if path.startswith(PREFIX):
            key, slash, rest = path[len(PREFIX) :].partition("/")
            dialect_below = self._native.get(slash + rest)
            return None if dialect_below is None else (dialect_below, key, None)
        return None


class Lane:
    """Serves ingest paths, and hands every other request to the web framework."""

    def __init__(
        self, framework: ASGIApp, routes: Routes, *, targets: Targets, desk: Desk, limits: Limits, tally: Tally, clock: Clock
    ) -> None:
        self._framework = framework
        self._routes = routes
        self._targets = targets
        self._desk = desk
        self._limits = limits
        self._tally = tally
        self._clock = clock
        self._reading: dict[asyncio.Task[Any], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        found = self._routes.find(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._framework(scope, receive, send)
            return
        dialect, key, name = found
        try:
            answer = await self._serve(scope, receive, dialect, key, name)
        except Refusal as refusal:
            self._tally.verdict(dialect.name, refusal)
            answer = dialect.refuse(refusal)
        except ClientGone:
            return
        except Exception:
            log.exception("internal", dialect=dialect.name)
            self._tally.verdict(dialect.name, INTERNAL)
            answer = dialect.refuse(Refusal("internal"))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _serve(
        self, scope: Scope, receive: Receive, dialect: Dialect, key: str | None, name: str | None
    ) -> Answer:
        headers = dict(scope["headers"])
        target = self._admit(scope, headers, dialect, key, name)
        body = await self._read(headers, receive)
        request = Request(headers, body, target.app, self._clock.now(), target.dimensions)
        reading = dialect.read(request)
        if reading.dropped:
            self._tally.dropped(dialect.name, reading.dropped)
        verdicts, passed = judge(reading.items, Context(len(body), target.dimensions, target.retention_days))
        if passed:
            recorded = await self._record([ping for _, ping in passed], len(body))
            for (place, _), verdict in zip(passed, recorded, strict=True):
                verdicts[place] = verdict
        for verdict in verdicts:
            self._tally.verdict(dialect.name, verdict)
        return dialect.answer(verdicts)

    def _admit(
        self, scope: Scope, headers: Mapping[bytes, bytes], dialect: Dialect, key: str | None, name: str | None
    ) -> Target:
        """Return the app of a request that may be read; raise `Refusal` otherwise."""
        now = self._clock.monotonic()
        self._limits.address.check(self._limits.address_of(scope, headers), now)
        if scope["method"] != "POST":
            raise Refusal("method")
        target = self._target(headers, dialect, key, name)
        if target.retired:
            raise Refusal("app_retired")
        self._limits.app.check(target.app, now)
        return target

    def _target(self, headers: Mapping[bytes, bytes], dialect: Dialect, key: str | None, name: str | None) -> Target:
        if name is not None:
            return self._targets.by_name(name)
        key = key or dialect.key(headers)
        if not key:
            raise Refusal("key_missing")
        return self._targets.by_key(key)

    async def _read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        # A timer for each request would cost more than the rest of the reading: one sweep watches them all.
        task = asyncio.current_task()
        if task is None:
            return await read_body(headers, receive)
        self._reading[task] = self._clock.monotonic() + BODY_SECONDS
        try:
            return await read_body(headers, receive)
        except asyncio.CancelledError:
            if self._reading.get(task, 0.0) < 0:
                task.uncancel()
                raise Refusal("too_slow") from None
            raise
        finally:
            del self._reading[task]

    def _record(self, pings: Sequence[Ping], size: int) -> Awaitable[Sequence[Verdict]]:
        try:
            return self._desk.submit(pings, size)
        except Refusal as refusal:
            return _at_once([refusal] * len(pings))

    async def sweep(self) -> None:
        """End the reading of bodies that take too long, for as long as the server runs."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self._clock.monotonic()
            for task, deadline in list(self._reading.items()):
                if 0 <= deadline < now:
                    self._reading[task] = -1.0
                    task.cancel()


async def _at_once(verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    return verdicts


def judge(items: Sequence[Ping | Refusal], context: Context) -> tuple[list[Verdict], list[tuple[int, Ping]]]:
    """Take every item through the steps.

    Returns a verdict for each item, and the pings that passed with their places: theirs is still to be found.
    """
    verdicts: list[Verdict] = [INTERNAL] * len(items)
    passed: list[tuple[int, Ping]] = []
    for place, item in enumerate(items):
        if isinstance(item, Refusal):
            verdicts[place] = item
            continue
        try:
            passed.append((place, take(item, context)))
        except Refusal as refusal:
            verdicts[place] = refusal
    return verdicts, passed
