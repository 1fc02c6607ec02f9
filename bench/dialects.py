"""How fast each dialect is taken in, PostHog's batches above all, and what invalid traffic does to the valid.

What is compared takes turns, as in `ingest`.
"""

import gzip
import json
import random
import sqlite3
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.figures import Figures
from bench.load import Bodies, Load, send_bodies
from bench.servers import Running, bare, receiver

NATIVE, SEQDESK, SIRVEO, FLOWFUSE, POSTHOG, BATCHED = (f"3920606d-a8be-4b50-a4d{each}-@I" for each in range(6))
"""Instances of each dialect are their own: some are bound to a token."""

UNIQUE: Final = "01a2017b-09d2-7c1a-9617-@U"
JSON: Final = "Content-Type: application/json\n"
SPACING: Final = 10_000_000
MOST_ROUND: Final = 4.0

EVENTS: Final = 100
SENDERS: Final = 8
MOST_BATCHES: Final = 12_000
GZIP_LEVEL: Final = 6
FIRST_MS: Final = 1_795_000_000_000
MOST_AT_ONCE: Final = 40_000

TRICKLE: Final = 8
TRICKLE_MS: Final = 20
SHARES: Final = (5, 50, 100)


class Wire(NamedTuple):
    """A dialect's path, body and headers; `bodies.lua` says what the body may have in it."""

    path: str
    body: Mapping[str, Any]
    headers: str = JSON


def _event(instance: str, unique: str) -> dict[str, Any]:
    """Return an event of SlackONOS, as PostHog's SDK for Node sends it."""
    properties = {
        "instance_id": instance,
        "os_platform": "linux",
        "os_release": "6.8.0-45-generic",
        "node_version": "v20.20.2",
        "app_version": "2.3.5",
        "release": "v2.3.5",
        "$lib": "posthog-node",
        "$lib_version": "5.48.1",
        "$is_server": True,
    }
    return {"event": "startup", "distinct_id": instance, "uuid": unique, "properties": properties}


WIRES: Final[Mapping[str, Wire]] = {
    "native": Wire(
        "/v1/pings",
        {
            "instance_id": NATIVE,
            "kind": "heartbeat",
            "dimensions": {"version": "1.1.130", "channel": "stable", "platform": "linux", "arch": "x64"},
        },
    ),
    "seqdesk": Wire(
        "/api/telemetry/heartbeat",
        {
            "protocolVersion": 1,
            "instanceId": SEQDESK,
            "runningVersion": "1.1.130",
            "installedVersion": "1.1.130",
            "installProfile": {"id": None, "version": None},
            "update": {"available": False, "latestVersion": None},
            "database": {"provider": "sqlite"},
            "runtime": {"platform": "linux", "arch": "x64", "nodeMajor": 20},
        },
        f"{JSON}X-SeqDesk-Telemetry-Token: OoAnZS_nR_26p0eeGTzUAJFh9oNXdHYCz1rzA45wKPA\n",
    ),
    "sirveo": Wire(
        "/sirveo",
        {
            "build_version": "1.4.0",
            "build_commit": "1f2e3d4",
            "build_time": "2026-11-20T10:00:00Z",
            "build_mode": "release",
            "build_os": "linux",
            "build_arch": "amd64",
            "instance_id": SIRVEO,
            "reason": "update",
            "license_valid": True,
            "checksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
    ),
    "flowfuse": Wire(
        "/ping",
        {
            "instanceId": FLOWFUSE,
            "os": {"type": "Linux", "release": "6.8.0", "arch": "x64"},
            "env": {"nodejs": "v20.11.1", "flowforge": "2.23.0"},
            "platform": {
                "counts": {"users": 6, "teams": 5, "projects": 4, "devices": 9, "projectSnapshots": 16},
                "config": {"driver": "localfs", "broker": {"enabled": True}, "email": {"enabled": False}},
                "license": {"id": "", "type": "CE"},
            },
        },
    ),
    "posthog": Wire("/batch/", {"batch": [_event(POSTHOG, UNIQUE)]}),
}
"""A typical body of each dialect."""


def run(seconds: float, figures: Figures) -> None:
    """Measure the figures of dialects."""
    length = min(MOST_ROUND, max(1.0, seconds / 60))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        yardstick = stack.enter_context(bare())
        store = Path(folder) / "homing.db"
        homing = stack.enter_context(receiver(store))
        _ratios(yardstick, homing, _times(seconds, length), length, figures)
        _invalid(homing, _times(seconds, length), length, figures)
        _batches(homing, store, length * max(2, _times(seconds, length)), figures)


def _times(seconds: float, length: float) -> int:
    """Return how many rounds of each kind fit: five ratios take eleven of them, invalid traffic four."""
    return max(1, round(0.7 * seconds / length / 15))


# wide: two servers, and how long and how often
def _ratios(yardstick: Running, homing: Running, times: int, length: float, figures: Figures) -> None:
    offsets = iter(range(SPACING, SPACING * 1000, SPACING))
    for name, wire in WIRES.items():
        loads, bares = [], []
        send_bodies(_url(homing, wire), length, bodies=_bodies(wire, next(offsets)))
        for _ in range(times):
            bares.append(send_bodies(yardstick.url, length, bodies=_bodies(wire, 0)))
            loads.append(send_bodies(_url(homing, wire), length, bodies=_bodies(wire, next(offsets))))
        bares.append(send_bodies(yardstick.url, length, bodies=_bodies(wire, 0)))
        ratio = statistics.median(
            2 * load.per_second / (before.per_second + after.per_second)
            for load, before, after in zip(loads, bares, bares[1:], strict=False)
        )
        errors = sum(each.errors for each in loads)
        text = f"{_median(loads):,.0f} requests/s of {_median(bares):,.0f}; {errors} without a 2xx"
        figures.add(f"ratio_{name}", ratio, (">=", 0.35), text)


def _median(loads: list[Load]) -> float:
    return statistics.median(each.per_second for each in loads)


def _url(homing: Running, wire: Wire) -> str:
    return f"{homing.url}/in/{homing.key}{wire.path}"


def _bodies(wire: Wire, offset: int) -> Bodies:
    return Bodies(wire.headers, json.dumps(wire.body, separators=(",", ":")), offset=offset)


def _beside(homing: Running, length: float, load: Callable[[], Load]) -> tuple[Load, Load]:
    """Return what a load came to, and what a few heartbeats a second did meanwhile."""
    wire = WIRES["seqdesk"]
    few = _bodies(wire, 0)._replace(delay=TRICKLE_MS, distinct=100)
    with ThreadPoolExecutor() as pool:
        loaded = pool.submit(load)
        trickle = send_bodies(_url(homing, wire), length, bodies=few, connections=TRICKLE)
        return loaded.result(), trickle


def _invalid(homing: Running, times: int, length: float, figures: Figures) -> None:
    wire = WIRES["native"]
    seen: dict[int, list[Load]] = {share: [] for share in (0, *SHARES)}
    refused = 0
    for _ in range(times):
        for share, trickles in seen.items():
            bodies = _bodies(wire, 0)._replace(invalid=share)
            loaded, trickle = _beside(homing, length, partial(send_bodies, _url(homing, wire), length, bodies=bodies))
            refused += loaded.errors
            trickles.append(trickle)
    medians = {share: statistics.median(each.p99_ms for each in loads) for share, loads in seen.items()}
    text = ", ".join(f"{share} %: {p99:.1f} ms" for share, p99 in medians.items())
    worst = max(medians[share] / medians[0] for share in SHARES)
    figures.add("p99_factor_invalid", worst, ("<=", 2), f"p99 of valid pings beside invalid ones; {text}")
    figures.note(f"{refused:,} requests were refused")


def _batches(homing: Running, store: Path, length: float, figures: Figures) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "batches"
        count = min(MOST_BATCHES, round(MOST_AT_ONCE / EVENTS * (length + 1)))
        file.write_bytes(b"".join(_written(count)))
        bodies = Bodies(f"{JSON}Content-Encoding: gzip\n", file=file)
        before = _entries(store)
        url = _url(homing, WIRES["posthog"])
        load = partial(send_bodies, url, length, bodies=bodies, connections=SENDERS)
        loaded, trickle = _beside(homing, length, load)
        kept = _entries(store) - before
    sent = (loaded.requests - loaded.errors) * EVENTS
    if kept < min(sent, count * EVENTS):
        message = f"{sent:,} events were taken, and {kept:,} are in the history."
        raise SystemExit(message)
    text = f"gzip batches of {EVENTS}, in the history; 40,000 wanted; {loaded.errors} without a 2xx"
    figures.add("posthog_events_per_s", loaded.per_second * EVENTS, (">=", 20_000), text)
    figures.add("p99_ms", trickle.p99_ms, ("<=", 50), f"heartbeats meanwhile, {trickle.per_second:.0f} a second")


def _written(count: int) -> Iterator[bytes]:
    """Yield batches that all differ, each after a line with its length."""
    own = random.Random(0)
    for number in range(count):
        instances = (BATCHED.replace("@I", f"{own.randrange(10_000):012d}") for _ in range(EVENTS))
        events = [_event(each, _timed_id(own, FIRST_MS + number)) for each in instances]
        body = gzip.compress(json.dumps({"batch": events}, separators=(",", ":")).encode(), GZIP_LEVEL)
        yield b"%d\n%s" % (len(body), body)


def _timed_id(own: random.Random, ms: int) -> str:
    """Return a UUID of version 7, as PostHog's SDKs for Node and browsers make them (RFC 9562)."""
    bits = ms << 80 | 7 << 76 | own.getrandbits(12) << 64 | 2 << 62 | own.getrandbits(62)
    return str(uuid.UUID(int=bits))


def _entries(store: Path) -> int:
    """Return how many entries the history has."""
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute("SELECT coalesce(sum(entries), 0) FROM history").fetchone()[0])
