"""The fast lane: a small ASGI callable that serves the ingest paths ahead of the web framework."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import structlog

from homing.clock import Clock
from homing.outcomes import Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import Answer, Dialect, Hook, Request, bearer
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
from homing.server.ingest.live import Live
from homing.server.ingest.steps import Context, take
from homing.server.ingest.veil import Veil, is_hashed

PREFIX: Final = "/in/"
HOOKS: Final = "/hooks/"
"""What the paths of webhooks begin with; the key and the token follow."""

ROOT: Final = "/"
"""The dashboard's first page stands there too."""

REMEMBERED_PATHS: Final = 4096
LONG_PATH: Final = 250
"""Longer ones are not remembered: strangers choose them."""

POST: Final = "POST"
OPTIONS: Final = "OPTIONS"
BODY_SECONDS: Final = 10.0
SWEEP_SECONDS: Final = 1.0

log: Final = structlog.get_logger("homing.lane")


class Target(NamedTuple):
    """An app as the lane knows it.

    `veil` hides its instance ids that tell too much. `keeps_addresses` says whether keyed hashes of addresses are kept;
    None leaves it to the dialect.
    """

    app: int
    retired: bool
    dimensions: frozenset[str]
    retention_days: int
    veil: Veil
    demands_bearer: bool = False
    keeps_addresses: bool | None = None
    hook: Hook | None = None


class Targets(Protocol):
    """Finds apps."""

    def by_key(self, key: str) -> Target:
        """Return the app that a key may send to; raise `Refusal` when the key is unknown or may not send."""

    def by_name(self, name: str) -> Target:
        """Return the app of that name of the first owner; raise `Refusal` when there is none."""

    def by_hook(self, rest: str) -> Target:
        """Return the app and the webhook of the rest of a path, `KEY/TOKEN`; raise `Refusal` when there is none."""

    def check_bearer(self, target: Target, token: str | None) -> None:
        """Raise `Refusal` when a token is not one of those that let pings of an app in."""


class Tally(Protocol):
    """Counts what became of pings."""

    def verdict(self, dialect: str, verdict: Verdict) -> None:
        """Count one ping or one refused request."""

    def dropped(self, dialect: str, keys: int) -> None:
        """Count keys that were dropped before storing."""

    def hashed(self, dialect: str) -> None:
        """Count an instance id that told too much and is stored as its hash."""


class Limits(NamedTuple):
    """The rate limits, and which proxies may say whom they speak for."""

    address: RateLimit
    app: RateLimit
    address_of: AddressOf


class Route(NamedTuple):
    """Where a path leads: a dialect, and the app key, the app's name or the webhook that the path implies.

    `quiet` is the answer where the path brings no pings. `is_shared` says that only POST is for the lane.
    """

    dialect: Dialect
    key: str | None
    app_name: str | None
    quiet: Answer | None = None
    is_shared: bool = False
    hook: str | None = None


class Routes:
    """The table of exact paths: each dialect's own, those below `/in/<app key>`, and those bound to one app.

    Whatever lies below `/hooks/` is for the dialect of webhooks.
    """

    def __init__(self, dialects: Sequence[Dialect], bound: Mapping[str, str], *, hooks: Dialect | None = None) -> None:
        self._dialects = dialects
        self._hooks = hooks
        self._native = {path: dialect for dialect in dialects for path in dialect.paths}
        self._fixed = {path: Route(each, None, None) for each in dialects for path in each.open_paths}
        self._fixed |= {
            path: Route(each, None, bound[each.name], is_shared=path == ROOT)
            for each in dialects
            for path in each.paths
            if bound.get(each.name)
        }
        self._find_again = lru_cache(REMEMBERED_PATHS)(self._find)

    def find(self, path: str) -> Route | None:
        """Return where a path leads; None when it is none of ingest's."""
        return self._find_again(path) if len(path) <= LONG_PATH else self._find(path)

    def _find(self, path: str) -> Route | None:
        if path.startswith(PREFIX):
            key, slash, rest = path[len(PREFIX) :].partition("/")
            native = (slash + rest) or ROOT
            dialect = self._native.get(native) if key or native != ROOT else None
            return self._quiet(native) if dialect is None else Route(dialect, key, None)
        if self._hooks is not None and path.startswith(HOOKS):
            return Route(self._hooks, None, None, hook=path[len(HOOKS) :])
        return self._fixed.get(path) or self._quiet(path)

    def _quiet(self, path: str) -> Route | None:
        answers = ((each, each.quiet(path)) for each in self._dialects)
        return next((Route(each, None, None, answer) for each, answer in answers if answer is not None), None)


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
        hash_address: Callable[[str], str],
        live: Live,
        clock: Clock,
    ) -> None:
        self._framework = framework
        self._routes = routes
        self._targets = targets
        self._desk = desk
        self._limits = limits
        self._tally = tally
        self._hash_address = hash_address
        self._live = live
        self._clock = clock
        self._warned: set[int] = set()
        self._reading: dict[asyncio.Task[Any], float] = {}

    def __rsgi__(self, scope: Any, protocol: Any) -> Awaitable[None]:
        """Serve one RSGI request."""
        found = self._routes.find(scope.path)
        if found is None or (found.is_shared and scope.method != POST):
            return serve_asgi(self._framework, scope, protocol)
        return self._answer(RsgiExchange(scope, protocol), found)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one ASGI connection."""
        found = self._routes.find(scope["path"]) if scope["type"] == "http" else None
        if found is None or (found.is_shared and scope["method"] != POST):
            return self._framework(scope, receive, send)
        return self._answer(AsgiExchange(scope, receive, send), found)

    async def _answer(self, exchange: Exchange, route: Route) -> None:
        dialect = route.dialect
        try:
            answer = await self._serve(exchange, route)
        except Refusal as refusal:
            answer = self._refuse(exchange, dialect, refusal)
            await self._desk.turn()
        except ClientGone:
            return
        except Exception:
            log.exception("internal", dialect=dialect.name)
            answer = self._refuse(exchange, dialect, Refusal("internal"))
        await exchange.send(answer)

    def _refuse(self, exchange: Exchange, dialect: Dialect, refusal: Refusal) -> Answer:
        self._tally.verdict(dialect.name, refusal)
        self._live.refused(exchange.app, dialect.name, refusal=refusal, received=self._clock.now())
        return dialect.refuse(refusal)

    async def _serve(self, exchange: Exchange, route: Route) -> Answer:
        dialect = route.dialect
        if exchange.method != POST or route.quiet is not None:
            await pass_over(exchange)
            return self._aside(exchange, route)
        now = self._clock.monotonic()
        try:
            target = self._target(exchange, route, now)
        except Refusal:
            # A connection whose request was left half read must be closed, and its sender may never see why.
            await pass_over(exchange)
            raise
        body = await self._read(exchange, dialect, now)
        value = None
        if target is None:
            key, value = dialect.look_in(body)
            target = self._admit(key, exchange, now)
        received = self._clock.now()
        reading = dialect.read(
            Request(exchange.headers, body, target.app, received, target.dimensions, exchange.query, value, target.hook)
        )
        if reading.dropped:
            self._tally.dropped(dialect.name, reading.dropped)
        address = self._address_kept(exchange, target, dialect)
        context = Context(len(body), target.dimensions, target.retention_days, target.veil, address)
        judged: list[Ping | Refusal] = []
        pings: list[Ping] = []
        for item in reading.items:
            found = judge(item, context)
            judged.append(found)
            if isinstance(found, Ping):
                pings.append(found)
                if found is not item:
                    self._note_hashed(found, dialect)
        recorded = await self._record(pings, len(body)) if pings else ()
        verdicts = recorded if len(recorded) == len(judged) else in_place(judged, recorded)
        for verdict in verdicts:
            self._tally.verdict(dialect.name, verdict)
        self._live.judged(target.app, dialect.name, items=judged, verdicts=verdicts, received=received)
        return dialect.answer(reading, verdicts)

    def _aside(self, exchange: Exchange, route: Route) -> Answer:
        """Return the answer to a request that brings no pings; raise `Refusal` where there is none."""
        self._check_address(exchange, self._clock.monotonic())
        answer = route.dialect.preflight if exchange.method == OPTIONS else route.quiet
        if answer is None:
            raise Refusal("method")
        return answer

    def _address_kept(self, exchange: Exchange, target: Target, dialect: Dialect) -> str | None:
        """Return the keyed hash of the sender's address, where it is kept."""
        keeps = dialect.keeps_addresses if target.keeps_addresses is None else target.keeps_addresses
        return self._hash_address(self._limits.address_of(exchange.peer, exchange.headers)) if keeps else None

    def _note_hashed(self, ping: Ping, dialect: Dialect) -> None:
        """Count an id that was replaced by its hash, and warn once about each app that has any."""
        if ping.instance is None or not is_hashed(ping.instance):
            return
        self._tally.hashed(dialect.name)
        if ping.app not in self._warned:
            self._warned.add(ping.app)
            log.warning("ids_tell_too_much", app=ping.app, dialect=dialect.name, stored=ping.instance)

    def _check_address(self, exchange: Exchange, now: float) -> None:
        self._limits.address.check(self._limits.address_of(exchange.peer, exchange.headers), now)

    def _target(self, exchange: Exchange, route: Route, now: float) -> Target | None:
        """Return the app of a request that may be read, None where only the body can say; raise `Refusal` otherwise."""
        self._check_address(exchange, now)
        if route.hook is not None:
            return self._let_in(self._targets.by_hook(route.hook), exchange, now)
        if route.app_name is not None:
            return self._let_in(self._targets.by_name(route.app_name), exchange, now)
        key = route.key or route.dialect.key(exchange.headers, exchange.query)
        return None if not key and route.dialect.has_key_in_body else self._admit(key, exchange, now)

    def _admit(self, key: str | None, exchange: Exchange, now: float) -> Target:
        if not key:
            raise Refusal("key_missing")
        return self._let_in(self._targets.by_key(key), exchange, now)

    def _let_in(self, target: Target, exchange: Exchange, now: float) -> Target:
        exchange.app = target.app
        if target.retired:
            raise Refusal("app_retired")
        if target.demands_bearer:
            self._targets.check_bearer(target, bearer(exchange.headers))
        self._limits.app.check(target.app, now)
        return target

    async def _read(self, exchange: Exchange, dialect: Dialect, now: float) -> bytes:
        # A timer for each request would cost more than the rest of the reading: one sweep watches them all.
        task = asyncio.current_task()
        if task is None:
            return await read_body(exchange, dialect.encoding)
        self._reading[task] = now + BODY_SECONDS
        try:
            return await read_body(exchange, dialect.encoding)
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


def judge(item: Ping | Refusal, context: Context) -> Ping | Refusal:
    """Take an item through the steps: return it as the ping to record, or as the refusal it met."""
    if isinstance(item, Refusal):
        return item
    try:
        return take(item, context)
    except Refusal as refusal:
        return refusal


def in_place(judged: Sequence[Ping | Refusal], recorded: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts on all items, given those on the pings among them."""
    left = iter(recorded)
    return [next(left) if isinstance(each, Ping) else each for each in judged]
