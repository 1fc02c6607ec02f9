"""The fast lane: a small ASGI callable that serves the ingest paths ahead of the web framework."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import structlog

from homing.clock import Clock
from homing.outcomes import INTERNAL, Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import Answer, Dialect, Headers, Request, bearer
from homing.server.ingest.addresses import AddressOf
from homing.server.ingest.body import pass_over, read_body
from homing.server.ingest.bridge import serve_asgi
from homing.server.ingest.desk import Desk
from homing.server.ingest.exchange import (
    ASGIApp,
    AsgiExchange,
    ClientGone,
    Exchange,
    Receive,
    RsgiExchange,
    Scope,
    Send,
)
from homing.server.ingest.limits import RateLimit
from homing.server.ingest.steps import Context, take

PREFIX: Final = "/in/"
REMEMBERED_PATHS: Final = 4096
LONG_PATH: Final = 250
"""Longer ones are not remembered: strangers choose them."""

BODY_SECONDS: Final = 10.0
SWEEP_SECONDS: Final = 1.0

log: Final = structlog.get_logger("homing.lane")


class Target(NamedTuple):
    """An app as the lane knows it."""

    app: int
    retired: bool
    dimensions: frozenset[str]
    retention_days: int
    demands_bearer: bool = False


class Targets(Protocol):
    """Finds apps."""

    def by_key(self, key: str) -> Target:
        """Return the app that a key may send to; raise `Refusal` when the key is unknown or may not send."""

    def by_name(self, name: str) -> Target:
        """Return the app of that name of the first owner; raise `Refusal` when there is none."""

    def check_bearer(self, target: Target, token: str | None) -> None:
        """Raise `Refusal` when a token is not one of those that let pings of an app in."""


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
    address_of: AddressOf


class Route(NamedTuple):
    """Where a path leads: a dialect, and the app key or the app's name that the path implies."""

    dialect: Dialect
    key: str | None
    app_name: str | None


class Routes:
    """The table of exact paths: each dialect's own, those below `/in/<app key>`, and those bound to one app."""

    def __init__(self, dialects: Sequence[Dialect], bound: Mapping[str, str]) -> None:
        self._native = {path: dialect for dialect in dialects for path in dialect.paths}
        self._fixed = {
            path: Route(each, None, bound[each.name])
            for each in dialects
            for path in each.paths
            if bound.get(each.name)
        }
        self._fixed |= {path: Route(each, None, None) for each in dialects for path in each.open_paths}
        self._find_again = lru_cache(REMEMBERED_PATHS)(self._find)

    def find(self, path: str) -> Route | None:
        """Return where a path leads; None when it is none of ingest's."""
        return self._find_again(path) if len(path) <= LONG_PATH else self._find(path)

    def _find(self, path: str) -> Route | None:
        if path.startswith(PREFIX):
            key, slash, rest = path[len(PREFIX) :].partition("/")
            dialect = self._native.get(slash + rest)
            return None if dialect is None else Route(dialect, key, None)
        return self._fixed.get(path)


class Lane:
    """Serves ingest paths, and hands every other request to the web framework."""

    def __init__(
        self,
        framework: ASGIApp,
        routes: Routes,
        *,
        targets: Targets,
        desk: Desk,
        limits: Limits,
        tally: Tally,
        clock: Clock,
    ) -> None:
        self._framework = framework
        self._routes = routes
        self._targets = targets
        self._desk = desk
        self._limits = limits
        self._tally = tally
        self._clock = clock
        self._reading: dict[asyncio.Task[Any], float] = {}

    def __rsgi__(self, scope: Any, protocol: Any) -> Awaitable[None]:
        """Serve one RSGI request."""
        found = self._routes.find(scope.path)
        if found is None:
            return serve_asgi(self._framework, scope, protocol)
        return self._answer(RsgiExchange(scope, protocol), found)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one ASGI connection."""
        found = self._routes.find(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            return self._framework(scope, receive, send)
        return self._answer(AsgiExchange(scope, receive, send), found)

    async def _answer(self, exchange: Exchange, route: Route) -> None:
        dialect = route.dialect
        try:
            answer = await self._serve(exchange, route)
        except Refusal as refusal:
            self._tally.verdict(dialect.name, refusal)
            answer = dialect.refuse(refusal)
        except ClientGone:
            return
        except Exception:
            log.exception("internal", dialect=dialect.name)
            self._tally.verdict(dialect.name, INTERNAL)
            answer = dialect.refuse(Refusal("internal"))
        await exchange.send(answer)

    async def _serve(self, exchange: Exchange, route: Route) -> Answer:
        dialect = route.dialect
        try:
            target = self._admit(exchange, route)
        except Refusal:
            # A connection whose request was left half read must be closed, and its sender may never see why.
            await pass_over(exchange)
            raise
        body = await self._read(exchange)
        request = Request(exchange.headers, body, target.app, self._clock.now(), target.dimensions)
        reading = dialect.read(request)
        if reading.dropped:
            self._tally.dropped(dialect.name, reading.dropped)
        judged = judge(reading.items, Context(len(body), target.dimensions, target.retention_days))
        pings = [each for each in judged if isinstance(each, Ping)]
        recorded = await self._record(pings, len(body)) if pings else ()
        verdicts = recorded if len(recorded) == len(judged) else _in_place(judged, recorded)
        for verdict in verdicts:
            self._tally.verdict(dialect.name, verdict)
        return dialect.answer(verdicts)

    def _admit(self, exchange: Exchange, route: Route) -> Target:
        """Return the app of a request that may be read; raise `Refusal` otherwise."""
        now = self._clock.monotonic()
        self._limits.address.check(self._limits.address_of(exchange.peer, exchange.headers), now)
        if exchange.method != "POST":
            raise Refusal("method")
        target = self._target(exchange.headers, route)
        if target.retired:
            raise Refusal("app_retired")
        if target.demands_bearer:
            self._targets.check_bearer(target, bearer(exchange.headers))
        self._limits.app.check(target.app, now)
        return target

    def _target(self, headers: Headers, route: Route) -> Target:
        if route.app_name is not None:
            return self._targets.by_name(route.app_name)
        key = route.key or route.dialect.key(headers)
        if not key:
            raise Refusal("key_missing")
        return self._targets.by_key(key)

    async def _read(self, exchange: Exchange) -> bytes:
        # A timer for each request would cost more than the rest of the reading: one sweep watches them all.
        task = asyncio.current_task()
        if task is None:
            return await read_body(exchange)
        self._reading[task] = self._clock.monotonic() + BODY_SECONDS
        try:
            return await read_body(exchange)
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


def judge(items: Sequence[Ping | Refusal], context: Context) -> list[Ping | Refusal]:
    """Take every item through the steps: return each as the ping to record, or as the refusal it met."""
    return [item if isinstance(item, Refusal) else _judged(item, context) for item in items]


def _judged(ping: Ping, context: Context) -> Ping | Refusal:
    try:
        return take(ping, context)
    except Refusal as refusal:
        return refusal


def _in_place(judged: Sequence[Ping | Refusal], recorded: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts on all items, given those on the pings among them."""
    left = iter(recorded)
    return [next(left) if isinstance(each, Ping) else each for each in judged]
