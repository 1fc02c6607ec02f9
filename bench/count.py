"""How small a month of a million clients is, and how fast it is counted."""

import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from sqlalchemy import insert, text, update

from bench.figures import Figures
from bench.ingest import read_key
from bench.load import send
from bench.servers import Running, receiver
from homing.clock import SystemClock, day_of
from homing.server.counting.segment import Heard, Profile, build, encode, profile_of
from homing.server.stores.sql.compaction import compact
from homing.server.stores.sql.database import Database
from homing.server.stores.sql.schema import day_value, head, segment

CLIENTS: Final = 1_000_000
DAYS: Final = 30
DAILY: Final = CLIENTS // 2
BATCH: Final = 50_000
VERSIONS: Final = tuple(f"2.{number}.0" for number in range(12))
PLATFORMS: Final = (("linux", 50), ("win32", 25), ("darwin", 20), ("freebsd", 5))
ARCHES: Final = (("x64", 70), ("arm64", 28), ("ia32", 2))
CHANNELS: Final = (("stable", 85), ("beta", 12), ("nightly", 3))
Client = tuple[int, str, str, str]
"""How many versions a client lags behind, its channel, platform and architecture."""

FULL: Final = "/api/v1/report"
FILTERED: Final = "&platform=linux&channel=stable"
MOST_WARM: Final = 40


def run(seconds: float, figures: Figures) -> None:
    """Measure the figures of counting."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "homing.db"
        with receiver(store):
            pass
        began = time.monotonic()
        grown = fill(store)
        figures.note(f"filled and compacted {DAYS * DAILY:,} client-days in {time.monotonic() - began:.0f} s")
        figures.add("bytes_per_client_day", grown / (DAYS * DAILY), ("<=", 8), "on disk, after compaction")
        key = read_key(store)
        with receiver(store) as homing:
            _ask_all(homing, key, min(MOST_WARM, max(5, round(seconds / 6))), figures)
            send(homing.heartbeat, max(1, seconds / 40), distinct=0)
            figures.add("rss_mb", homing.resident(), ("<=", 500), "both processes, after reports and new instances")


def _ask_all(homing: Running, key: str, times: int, figures: Figures) -> None:
    today = day_of(SystemClock().now())
    span = f"?from={_iso(today - DAYS + 1)}&to={_iso(today)}"
    cold = _ask(homing, FULL + span, key)
    warm = statistics.median(_ask(homing, FULL + span, key) for _ in range(times))
    _ask(homing, FULL + span + FILTERED, key)
    filtered = statistics.median(_ask(homing, FULL + span + FILTERED, key) for _ in range(times))
    figures.add("report_cold_ms", cold, ("<=", 800), "summary, four splits, daily; first question after start")
    figures.add("report_warm_ms", warm, ("<=", 40), f"the same, median of {times}")
    figures.add("filtered_warm_ms", filtered, ("<=", 100), f"with two filters, median of {times}")


def _iso(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86_400))


def _ask(homing: Running, path: str, key: str) -> float:
    asked = Request(homing.url + path, headers={"Authorization": f"Bearer {key}"})
    began = time.perf_counter()
    urlopen(asked, timeout=60).read()
    return (time.perf_counter() - began) * 1000


def fill(store: Path, *, states: bool = False) -> int:
    """Store a month of the first app through the counting code, compact it, and return by how many bytes that grew.

    With `states` clients also say whether they are up to date.
    """
    database = Database(f"sqlite:///{store}")
    before = _used(database)
    today = day_of(SystemClock().now())
    seq = 1
    fleet = clients()
    for day in range(today - DAYS + 1, today + 1):
        for heard in _batches(fleet, day, today, states=states):
            _store(database, day, seq, heard)
            seq += 1
    while compact(database, today + 1):
        pass
    grown = _used(database) - before
    database.close()
    return grown


def _used(database: Database) -> int:
    """Return the bytes of the database's pages that hold something."""
    with database.read() as connection:
        pages, free, size = (
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def clients() -> list[Client]:
    """Return every client by its ordinal: what it is, and how many versions it lags behind."""
    own = random.Random(0).random
    return [
        (int(own() ** 2 * 9), _pick(CHANNELS, own()), _pick(PLATFORMS, own()), _pick(ARCHES, own()))
        for _ in range(CLIENTS + 1)
    ]


def _batches(fleet: Sequence[Client], day: int, today: int, *, states: bool) -> Iterator[list[Heard]]:
    """Yield half of all clients, each equally likely, under the version it had that day."""
    newest = len(VERSIONS) - 1 - (today - day) // 10
    profiles = _profiles(VERSIONS[newest] if states else None)
    heard = random.Random(day).sample(range(1, CLIENTS + 1), DAILY)
    for start in range(0, DAILY, BATCH):
        yield [
            Heard(client, False, profiles[VERSIONS[max(0, newest - lag)], channel, platform, arch])
            for client in heard[start : start + BATCH]
            for lag, channel, platform, arch in (fleet[client],)
        ]


def _pick(choices: tuple[tuple[str, int], ...], chance: float) -> str:
    rest = chance * 100
    for name, share in choices:
        rest -= share
        if rest < 0:
            return name
    return choices[0][0]


def _profiles(newest: str | None) -> dict[tuple[str, str, str, str], Profile]:
    """Return the profile of every combination; where a newest version is given, with how it stands to that."""
    names = ("version", "channel", "platform", "arch")
    combinations = (
        (version, channel, platform, arch)
        for version in VERSIONS
        for channel, _ in CHANNELS
        for platform, _ in PLATFORMS
        for arch, _ in ARCHES
    )
    return {
        each: profile_of("heartbeat", {**dict(zip(names, each, strict=True)), **_state(each[0], newest)})
        for each in combinations
    }


def _state(version: str, newest: str | None) -> dict[str, str]:
    return {} if newest is None else {"update_state": "latest" if version == newest else "outdated"}


def _store(database: Database, day: int, seq: int, heard: list[Heard]) -> None:
    made = build(heard)
    blob = encode(made)
    row = {"owner": 1, "app": 1, "day": day, "bucket": 0, "first": seq, "last": seq, "size": len(blob), "blob": blob}
    values: list[dict[str, Any]] = [
        {"app": 1, "day": day, "dimension": name, "value": value}
        for name, found in made.dimensions.items()
        for value in found
    ]
    with database.write() as connection:
        connection.execute(insert(segment), row)
        connection.execute(insert(day_value).prefix_with("OR IGNORE"), values)
        connection.execute(update(head).values(seq=seq, ordinals=CLIENTS))
