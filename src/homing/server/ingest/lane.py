"""The lane: serves the ingest paths, ahead of the web framework, from a request's head to its answer.

A request is begun when its head is there, fed with its body, and finished when that is whole. Nothing of it waits but
for the desk, so it needs no coroutine.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from homing.clock import Clock
from homing.outcomes import Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import Answer, Dialect, Request, bearer
from homing.server.ingest.addresses import AddressOf
from homing.server.ingest.desk import Desk
from homing.server.ingest.exchange import Exchange
from homing.server.ingest.inflate import MOST_BYTES, inflate
from homing.server.ingest.limits import RateLimit
from homing.server.ingest.live import Live
from homing.server.ingest.routes import Route, Routes, Target
from homing.server.ingest.steps import Context, judge_all
from homing.server.ingest.veil import is_hashed

POST: Final = "POST"
OPTIONS: Final = "OPTIONS"
FEW_DIGITS: Final = len(str(MOST_BYTES)) - 1
"""A number of so many digits is less than the limit."""

LARGE: Final = 2048
"""A body of more bytes, as sent, waits for what is small: a hundred events take some milliseconds to read."""

MOST_LARGE: Final = 16 * 1024 * 1024
"""So many bytes of bodies may wait like that."""

log: Final = structlog.get_logger("homing.lane")


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
        """Count one refused request."""

    def verdicts(self, dialect: str, verdicts: Sequence[Verdict]) -> None:
        """Count the pings of a request."""

    def dropped(self, dialect: str, keys: int) -> None:
        """Count keys that were dropped before storing."""

    def hashed(self, dialect: str) -> None:
        """Count an instance id that told too much and is stored as its hash."""


class Limits(NamedTuple):
    """The rate limits, and which proxies may say whom they speak for."""

    address: RateLimit
    app: RateLimit
    address_of: AddressOf


class Lane:
    """Serves ingest paths. Used on the event loop alone."""

    def __init__(
        self,
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
        self._routes = routes
        self._targets = targets
        self._desk = desk
        self._limits = limits
        self._tally = tally
        self._hash_address = hash_address
        self._live = live
        self._clock = clock
        self._warned: set[int] = set()
        self._large: deque[Exchange] = deque()
        self._large_size = 0

    def find(self, path: str, method: str) -> Route | None:
        """Return where a request leads; None when it is for the web framework."""
        found = self._routes.find(path)
        return None if found is not None and found.is_shared and method != POST else found

    def begin(self, exchange: Exchange) -> None:
        """Look at the head of a request. Where that is refused already, its body is passed over."""
        try:
            exchange.target = self._look_at(exchange, exchange.route)
        except Refusal as refusal:
            # The trace of where it was raised leads back to the request: a cycle for the collector.
            exchange.refusal = refusal.with_traceback(None)

    def _look_at(self, exchange: Exchange, route: Route) -> Target | None:
        """Return the app that a request is for, where its head tells; raise `Refusal` when it is not to be read."""
        if exchange.method != POST or route.quiet is not None:
            return None
        if _length(exchange) > MOST_BYTES:
            raise Refusal("too_large")
        return self._target(exchange, route, self._clock.monotonic())

    def give_up(self, exchange: Exchange, outcome: str) -> None:
        """Answer a request whose body is not read to its end, with what it was refused for, or else this outcome."""
        exchange.refusal = exchange.refusal or Refusal(outcome)
        self.finish(exchange)

    def finish(self, exchange: Exchange) -> None:
        """Answer a request whose body is whole, once its pings are durable.

        Of large ones one is read at a time, and in between whatever else is ready on the event loop.
        """
        exchange.received = self._clock.now()
        if exchange.fed <= LARGE or self._large_size + exchange.fed > MOST_LARGE:
            self._finish(exchange)
            return
        self._large.append(exchange)
        self._large_size += exchange.fed
        if len(self._large) == 1:
            asyncio.get_running_loop().call_soon(self._finish_large)

    def _finish_large(self) -> None:
        exchange = self._large[0]
        try:
            self._finish(exchange)
        finally:
            self._large.popleft()
            self._large_size -= exchange.fed
            if self._large:
                asyncio.get_running_loop().call_soon(self._finish_large)

    def _finish(self, exchange: Exchange) -> None:
        dialect = exchange.route.dialect
        if exchange.refusal is not None:
            self._turn_away(exchange, self._refuse(exchange, dialect, exchange.refusal))
            return
        try:
            answer = self._serve(exchange)
        except Refusal as refusal:
            self._turn_away(exchange, self._refuse(exchange, dialect, refusal))
        except Exception as error:  # noqa: BLE001 - told in the log, and as `internal`
            exchange.send(self._fault(exchange, dialect, error))
        else:
            if answer is not None:
                exchange.send(answer)

    def _turn_away(self, exchange: Exchange, answer: Answer) -> None:
        self._desk.turn(lambda: exchange.send(answer))

    def _serve(self, exchange: Exchange) -> Answer | None:
        """Return the answer to a request, None where its pings have to be durable first; raise `Refusal`."""
        if exchange.method != POST or exchange.route.quiet is not None:
            return self._aside(exchange, exchange.route)
        pings = self._take(exchange)
        if not pings:
            return self._answer(exchange, ())
        try:
            self._desk.submit(pings, exchange.size, told=lambda verdicts: self._tell(exchange, verdicts))
        except Refusal as refusal:
            return self._answer(exchange, [refusal] * len(pings))
        return None

    def _fault(self, exchange: Exchange, dialect: Dialect, error: Exception) -> Answer:
        log.error("internal", dialect=dialect.name, exc_info=error)
        return self._refuse(exchange, dialect, Refusal("internal"))

    def _refuse(self, exchange: Exchange, dialect: Dialect, refusal: Refusal) -> Answer:
        self._tally.verdict(dialect.name, refusal)
        self._live.refused(exchange.app, dialect.name, refusal=refusal, received=self._clock.now())
        return dialect.refuse(refusal)

    def _take(self, exchange: Exchange) -> list[Ping]:
        """Read and judge a request, and return its pings that are to be stored."""
        dialect, target, value = exchange.route.dialect, exchange.target, None
        body = _inflated(exchange, dialect)
        if target is None:
            key, value = dialect.look_in(body)
            target = self._admit(key, exchange, self._clock.monotonic())
        exchange.size = len(body)
        asked = (target.app, exchange.received, target.dimensions, exchange.query, value, target.hook)
        exchange.reading = reading = dialect.read(Request(exchange.headers, body, *asked))
        if reading.dropped:
            self._tally.dropped(dialect.name, reading.dropped)
        address = self._address_kept(exchange, target, dialect)
        context = Context(len(body), target.dimensions, target.retention_days, target.veil, address)
        exchange.judged = judged = judge_all(reading.items, context)
        for item, found in zip(reading.items, judged, strict=True):
            if found is not item and isinstance(found, Ping):
                self._note_hashed(found, dialect)
        return [found for found in judged if isinstance(found, Ping)]

    def _tell(self, exchange: Exchange, recorded: Sequence[Verdict]) -> None:
        """Answer a request whose pings are recorded, or cannot be."""
        try:
            answer = self._answer(exchange, recorded)
        except Exception as error:  # noqa: BLE001 - told in the log, and as `internal`
            answer = self._fault(exchange, exchange.route.dialect, error)
        exchange.send(answer)

    def _answer(self, exchange: Exchange, recorded: Sequence[Verdict]) -> Answer:
        dialect, judged = exchange.route.dialect, exchange.judged
        verdicts = recorded if len(recorded) == len(judged) else in_place(judged, recorded)
        self._tally.verdicts(dialect.name, verdicts)
        if exchange.app is not None:
            self._live.judged(exchange.app, dialect.name, items=judged, verdicts=verdicts, received=exchange.received)
        return dialect.answer(exchange.reading, verdicts)

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


def _length(exchange: Exchange) -> int:
    """Return the length of the body that a request announces; 0 where it does not, or it is surely none too large."""
    given = exchange.headers.get("content-length", "")
    return int(given) if len(given) > FEW_DIGITS and given.isdecimal() else 0


def _inflated(exchange: Exchange, dialect: Dialect) -> bytes:
    """Return the body of a request, inflated; raise `Refusal` when it is damaged, too large or packed who knows how."""
    body = exchange.body()
    encoding = exchange.headers.get("content-encoding", "") or dialect.encoding(exchange.query, body)
    return inflate(body, encoding) if encoding else body


def in_place(judged: Sequence[Ping | Refusal], recorded: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts on all items, given those on the pings among them."""
    left = iter(recorded)
    return [next(left) if isinstance(each, Ping) else each for each in judged]
