"""How long pages take to make, and how much of them goes over the wire, with a month of a million clients."""

import html
import http.client
import itertools
import json
import random
import re
import statistics
import tempfile
import time
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from sqlalchemy import Table, insert

from bench.count import BATCH, CLIENTS, DAYS, VERSIONS, Client, clients, fill
from bench.figures import Figures
from bench.servers import Running, receiver
from homing.clock import DAY_MS, SystemClock, day_of, iso_day
from homing.server.accounts.accounts import Accounts
from homing.server.api.callers import COOKIE
from homing.server.stores.base import Options
from homing.server.stores.registry import open_store
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.schema import client, instance, last_seen

PART: Final = {"HX-Request": "true"}
HISTORY: Final = 200
"""How many entries the history of the instance has that is looked at."""

MOST_TRIES: Final = 12
LINKS: Final = re.compile(r'(?:href|src)="(/assets/[^"]+)"')
FURTHER: Final = re.compile(r"""(?:from |import |url\()["']?(\.{1,2}/[^"')]+)""")
ROW: Final = re.compile(r'href="(/instances/[^"?/]+)/[^"?/]+"')
MORE: Final = re.compile(r'hx-get="(/instances\?[^"]*after=[^"]*)"')


class Loaded(NamedTuple):
    """One answer: how long it took, how many bytes came over the wire, and the text in them."""

    ms: float
    size: int
    text: str


class Browser:
    """One connection that is signed in, as a browser keeps it."""

    def __init__(self, homing: Running, token: str) -> None:
        self._homing = homing
        self._connection = http.client.HTTPConnection(urlsplit(homing.url).netloc, timeout=60)
        self._headers = {"Cookie": f"{COOKIE}={token}", "Accept-Encoding": "gzip", "Accept": "text/html"}
        self._number = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def get(self, path: str, *, part: bool = False) -> Loaded:
        """Ask for a page, or for the part of it that changes."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers={**self._headers, **(PART if part else {})})
        answer = self._connection.getresponse()
        body = answer.read()
        ms = (time.perf_counter() - began) * 1000
        assert answer.status == http.HTTPStatus.OK, f"{path} was answered with {answer.status}."
        head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        plain = zlib.decompress(body, zlib.MAX_WBITS | 16) if answer.headers["Content-Encoding"] == "gzip" else body
        return Loaded(ms, head + len(body), plain.decode())

    def send(self, pings: Sequence[dict[str, object]]) -> None:
        """Send pings of the app, so that what was counted is not the newest any more."""
        headers = {"Authorization": f"Bearer {self._homing.key}", "Content-Type": "application/json"}
        self._connection.request("POST", "/v1/pings", json.dumps(list(pings)), headers)
        assert self._connection.getresponse().read()

    def send_one(self) -> None:
        """Send a ping of an instance that was never heard from."""
        dimensions = {"version": VERSIONS[-1], "channel": "stable", "platform": "linux", "arch": "x64"}
        self.send([{"instance_id": f"new-{next(self._number)}", "dimensions": dimensions}])


class Timed(NamedTuple):
    """An address and how long it took, the first time and from then on."""

    path: str
    first: float
    later: float

    @property
    def worst(self) -> float:
        """The longer of the two."""
        return max(self.first, self.later)


def run(seconds: float, figures: Figures) -> None:
    """Measure the figures of pages."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "homing.db"
        with receiver(store):
            pass
        began = time.monotonic()
        fill(store, states=True)
        chosen = register(store, clients())
        figures.note(f"filled with {CLIENTS:,} clients over {DAYS} days in {time.monotonic() - began:.0f} s")
        token = signed_in(store)
        with receiver(store) as homing, Browser(homing, token) as browser:
            _measure(browser, chosen, max(3, min(MOST_TRIES, round(seconds / 20))), figures)


def _measure(browser: Browser, chosen: str, tries: int, figures: Figures) -> None:
    pages = [_timed(browser, path, tries) for path in overviews()]
    _tell(figures, "page_ms_worst", pages, 300)
    browser.send([{"instance_id": chosen, "kind": f"step-{number}"} for number in range(HISTORY)])
    parts = [_timed(browser, path, tries, part=True) for path in panels(browser, chosen)]
    _tell(figures, "panel_ms_worst", parts, 500)
    page = browser.get("/")
    files = assets(browser, page.text)
    first = page.size + sum(each.size for each in files.values())
    figures.add("first_load_kb", first / 1024, ("<=", 600), f"the overview and {len(files)} files, with their headers")
    figures.add("next_load_kb", page.size / 1024, ("<=", 60), "the overview alone: files are cached for good")


def _timed(browser: Browser, path: str, tries: int, *, part: bool = False) -> Timed:
    """Ask for an address once, and then again and again, each time after something new came in."""
    first = browser.get(path, part=part).ms
    later = []
    for _ in range(tries):
        browser.send_one()
        later.append(browser.get(path, part=part).ms)
    return Timed(path, first, statistics.median(later))


def _tell(figures: Figures, name: str, timed: Iterable[Timed], limit: float) -> None:
    ordered = sorted(timed, key=lambda each: each.worst, reverse=True)
    for each in ordered:
        figures.note(f"{each.first:8.1f} first {each.later:8.1f} later  {each.path}")
    worst = ordered[0]
    when = "asked first" if worst.first > worst.later else "median"
    figures.add(name, worst.worst, ("<=", limit), f"the slowest of {len(ordered)} addresses, {when}: {worst.path}")


def overviews() -> list[str]:
    """Return addresses of the overview; the first is asked right after the start."""
    today = day_of(SystemClock().now())
    ranges = ["", "range=today", "range=week", f"from={iso_day(today - DAYS + 1)}&to={iso_day(today)}"]
    filters = ["platform=linux&channel=stable", f"version={VERSIONS[-1]}", "arch=%28not+reported%29"]
    return [
        "/",
        *(f"/?{'&'.join(filter(None, pair))}" for pair in itertools.product(ranges, ["", *filters]) if any(pair)),
    ]


def panels(browser: Browser, chosen: str) -> list[str]:
    """Return addresses of all that pages fetch by themselves or show beside the overview."""
    listed = browser.get("/instances", part=True).text
    one, more = f"{_found(ROW, listed)}/{chosen}", _found(MORE, listed)
    lists = [f"/instances?{each}" for each in ("sort=first_seen", "sort=instance_id", "search=abc", "search=no+such")]
    filtered = [f"/instances?{each}" for each in ("platform=linux&range=month", "version=2.11.0&search=abc")]
    return [*overviews(), "/filters", "/filters?search=linux", "/instances", *lists, *filtered, more, one]


def _found(link: re.Pattern[str], text: str) -> str:
    found = link.search(text)
    assert found is not None, f"The list has a link like {link.pattern}."
    return html.unescape(found[1])


def assets(browser: Browser, text: str) -> dict[str, Loaded]:
    """Return every file that a page loads, and that those load in turn."""
    found: dict[str, Loaded] = {}
    wanted = LINKS.findall(text)
    while wanted:
        path = wanted.pop()
        if path not in found:
            found[path] = browser.get(path)
            wanted += [urljoin(path, further) for further in FURTHER.findall(found[path].text)]
    return found


def signed_in(store: Path) -> str:
    """Open a session of the first owner, whose password counts as changed, and return its token."""
    clock = SystemClock()
    opened = open_store(f"sqlite:///{store}", clock, options=Options())
    [owner] = opened.control.owners()
    opened.control.set_password(owner.id, owner.password, must_change=False)
    token = Accounts(opened.control, clock).open_session(owner).token
    opened.store.close()
    return token


def register(store: Path, fleet: Sequence[Client]) -> str:
    """Write every client into the registry, each with a random id, and return the id of one of them."""
    chance = random.Random(1)
    now = SystemClock().now()
    database = Database(f"sqlite:///{store}")
    for start in range(1, CLIENTS + 1, BATCH):
        ordinals = range(start, min(start + BATCH, CLIENTS + 1))
        ids = {ordinal: str(UUID(int=chance.getrandbits(128), version=4)) for ordinal in ordinals}
        _add(database, client, ({"owner": 1, "ordinal": each, "instance_id": ids[each]} for each in ordinals))
        times = [sorted(now - chance.randrange(DAYS * DAY_MS) for _ in range(2)) for _ in ordinals]
        rows = list(zip(ordinals, times, strict=True))
        _add(database, instance, (_registered(ordinal, first, fleet[ordinal]) for ordinal, (first, _last) in rows))
        _add(database, last_seen, ({"app": 1, "ordinal": ordinal, "at": last} for ordinal, (_first, last) in rows))
    database.close()
    return ids[CLIENTS]


def _registered(ordinal: int, first: int, known: Client) -> dict[str, object]:
    lag, channel, platform, arch = known
    version = VERSIONS[max(0, len(VERSIONS) - 1 - lag)]
    dimensions = {"version": version, "channel": channel, "platform": platform, "arch": arch}
    state = json.dumps({"dimensions": dimensions, "properties": {"node": 20}})
    return {"app": 1, "ordinal": ordinal, "first_seen": first, "kind": "heartbeat", "state": state, "credential": None}


def _add(database: Database, table: Table, rows: Iterable[dict[str, object]]) -> None:
    with database.write() as connection:
        connection.execute(insert(table), list(rows))
