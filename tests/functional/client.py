"""A small client that keeps its connection, and a load of several of them."""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

GONE: Final = (OSError, http.client.HTTPException)
"""What a request ends with that got no answer."""

NO_HEADERS: Final[Mapping[str, str]] = {}

REST_SECONDS: Final = 5.0
"""After such a pause a new connection is opened: the receiver closes those that rest for 10 seconds."""

TOKEN: Final = "0123456789abcdef0123456789abcdef0123456789a"

HEARTBEAT: Final[Mapping[str, Any]] = {
    "protocolVersion": 1,
    "instanceId": "3f1c0f0a-1111-4222-8333-444455556666",
    "runningVersion": "1.1.82",
    "installedVersion": "1.1.82",
    "installProfile": {"id": None, "version": None},
    "update": {"available": True, "latestVersion": "1.1.83"},
    "database": {"provider": "sqlite"},
    "runtime": {"platform": "linux", "arch": "x64", "nodeMajor": 20},
}
"""SeqDesk's heartbeat."""


class Answer(NamedTuple):
    """What came back; headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's value."""
        return json.loads(self.body)

    def outcomes(self) -> list[str]:
        """Return what became of each ping; of the request where it was refused as a whole."""
        told = self.json()
        return [item["outcome"] for item in told.get("results", [told])]


class Client:
    """Sends requests on one connection; opens a new one after it was lost."""

    def __init__(self, port: int, key: str, timeout: float) -> None:
        self.key = key
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._used = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def request(
        self, method: str, path: str, headers: Mapping[str, str] = NO_HEADERS, body: bytes | None = None
    ) -> Answer:
        """Send one request and return its answer; raise one of `GONE` when there is none."""
        if time.monotonic() - self._used > REST_SECONDS:
            self._connection.close()
        self._used = time.monotonic()
        try:
            self._connection.request(method, path, body, dict(headers))
            answer = self._connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        except GONE:
            self._connection.close()
            raise

    def get(self, path: str) -> Answer:
        """Get a page, with the key as a bearer token."""
        return self.request("GET", path, self._bearer())

    def send(self, *pings: Mapping[str, Any]) -> Answer:
        """Send one ping as an object, several as an array."""
        body = json.dumps(pings[0] if len(pings) == 1 else pings).encode()
        return self.request("POST", "/v1/pings", self._bearer(), body)

    def heartbeat(self, instance: str, *, token: str = TOKEN, **changes: Any) -> Answer:
        """Send SeqDesk's heartbeat of an instance."""
        body = json.dumps({**HEARTBEAT, "instanceId": instance, **changes}).encode()
        path = f"/in/{self.key}/api/telemetry/heartbeat"
        return self.request("POST", path, {"X-SeqDesk-Telemetry-Token": token}, body)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class Tally:
    """What one thread of a load knows of its pings: those with an id are `named`, those without `nameless`."""

    named: set[str] = field(default_factory=set)
    nameless: int = 0
    nameless_tried: int = 0
    instances: set[str] = field(default_factory=set)
    answered: int = 0
    lost: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


NAMED: Final = "named"
NAMELESS: Final = "nameless"
INSTANCES: Final = 2000
PAUSE_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 90.0


class Load:
    """Threads that send pings without pause until the block is left.

    A ping with an id is tried again, with the same id, until it is acknowledged; one without is tried once.
    """

    def __init__(self, port: int, key: str, *, threads: int = 4, most: int = 4) -> None:
        self._port = port
        self._key = key
        self._most = most
        self._ending = threading.Event()
        self._tallies = [Tally() for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._work, args=(number, tally), daemon=True)
            for number, tally in enumerate(self._tallies)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Begin no new pings, and wait until those under way are through."""
        self._ending.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "Every ping with an id is acknowledged in the end."

    def _work(self, number: int, tally: Tally) -> None:
        chance = random.Random(number)  # noqa: S311 - the same load each time
        pings = self._pings(number, chance)
        with Client(self._port, self._key, 30.0) as client:
            while not self._ending.is_set():
                count = chance.randint(1, self._most)
                first = next(pings)
                group = [first, *(ping for ping in itertools.islice(pings, count - 1) if ping["kind"] == first["kind"])]
                self._deliver(client, tally, group)

    def _pings(self, number: int, chance: random.Random) -> Iterator[dict[str, Any]]:
        for place in itertools.count():
            ping: dict[str, Any] = {"instance_id": f"instance-{chance.randrange(INSTANCES)}", "kind": NAMELESS}
            if chance.random() < 0.7:
                ping.update(kind=NAMED, id=f"ping-{number}-{place}")
            yield {**ping, "dimensions": {"version": f"1.{chance.randrange(5)}"}}

    def _deliver(self, client: Client, tally: Tally, group: list[dict[str, Any]]) -> None:
        named = group[0]["kind"] == NAMED
        if not named:
            tally.nameless_tried += len(group)
        while True:
            answer = _try(client, tally, group)
            if answer is not None:
                tally.answered += len(answer.outcomes())
                tally.outcomes.update(answer.outcomes())
            if answer is not None and answer.status == 200:
                self._note(tally, group, named=named)
                return
            if not named:
                return
            self._ending.wait(PAUSE_SECONDS)

    def _note(self, tally: Tally, group: list[dict[str, Any]], *, named: bool) -> None:
        if named:
            tally.named.update(ping["id"] for ping in group)
        else:
            tally.nameless += len(group)
        tally.instances.update(ping["instance_id"] for ping in group)

    # What came of it.

    @property
    def acknowledged(self) -> int:
        """How many pings were answered with success."""
        return sum(len(tally.named) + tally.nameless for tally in self._tallies)

    @property
    def named(self) -> set[str]:
        """The ids of acknowledged pings."""
        return set[str]().union(*(tally.named for tally in self._tallies))

    @property
    def nameless(self) -> int:
        """How many pings without an id were acknowledged."""
        return sum(tally.nameless for tally in self._tallies)

    @property
    def nameless_tried(self) -> int:
        """How many pings without an id were sent, once each."""
        return sum(tally.nameless_tried for tally in self._tallies)

    @property
    def instances(self) -> set[str]:
        """The instances of acknowledged pings."""
        return set[str]().union(*(tally.instances for tally in self._tallies))

    @property
    def answered(self) -> int:
        """How many outcomes the answers told."""
        return sum(tally.answered for tally in self._tallies)

    @property
    def lost(self) -> int:
        """How many requests got no answer."""
        return sum(tally.lost for tally in self._tallies)

    @property
    def outcomes(self) -> Counter[str]:
        """How often each outcome was told."""
        return sum((tally.outcomes for tally in self._tallies), Counter[str]())


def _try(client: Client, tally: Tally, group: list[dict[str, Any]]) -> Answer | None:
    try:
        return client.send(*group)
    except GONE:
        tally.lost += 1
        return None
