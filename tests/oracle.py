"""What a receiver must answer, worked out the slow way: everything heard is kept and searched anew for each question.

Plain lists, dicts and sets, and nothing of the code under test but the values that go in and come out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homing.ping import Ping
from homing.server.counting.sets import EVERY_DAY, Set

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
HOUR_MS = 3_600_000
CORE = ("version", "channel", "platform", "arch")
SHOWN = ("version", "platform", "arch", "database")
LABELS = ("ci", "container", "cloned", "settled")


@dataclass
class Said:
    """One counted ping: who said what about itself on which day of an app."""

    app: int
    day: int
    client: int | None
    new: bool
    kind: str
    dimensions: Mapping[str, str]
    combination: tuple[str | None, ...]


class Log:
    """Everything counted, in the order in which it was committed."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.marked: Callable[[int, str], set[int]] = lambda _app, _label: set()

    def forget(self, clients: set[int]) -> None:
        """Take clients out of everything said so far; the requests stay."""
        for each in self.said:
            if each.client in clients:
                each.client, each.new = None, False

    def of(self, app: int, day: int) -> list[Said]:
        """Return what was said to an app on a day."""
        return [each for each in self.said if (each.app, each.day) == (app, day)]

    def days(self, app: int) -> set[int]:
        """Return the days an app was spoken to."""
        return {each.day for each in self.said if each.app == app}

    def members(self, asked: Set) -> set[int]:
        """Return the clients in a set."""
        if asked.op in {"or", "and", "minus"}:
            return self._combined(asked.op, [self.members(part) for part in asked.args])
        app, begin, end, *rest = asked.args
        if begin == EVERY_DAY:
            return self.marked(app, rest[0])
        return set().union(*(self._on_day(asked.op, self.of(app, day), rest) for day in range(begin, end + 1)))

    def _on_day(self, op: str, found: Sequence[Said], under: Sequence[Any]) -> set[int]:
        if op == "anyone":
            return _clients(found, lambda _each: True)
        if op == "first":
            return _clients(found, lambda each: each.new)
        return self._under(found, *under)

    @staticmethod
    def _combined(op: str, parts: Sequence[set[int]]) -> set[int]:
        if op == "minus":
            return parts[0] - parts[1]
        if op == "or" or not parts:
            return set().union(*parts)
        return parts[0].intersection(*parts[1:])

    @staticmethod
    def _under(found: Sequence[Said], dimension: str, value: str | None) -> set[int]:
        if dimension == "kind":
            return set() if value is None else _clients(found, lambda each: each.kind == value)
        last = {each.client: each.dimensions[dimension] for each in found if dimension in each.dimensions}
        return {client for client in _clients(found, lambda _each: True) if last.get(client) == value}

    def requests(
        self, places: Iterable[tuple[int, int]], filters: Mapping[str, Sequence[str | None]], by: str
    ) -> dict[Any, int]:
        """Count requests of (app, day) places that fit every filter."""
        counts: Counter[Any] = Counter()
        for app, day in places:
            for each in self.of(app, day):
                row = dict(zip(("kind", *CORE), each.combination, strict=True))
                if all(row[name] in wanted for name, wanted in filters.items()):
                    counts[day if by == "day" else row[by]] += 1
        return dict(counts)


def _clients(found: Iterable[Said], fits: Callable[[Said], bool]) -> set[int]:
    return {each.client for each in found if each.client is not None and fits(each)}


@dataclass
class Known:
    """An instance of an app."""

    number: int
    first_seen: int
    last_seen: int
    credential: str | None
    state: tuple[str, dict[str, str], dict[str, Any]]
    pings: list[Ping] = field(default_factory=list)
    owner_said: dict[str, bool] = field(default_factory=dict)

    def labels(self) -> list[str]:
        """Return the labels it bears: what the owner said of them, else what it ever sent."""
        return [label for label in LABELS if self.owner_said.get(label, self._gave(label))]

    def _gave(self, label: str) -> bool:
        if label == "settled":
            return len({ping.at // DAY_MS for ping in self.pings}) > 1
        if label == "cloned":
            return self._went_back()
        return any(ping.properties.get(label) is True for ping in self.pings)

    def _went_back(self) -> bool:
        """Say whether it ever went back to the state before four times in a row within two weeks of the first time."""
        shown: list[dict[str, str]] = [{}]
        returns: list[int] = []
        for ping in self.pings:
            now = {**shown[-1], **{name: ping.dimensions[name] for name in SHOWN if name in ping.dimensions}}
            if now == shown[-1] or ping.received - ping.at > HOUR_MS:
                continue
            back = len(shown) > 2 and now == shown[-2]
            shown.append(now)
            in_time = bool(returns) and ping.received - returns[0] <= 2 * WEEK_MS
            returns = [*(returns if in_time else []), ping.received] if back else []
            if len(returns) == 4:
                return True
        return False


@dataclass
class Remembered:
    """One entry of an app's history."""

    app: int
    number: int | None
    kind: str
    at: int
    received: int
    dimensions: dict[str, str]
    properties: dict[str, Any]


@dataclass
class Oracle:
    """A whole store. `owners` says whose each app is; `values` and `combinations` are the limits of one day."""

    owners: Mapping[int, int]
    values: int = 500
    combinations: int = 5000
    log: Log = field(default_factory=Log)
    batches: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    claims: dict[tuple[int, str], tuple[int, int | None]] = field(default_factory=dict)
    known: dict[tuple[int, str], Known] = field(default_factory=dict)
    numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    dealt: int = 0
    erased: set[tuple[int, str]] = field(default_factory=set)
    day_values: dict[tuple[int, int, str], set[Any]] = field(default_factory=dict)
    history: list[Remembered] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let the log know who bears which label."""
        self.log.marked = self.marked

    def record(self, batch_id: str, pings: Sequence[Ping], now: int) -> list[str]:
        """Return the name of each ping's outcome."""
        if batch_id not in self.batches:
            self.batches[batch_id] = (now, [self._decide(ping, now) for ping in pings])
        return self.batches[batch_id][1]

    def _decide(self, ping: Ping, now: int) -> str:
        if ping.id is not None and self._claimed(ping.app, ping.id, now):
            return "duplicate"
        refusal = None if ping.instance is None else self._refusal(ping, ping.instance)
        if refusal is not None:
            return refusal
        new = ping.instance is not None and (ping.app, ping.instance) not in self.known
        number = None if ping.instance is None else self._number(ping.app, ping.instance)
        if ping.id is not None:
            self.claims[(ping.app, ping.id)] = (ping.received, number)
        self._remember(ping, number)
        self._count(ping, number, new=new)
        return "accepted"

    def marked(self, app: int, label: str) -> set[int]:
        """Return the clients of an app that bear a label."""
        return {each.number for (of, _name), each in self.known.items() if of == app and label in each.labels()}

    def mark(self, app: int, label: str, ids: Iterable[str], *, on: bool) -> int:
        """Note what the owner says of instances; return how many of them are known."""
        found = [self.known[(app, name)] for name in set(ids) if (app, name) in self.known]
        for each in found:
            each.owner_said[label] = on
        return len(found)

    def _claimed(self, app: int, ping_id: str, now: int) -> bool:
        return self.claims.get((app, ping_id), (0, 0))[0] > now - WEEK_MS

    def _refusal(self, ping: Ping, name: str) -> str | None:
        if (self.owners[ping.app], name) in self.erased:
            return "instance_erased"
        known = self.known.get((ping.app, name))
        if known is None or known.credential is None or known.credential == ping.credential:
            return None
        return "token_missing" if ping.credential is None else "token_wrong"

    def _number(self, app: int, name: str) -> int:
        key = (self.owners[app], name)
        if key not in self.numbers:
            self.dealt += 1
            self.numbers[key] = self.dealt
        return self.numbers[key]

    def _remember(self, ping: Ping, number: int | None) -> None:
        state = (ping.kind, dict(ping.dimensions), dict(ping.properties))
        known = None
        if number is not None and ping.instance is not None:
            fresh = Known(number, ping.received, 0, None, ("", {}, {}))
            known = self.known.setdefault((ping.app, ping.instance), fresh)
            known.last_seen = ping.received
            known.pings.append(ping)
        bound = known is not None and known.credential is None and ping.credential is not None
        if known is None or bound or known.state != state or ping.kind not in {"check", "heartbeat"}:
            self.history.append(Remembered(ping.app, number, state[0], ping.at, ping.received, *state[1:]))
        if known is not None:
            known.credential = known.credential or ping.credential
            known.state = state

    def _count(self, ping: Ping, number: int | None, *, new: bool) -> None:
        day = ping.at // DAY_MS
        counted = {name: self._within(ping.app, day, name, value) for name, value in ping.dimensions.items()}
        kind = self._within(ping.app, day, "kind", ping.kind)
        row = (kind, *map(counted.get, CORE))
        rows = self.day_values.setdefault((ping.app, day, "(requests)"), set())
        if row not in rows and len(rows) >= self.combinations:
            row = ("(other)",) * len(row)
        rows.add(row)
        self.log.said.append(Said(ping.app, day, number, new, kind, counted, row))

    def _within(self, app: int, day: int, name: str, value: str) -> str:
        have = self.day_values.setdefault((app, day, name), set())
        if value not in have and len(have) >= self.values:
            value = "(other)"
        have.add(value)
        return value

    def values_of(self, apps: Iterable[int], days: Iterable[int], dimension: str) -> dict[str, tuple[int, int]]:
        """Return the values of a dimension with the first and last day each was seen."""
        wanted = [(app, day) for app in apps for day in days]
        found = [(value, day) for app, day in wanted for value in self.day_values.get((app, day, dimension), ())]
        return {
            value: (min(d for v, d in found if v == value), max(d for v, d in found if v == value))
            for value, _day in found
        }

    def names(self, owner: int, numbers: Iterable[int]) -> list[str]:
        """Return the ids behind numbers, in the order in which the owner first heard from them."""
        ids = {number: name for (of, name), number in self.numbers.items() if of == owner}
        return [ids[number] for number in sorted(numbers)]

    def apps(self, owner: int) -> list[int]:
        """Return the apps of an owner."""
        return [app for app, of in self.owners.items() if of == owner]

    def release(self, app: int, name: str) -> bool:
        """Forget an instance's token; False when there is none."""
        known = self.known.get((app, name))
        bound = known is not None and known.credential is not None
        if known is not None:
            known.credential = None
        return bound

    def erase(self, owner: int, name: str) -> tuple[int, int, int] | None:
        """Forget an instance; return from how many apps, days and history entries, None when it never was known."""
        number = self.numbers.pop((owner, name), None)
        if number is None:
            return (0, 0, 0) if (owner, name) in self.erased else None
        apps = [app for app in self.apps(owner) if self.known.pop((app, name), None) is not None]
        days = {(each.app, each.day) for each in self.log.said if each.client == number}
        before = len(self.history)
        self.history = [each for each in self.history if each.number != number]
        self.claims = {key: claim for key, claim in self.claims.items() if claim[1] != number}
        self.log.forget({number})
        self.erased.add((owner, name))
        return len(apps), len(days), before - len(self.history)

    def prune(self, first_day: int, *, history_from: int, now: int) -> tuple[int, int, int, int]:
        """Forget what is past its keep; return how many days, instances, ping ids and batches that were."""
        days = sum(day < first_day for app in self.owners for day in self.log.days(app))
        said = [each for each in self.log.said if each.day >= first_day]
        history = [each for each in self.history if each.received >= history_from]
        looked = {each.app for each in self.log.said if each.day < first_day}
        looked |= {each.app for each in self.history if each.received < history_from}
        kept = {(each.app, each.client) for each in said} | {(each.app, each.number) for each in history}
        lost = [key for key, each in self.known.items() if key[0] in looked and (key[0], each.number) not in kept]
        self.log.said, self.history = said, history
        self.day_values = {key: have for key, have in self.day_values.items() if key[1] >= first_day}
        for key in lost:
            del self.known[key]
        self.numbers = {key: number for key, number in self.numbers.items() if self._anywhere(*key)}
        claims = {key: claim for key, claim in self.claims.items() if claim[0] >= now - WEEK_MS}
        batches = {key: batch for key, batch in self.batches.items() if batch[0] >= now - HOUR_MS}
        gone = (len(self.claims) - len(claims), len(self.batches) - len(batches))
        self.claims, self.batches = claims, batches
        return (days, len(lost), *gone)

    def _anywhere(self, owner: int, name: str) -> bool:
        return any((app, name) in self.known for app in self.apps(owner))
