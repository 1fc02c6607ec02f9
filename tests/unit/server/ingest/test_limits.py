"""How many requests one address and one app may send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.outcomes import Refusal
from homing.server.ingest.limits import BURST_SECONDS, MOST_NAMES, RateLimit


def passes(limit: RateLimit, name: object, now: float) -> bool:
    """Return whether one request passes."""
    try:
        limit.check(name, now)
    except Refusal:
        return False
    return True


def test_a_burst_and_then_the_rate() -> None:
    """After a pause ten seconds' worth come at once, and from then on as many as the rate allows."""
    limit = RateLimit("rate_address", 5)
    assert 51 == sum(passes(limit, "a", 0.0) for _ in range(200))
    assert 5 == sum(passes(limit, "a", 1.0) for _ in range(200))
    assert not passes(limit, "a", 1.1)


def test_names_do_not_share() -> None:
    """What one sends costs another nothing."""
    limit = RateLimit("rate_app", 1)
    while passes(limit, 1, 0.0):
        pass
    assert passes(limit, 2, 0.0)


def test_the_refusal_says_when_to_come_back() -> None:
    """A refused sender is told how many seconds to wait, and passes then."""
    limit = RateLimit("rate_address", 1)
    while passes(limit, "a", 0.0):
        pass
    with pytest.raises(Refusal) as caught:
        limit.check("a", 0.0)
    assert ("rate_address", 1) == (caught.value.outcome.name, caught.value.retry_after)
    assert passes(limit, "a", 1.0)


def test_no_limit() -> None:
    """A rate of 0 lets everything through and remembers nobody."""
    limit = RateLimit("rate_address", 0)
    assert all(passes(limit, "a", 0.0) for _ in range(1000))


def test_memory_is_bounded() -> None:
    """However many addresses come by, no more than a fixed number is remembered."""
    limit = RateLimit("rate_address", 1)
    for number in range(MOST_NAMES + 1000):
        limit.check(number, number / 1_000_000)
    assert len(limit._due) <= MOST_NAMES  # noqa: SLF001 - memory shows nowhere else


@given(st.integers(1, 20), st.lists(st.floats(0, 3), max_size=200))
def test_never_more_than_rate_and_burst(rate: int, pauses: list[float]) -> None:
    """Over any time no more pass than the rate in it plus one burst, and a steady sender always passes."""
    limit, steady, now, passed = RateLimit("rate_address", rate), RateLimit("rate_address", rate), 0.0, 0
    for number, pause in enumerate(pauses):
        now += pause
        passed += passes(limit, "a", now)
        assert passed <= rate * (now + BURST_SECONDS) + 1 + 1e-6
        assert passes(steady, "a", number / rate)
