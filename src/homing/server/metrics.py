"""Counts what happens, and shows it to Prometheus. Counting is plain addition; the work is done when somebody looks."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from homing.outcomes import ACCEPTED, OUTCOMES, Verdict, outcome_of

Gauges = Mapping[str, tuple[str, Callable[[], float]]]
"""By name: what it says, and the function that reads it."""

BATCH_BUCKETS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000)
COMMIT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics(Collector):
    """The receiver's own numbers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._dropped: Counter[str] = Counter()
        self._hashed: Counter[str] = Counter()
        self._sign_ins: Counter[str] = Counter()
        self._gauges: Gauges = {}
        self._batches = Histogram(
            "homing_batch_pings", "Pings in one batch.", buckets=BATCH_BUCKETS, registry=self.registry
        )
        self._commits = Histogram(
            "homing_commit_seconds",
            "Time of the commit of a batch.",
            buckets=COMMIT_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(self)

    def verdict(self, dialect: str, verdict: Verdict) -> None:
        """Count one ping or one refused request."""
        self._outcomes[(dialect, outcome_of(verdict).name)] += 1

    def verdicts(self, dialect: str, verdicts: Sequence[Verdict]) -> None:
        """Count the pings of a request."""
        taken = verdicts.count(ACCEPTED)
        if taken:
            self._outcomes[(dialect, ACCEPTED.name)] += taken
        if taken < len(verdicts):
            for verdict in verdicts:
                if verdict is not ACCEPTED:
                    self.verdict(dialect, verdict)

    def dropped(self, dialect: str, keys: int) -> None:
        """Count keys that were dropped before storing."""
        self._dropped[dialect] += keys

    def hashed(self, dialect: str) -> None:
        """Count an instance id that told too much and is stored as its hash."""
        self._hashed[dialect] += 1

    def sign_in(self, verdict: Verdict) -> None:
        """Count one try to sign in, or to change a password."""
        self._sign_ins[outcome_of(verdict).name] += 1

    def commit(self, pings: int, seconds: float) -> None:
        """Count one batch that was committed."""
        self._batches.observe(pings)
        self._commits.observe(seconds)

    def watch(self, gauges: Gauges) -> None:
        """Show these values too, read when somebody looks."""
        self._gauges = gauges

    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """Return how often each (dialect, outcome) occurred."""
        return dict(self._outcomes)

    def collect(self) -> Iterator[Metric]:
        """Yield everything that is not a histogram."""
        outcomes = CounterMetricFamily(
            "homing_outcomes", "What became of pings and refused requests.", labels=("dialect", "outcome")
        )
        for (dialect, name), count in sorted(self._outcomes.items()):
            outcomes.add_metric((dialect, name), count)
        yield outcomes
        bugs = sum(n for (_dialect, name), n in self._outcomes.items() if OUTCOMES[name].bug)
        yield CounterMetricFamily("homing_bugs", "Outcomes that should never happen.", value=bugs)
        yield _by_dialect("homing_dropped_keys", "Unknown keys dropped before storing.", self._dropped)
        yield _by_dialect("homing_hashed_ids", "Ids that told too much, stored as hashes.", self._hashed)
        sign_ins = CounterMetricFamily("homing_sign_ins", "What became of tries to sign in.", labels=("outcome",))
        for name, count in sorted(self._sign_ins.items()):
            sign_ins.add_metric((name,), count)
        yield sign_ins
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value=read())

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self.registry)


def _by_dialect(name: str, text: str, counted: Mapping[str, int]) -> Metric:
    found = CounterMetricFamily(name, text, labels=("dialect",))
    for dialect, count in sorted(counted.items()):
        found.add_metric((dialect,), count)
    return found
