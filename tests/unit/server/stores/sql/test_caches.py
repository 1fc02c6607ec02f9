"""What a writer remembers is bounded, and never what was replaced."""

from hypothesis import given
from hypothesis import strategies as st

from homing.server.stores.sql.caches import Generations

OPERATIONS = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers()), max_size=80)


@given(st.integers(0, 8), OPERATIONS)
def test_a_cache_may_miss_and_never_lies(size: int, operations: list[tuple[bool, int, int]]) -> None:
    """What a key gives is the last value put under it, or nothing; a value just put is there."""
    cache: Generations[int, int] = Generations(size)
    truth: dict[int, int] = {}
    for puts, key, value in operations:
        if puts:
            cache.put(key, value)
            truth[key] = value
            assert value == cache.get(key)
        assert cache.get(key) in {None, truth.get(key)}
    assert sum(cache.get(key) is not None for key in range(10)) <= max(2, size)


def test_what_is_used_stays() -> None:
    """A key that is asked for again and again outlives any number of others."""
    cache: Generations[str, int] = Generations(10)
    cache.put("used", 1)
    for n in range(1000):
        cache.put(f"{n}", n)
        assert 1 == cache.get("used")
    assert cache.get("0") is None


def test_many_are_put_at_once() -> None:
    """Updating puts each pair; clearing forgets all."""
    cache: Generations[str, int] = Generations(10)
    cache.update([("a", 1), ("b", 2), ("a", 3)])
    assert (3, 2) == (cache.get("a"), cache.get("b"))
    cache.clear()
    assert (None, None) == (cache.get("a"), cache.get("b"))
