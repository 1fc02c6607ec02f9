"""The receiver's own numbers."""

from prometheus_client.parser import text_string_to_metric_families

from homing.outcomes import ACCEPTED, OUTCOMES, Refusal
from homing.server.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return what Prometheus reads, by name and labels."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_outcomes_by_dialect() -> None:
    """Each outcome is counted under its own name, for each dialect."""
    metrics = Metrics()
    for verdict in (ACCEPTED, ACCEPTED, Refusal("shape", "its own sentence"), Refusal("shape")):
        metrics.verdict("native", verdict)
    metrics.verdict("seqdesk", ACCEPTED)
    read = samples(metrics)
    assert (2, 2, 1) == (
        read["homing_outcomes_total", "native", "accepted"],
        read["homing_outcomes_total", "native", "shape"],
        read["homing_outcomes_total", "seqdesk", "accepted"],
    )
    assert {("native", "accepted"): 2, ("native", "shape"): 2, ("seqdesk", "accepted"): 1} == metrics.outcomes()


def test_every_outcome_can_be_counted() -> None:
    """Every row of the closed list has a place among the numbers."""
    metrics = Metrics()
    for row in OUTCOMES.values():
        metrics.verdict("native", row)
    assert {name for name, *_ in samples(metrics)} >= {"homing_outcomes_total", "homing_bugs_total"}
    assert OUTCOMES.keys() == {labels[1] for name, *labels in samples(metrics) if name == "homing_outcomes_total"}


def test_bugs() -> None:
    """Outcomes that should never happen have a number of their own, which is there before the first."""
    metrics = Metrics()
    assert 0 == samples(metrics)["homing_bugs_total",]
    metrics.verdict("native", OUTCOMES["internal"])
    metrics.verdict("native", ACCEPTED)
    assert 1 == samples(metrics)["homing_bugs_total",]


def test_dropped_keys() -> None:
    """Keys that were dropped before storing are counted by dialect."""
    metrics = Metrics()
    metrics.dropped("seqdesk", 3)
    metrics.dropped("seqdesk", 2)
    assert 5 == samples(metrics)["homing_dropped_keys_total", "seqdesk"]


def test_sign_ins() -> None:
    """Tries to sign in are counted by outcome, apart from pings."""
    metrics = Metrics()
    for verdict in (Refusal("password_wrong"), Refusal("password_wrong"), ACCEPTED):
        metrics.sign_in(verdict)
    read = samples(metrics)
    assert 2 == read["homing_sign_ins_total", "password_wrong"]
    assert 1 == read["homing_sign_ins_total", "accepted"]
    assert {} == metrics.outcomes()


def test_commits() -> None:
    """Commits are counted by their pings and by their time."""
    metrics = Metrics()
    metrics.commit(3, 0.004)
    metrics.commit(300, 0.2)
    read = samples(metrics)
    assert (2, 303) == (read["homing_batch_pings_count",], read["homing_batch_pings_sum",])
    assert (1, 2) == (read["homing_commit_seconds_bucket", "0.005"], read["homing_commit_seconds_bucket", "+Inf"])


def test_gauges_are_read_when_somebody_looks() -> None:
    """A watched value is the present one."""
    metrics, waiting = Metrics(), [7]
    metrics.watch({"homing_queue_pings": ("Pings waiting.", lambda: waiting[0])})
    assert 7 == samples(metrics)["homing_queue_pings",]
    waiting[0] = 8
    assert 8 == samples(metrics)["homing_queue_pings",]


def test_receivers_do_not_share_numbers() -> None:
    """Two receivers in one process count apart."""
    one, other = Metrics(), Metrics()
    one.verdict("native", ACCEPTED)
    assert {} == other.outcomes()
