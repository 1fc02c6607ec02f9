"""What the sending side costs the program it sits in: at import, while it is off, and when the program ends.

Everything is measured in processes of their own. Imports take turns with a bare interpreter.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, Final

from bench.endpoints import ENDPOINTS, HANGING_NAMES, taking
from bench.figures import Figures
from homing.sdk.policy import POLICIES
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from homing.settings import child_environment

FIRST_LINE: Final = "from homing import Telemetry"
ROUND_SECONDS: Final = 1.0
LEAST_ROUNDS: Final = 7
MOST_ROUNDS: Final = 41

MAKE: Final = """
from homing import Telemetry
telemetry = Telemetry(
    app="bench", version="1.2.3", policy={policy!r}, endpoint={endpoint!r}, key={key!r}, enabled={enabled},
    directory={directory!r}, file={file!r}, first_seconds=0,
)
"""

QUEUED: Final = 50
"""Events that wait while it is stopped, where the policy has events of one's own."""

PACKAGES: Final = """
import json, sys
before = set(sys.modules)
{make}
telemetry.send_now(5)
telemetry.stop()
found = {{name.partition(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names - {{"homing"}}
print(json.dumps(sorted(found)))
"""

OFF: Final = """
import json, sys, threading

def use():
    {make}
    telemetry.start()
    telemetry.preview()
    telemetry.send_now(0.1)
    telemetry.status()
    telemetry.stop()

# Once before, so that nothing is left to be imported.
use()
seen = {{"threads": 0, "sockets": 0, "files": 0}}
begin = threading.Thread.start

def counted(thread):
    seen["threads"] += 1
    begin(thread)

def watch(event, _arguments):
    kind = {{"socket": "sockets", "open": "files", "os": "files"}}.get(event.partition(".")[0])
    if kind:
        seen[kind] += 1

# Python 3.11 has no audit event for threads.
threading.Thread.start = counted

sys.addaudithook(watch)
use()
print(json.dumps(seen))
"""

STOP: Final = """
{names}
import json, time
{make}
telemetry.start()
for number in range({events}):
    telemetry.event("bench", {{"number": number}})
telemetry.send_now()
while telemetry.status().last_attempt is None:
    time.sleep(0.01)
time.sleep(0.1)
began = time.monotonic()
telemetry.stop(timeout=0)
print(json.dumps((time.monotonic() - began) * 1000))
"""


EVENT: Final = """
import json, statistics, time
{names}
{make}

def burst():
    began = time.perf_counter()
    for number in range({burst}):
        tell(number)
    return (time.perf_counter() - began) / {burst} * 1_000_000

tell(0)
flush()
taken = []
for _ in range({bursts}):
    taken.append(burst())
    flush()
print(json.dumps([statistics.mean(taken), max(taken)]))
end()
"""
"""What one event costs the thread that tells it, in microseconds: the mean of bursts, and the worst of them."""

PROPERTIES: Final = """
properties = {"format": "csv", "rows": 1200, "seconds": 1.5, "ok": True}
"""

OURS: Final = """
telemetry.start()
tell = lambda number: telemetry.event("report exported", properties)
flush = lambda: telemetry.send_now(5)
end = lambda: telemetry.stop(0)
"""

THEIRS: Final = """
from posthog import Posthog
client = Posthog("phc_x", host={url!r})
tell = lambda number: client.capture("report exported", distinct_id="bench", properties=properties)
flush = lambda: client.flush(5)
end = client.shutdown
"""

BURST: Final = 90
BURSTS: Final = 20
HOW_MANY: Final = {"burst": BURST, "bursts": BURSTS}
"""Fewer than a batch, so that nothing is sent while the events are told."""


def run(seconds: float, figures: Figures) -> None:
    """Measure the figures of the sending side."""
    rounds = min(MOST_ROUNDS, max(LEAST_ROUNDS, round(seconds / 2)))
    with tempfile.TemporaryDirectory() as folder:
        _imports(rounds, Path(folder) / "imports", figures)
        _off(Path(folder) / "off", figures)
        _events(rounds, Path(folder) / "events", figures)
        _stops(max(1, round(seconds / 30)), Path(folder) / "on", figures)


def _imports(rounds: int, folder: Path, figures: Figures) -> None:
    off = f"{_make('http://127.0.0.1:9', folder, enabled=False)}telemetry.start()"
    codes = {"bare": "pass", "line": FIRST_LINE, "names": "from homing import *", "off": off}
    taken: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds + 1):
        for name, code in codes.items():
            taken[name].append(_seconds(code, folder) * 1000)
    # The first round filled the caches.
    over = {name: statistics.median(taken[name][1:]) - statistics.median(taken["bare"][1:]) for name in codes}
    figures.add("import_ms", over["line"], ("<=", 15), f"`{FIRST_LINE}`, over a bare interpreter")
    figures.note(f"all public names {over['names']:.1f} ms; made and started while off {over['off']:.1f} ms")
    packages = _told(PACKAGES.format(make=_make("http://127.0.0.1:9", folder, enabled=True)), folder)
    figures.add("third_party_modules", len(packages), ("<=", 0), f"after a ping was tried {packages or ''}")


def _off(folder: Path, figures: Figures) -> None:
    make = _make("http://127.0.0.1:9", folder, enabled=None).strip().replace("\n", "\n    ")
    seen = _told(OFF.format(make=make), folder)
    for name in ("threads", "sockets", "files"):
        figures.add(f"off_{name}", seen[name], ("<=", 0), "begun or opened while off")
    left = [path.name for path in folder.rglob("*")]
    assert left == [], f"Nothing is left behind: {left}"


def _events(rounds: int, folder: Path, figures: Figures) -> None:
    """Take turns with PostHog's package, telling the same events to the same listener."""
    with taking() as url:
        codes = {
            "homing": EVENT.format(names=PROPERTIES, make=_make(url, folder, enabled=True) + OURS, **HOW_MANY),
            "posthog": EVENT.format(names=PROPERTIES, make=THEIRS.format(url=url), **HOW_MANY),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in codes}
        for _ in range(max(3, rounds // 4)):
            for name, code in codes.items():
                mean, worst = _told(code, folder)
                taken[name].append((mean, worst))
    mean = {name: statistics.median(each for each, _ in found) for name, found in taken.items()}
    worst = {name: max(each for _, each in found) for name, found in taken.items()}
    what = f"`event()` on the caller's thread, mean of bursts of {BURST}, the worst {worst['homing']:.1f}"
    figures.add("event_us", mean["homing"], ("<=", 20), what)
    figures.values["posthog_event_us"] = round(mean["posthog"], 3)
    figures.note(f"posthog_event_us {mean['posthog']:.1f}, the worst burst {worst['posthog']:.1f}")
    over = [_seconds("import posthog", folder) - _seconds("pass", folder) for _ in range(max(3, rounds // 4))]
    figures.values["posthog_import_ms"] = round(statistics.median(over) * 1000, 3)
    figures.note(f"posthog_import_ms {statistics.median(over) * 1000:.0f}, over a bare interpreter")


def _stops(rounds: int, folder: Path, figures: Figures) -> None:
    worst = {}
    with ExitStack() as stack:
        urls = {name: stack.enter_context(endpoint()) for name, endpoint in ENDPOINTS.items()}
        for policy, (name, url) in product(sorted(POLICIES), urls.items()):
            names = HANGING_NAMES if name == "hanging name" else ""
            make, events = _make(url, folder, enabled=True, policy=policy), QUEUED if policy == "homing" else 0
            code = STOP.format(names=names, make=make, events=events)
            worst[policy, name] = max(_told(code, folder) for _ in range(rounds))
    for policy in sorted(POLICIES):
        taken = [f"{name} {worst[policy, name]:.1f} ms" for name in ENDPOINTS]
        figures.note(f"{policy}: {'; '.join(taken)}")
    figures.add("stop_ms_worst", max(worst.values()), ("<=", 100), f"stop(timeout=0), {rounds} times each")


def _make(endpoint: str, folder: Path, *, enabled: bool | None, policy: str = "homing") -> str:
    key = "k" if POLICIES[policy].wire in ("native", "posthog") else ""
    place = folder / f"identity-{policy}"
    return MAKE.format(
        endpoint=endpoint,
        enabled=enabled,
        directory=str(place),
        policy=policy,
        key=key,
        file=str(place / "config.json"),
    )


def _seconds(code: str, folder: Path) -> float:
    began = time.perf_counter()
    _run(code, folder)
    return time.perf_counter() - began


def _told(code: str, folder: Path) -> Any:
    return json.loads(_run(code, folder))


def _run(code: str, folder: Path) -> str:
    """Run code at home in a folder, with no setting of telemetry's but the code's own."""
    folder.mkdir(exist_ok=True)
    silencing = dict.fromkeys((*CI_VARIABLES, REFUSAL), "")
    environment = child_environment(
        HOME=str(folder), XDG_STATE_HOME="", HOMING_TELEMETRY_ENABLED="", PYTHONDONTWRITEBYTECODE="", **silencing
    )
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
