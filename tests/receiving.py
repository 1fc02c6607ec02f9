"""A whole receiver in this process: real lane, desk, framework and SQLite, no network, no other process."""

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from homing.clock import day_of
from homing.errors import StoreUnavailable
from homing.outcomes import Verdict, outcome_of
from homing.ping import Ping
from homing.server.accounts.keys import Scope, make_key
from homing.server.app import Receiver
from homing.server.config import ROWS
from homing.server.dialects.base import Answer
from homing.server.ingest.exchange import Exchange, Send, Text
from homing.server.ingest.routes import Route
from homing.server.stores.base import App, Batch, Entry, Instance
from homing.server.stores.registry import Opened, options_of
from homing.server.stores.sql.control import SqlControl
from homing.server.stores.sql.database import Database, sqlite_path
from homing.server.stores.sql.store import SqlStore
from homing.server.writer.thread import WriterThread
from homing.settings import Layer, Resolved, resolve
from homing.testing import FixedClock
from tests.contract.engines import Sqlite

ADDRESS: Final = "192.0.2.1"
NATIVE: Final = "/v1/pings"
HEARTBEAT: Final = "/api/telemetry/heartbeat"
TOKEN: Final = "OoAnZS_nR_26p0eeGTzUAJFh9oNXdHYCz1rzA45wKPA"
TOKEN_HEADER: Final = "X-SeqDesk-Telemetry-Token"
UNLIMITED: Final = {"rate_address": 0, "rate_app": 0}

T = TypeVar("T")


class Reply(NamedTuple):
    """What came back for one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.body)


class WatchedStore(SqlStore):
    """The SQL store, which remembers what it was given and what became of it, and can be told to be unavailable."""

    recorded: list[tuple[Ping, Verdict]]
    unavailable = False

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch."""
        if self.unavailable:
            raise StoreUnavailable("database or disk is full")
        verdicts = super().record(batch)
        pings = [each for each in batch.pings if isinstance(each, Ping)]
        self.recorded += zip(pings, verdicts, strict=True)
        return verdicts

    def accepted(self) -> list[Ping]:
        """Return the pings that were stored."""
        return [ping for ping, verdict in self.recorded if outcome_of(verdict).name == "accepted"]


def settings_of(**given: Any) -> Resolved:
    """Return the receiver's settings with these values, whatever the environment says."""
    return resolve(ROWS, [Layer("code", given, str)]).checked()


class Site:
    """A receiver with one owner and a fixed clock. Its desk runs; the reader process does not."""

    def __init__(self, url: str, **given: Any) -> None:
        self.clock = FixedClock()
        self.path = sqlite_path(url)
        settings = settings_of(**{**UNLIMITED, "store": url, **given})
        database = Database(url)
        self.store = WatchedStore(database, self.clock, options_of(settings))
        self.store.recorded = []
        self.control = SqlControl(database)
        writer = WriterThread(self.store, self.clock)
        self.receiver = Receiver(Opened(self.store, self.control), settings, self.clock, writer)
        self.owner = self.control.add_owner("admin", "hash", now=self.clock.now(), must_change=False).id
        self._runner = asyncio.Runner()
        self.run(self._start())

    async def _start(self) -> None:
        self.receiver.desk.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the receiver's event loop."""
        return self._runner.run(work)

    def close(self) -> None:
        """Stop the receiver; everything let in is recorded first."""
        self.run(self.receiver.stop())
        self._runner.close()

    def add_app(self, name: str = "app", *, dimensions: Sequence[str] = (), scope: Scope = "send") -> tuple[App, str]:
        """Add an app and return it with a key."""
        app = self.control.add_app(self.owner, name, now=self.clock.now(), dimensions=dimensions)
        _row, key = make_key(self.control, self.clock, app=app, scope=scope)
        self.receiver.directory.refresh()
        return app, key

    def retire(self, app: App) -> None:
        """Retire an app."""
        self.sql("UPDATE app SET retired = 1 WHERE id = ?", app.id)
        self.sql("UPDATE changes SET version = version + 1")
        self.receiver.directory.refresh()

    def sql(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Run a statement beside the receiver, as somebody with a database tool would."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement, values)]

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Send one request and return the answer."""
        announced = {"content-length": str(len(body)), **{name.lower(): value for name, value in headers.items()}}
        return self.run(self.exchange(scope_of(method, path, announced), body))

    async def exchange(self, scope: dict[str, Any], *parts: bytes) -> Reply:
        """Serve one request whose body comes in these parts, by the lane or by the framework."""
        route = self.receiver.lane.find(scope["path"], scope["method"])
        if route is None:
            return await self._framework(scope, *parts)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        exchange = exchange_of(route, scope, answered.set_result)
        self.receiver.lane.begin(exchange)
        for part in parts:
            exchange.feed(part)
        self.receiver.lane.finish(exchange)
        status, body, headers = await answered
        return Reply(status, dict(headers), body)

    async def _framework(self, scope: dict[str, Any], *parts: bytes) -> Reply:
        left = list(parts) or [b""]
        sent: list[Any] = []

        async def receive() -> Any:
            part = left.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(left)}

        async def send(message: Any) -> None:
            sent.append(message)

        asked: Any = scope
        await self.receiver.framework(asked, receive, send)
        start, *rest = sent
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], headers, b"".join(message.get("body", b"") for message in rest))

    # What is stored.

    def entries(self, app: App) -> list[Entry]:
        """Return the history of an app, newest first."""
        return self.store.history(app.id, limit=5000).items

    def instances(self, app: App) -> dict[str, Instance]:
        """Return the instances of an app by id."""
        listed = self.store.instances(self.owner, app.id, sort="instance_id", limit=5000)
        return {each.instance_id: each for each in listed.items}

    def requests(self, app: App) -> int:
        """Return how many requests of an app were counted, on any day that is kept."""
        today = day_of(self.clock.now())
        counted = self.store.requests(self.owner, [app.id], days=range(today - 400, today + 3), filters={}, by="day")
        return sum(counted.values())

    def outcomes(self) -> dict[str, int]:
        """Return how often each outcome occurred, over all dialects."""
        found: dict[str, int] = {}
        for (_dialect, name), count in self.receiver.metrics.outcomes().items():
            found[name] = found.get(name, 0) + count
        return found

    def dropped(self, dialect: str) -> int:
        """Return how many unknown keys a dialect dropped."""
        value = self.receiver.metrics.registry.get_sample_value("homing_dropped_keys_total", {"dialect": dialect})
        return int(value or 0)


def scope_of(method: str, path: str, headers: Mapping[str, str], address: str = ADDRESS) -> dict[str, Any]:
    """Return the ASGI scope of a request."""
    bare, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": bare,
        "raw_path": bare.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": (address, 40_000),
        "server": ("192.0.2.9", 8400),
        "state": {},
    }


def exchange_of(route: Route, scope: dict[str, Any], send: Send) -> Exchange:
    """Return the request of an ASGI scope as the lane knows it."""
    query, peer = scope["query_string"].decode(), scope["client"][0]
    headers = Text(dict(scope["headers"]))
    return Exchange(route, scope["method"], peer=peer, query=query, headers=headers, send=send)


@contextmanager
def site(directory: Path, **given: Any) -> Iterator[Site]:
    """Give a receiver with these settings on a fresh store in a directory."""
    made = Site(Sqlite(directory).fresh(), **given)
    try:
        yield made
    finally:
        made.close()


def pings_headers(key: str) -> dict[str, str]:
    """Return the headers of a request in the native protocol."""
    return {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}


def heartbeat(**changes: Any) -> dict[str, Any]:
    """Return the body of a real SeqDesk heartbeat, with some values changed."""
    return {
        "protocolVersion": 1,
        "instanceId": "3920606d-a8be-4b50-a4d0-5237229d2f5c",
        "runningVersion": "1.1.130",
        "installedVersion": "1.1.130",
        "installProfile": {"id": None, "version": None},
        "update": {"available": False, "latestVersion": None},
        "database": {"provider": "sqlite"},
        "runtime": {"platform": "linux", "arch": "x64", "nodeMajor": 20},
        **changes,
    }
