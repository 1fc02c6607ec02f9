"""Which runs of segments are worth merging."""

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from homing.server.counting.page import FEWEST, Page, run_to_merge
from homing.server.counting.segment import Heard, build, profile_of

SIZES = st.lists(st.integers(1, 10_000), max_size=60)


@given(SIZES)
def test_a_day_that_is_over_becomes_one(sizes: list[int]) -> None:
    """Everything is merged once the day is over, and one page is left alone."""
    assert (None if len(sizes) < 2 else (0, len(sizes))) == run_to_merge(sizes, over=True)


@given(SIZES)
def test_while_it_lasts_the_newest_are_merged(sizes: list[int]) -> None:
    """A run ends with the newest segment, is never shorter than the fewest worth it, and takes along no giant."""
    run = run_to_merge(sizes, over=False)
    if run is not None:
        start, end = run
        assert len(sizes) == end
        assert end - start >= FEWEST
        assert all(sizes[place] <= 2 * sum(sizes[place + 1 :]) for place in range(start, end - 1))


@given(st.lists(st.sampled_from([100, 1_000, 30_000]), min_size=200, max_size=400))
def test_few_are_left(arriving: list[int]) -> None:
    """However the sizes vary, merging after each commit keeps the segments few."""
    sizes: list[int] = []
    for size in arriving:
        sizes.append(size)
        run = run_to_merge(sizes, over=False)
        if run is not None:
            sizes[slice(*run)] = [sum(sizes[slice(*run)])]
        assert len(sizes) < 8 * FEWEST


def test_a_large_page_is_left_alone() -> None:
    """Small segments are merged without the page that is far larger than all of them."""
    assert (1, 9) == run_to_merge([1_000_000, *[100] * FEWEST], over=False)
    assert (0, 9) == run_to_merge([1_000, *[100] * FEWEST], over=False)


def test_bytes_are_rewritten_a_logarithmic_number_of_times() -> None:
    """Ten thousand commits of one size are each written again some ten times."""
    commits, rewritten = 10_000, 0
    sizes: list[int] = []
    for _ in range(commits):
        sizes.append(100)
        run = run_to_merge(sizes, over=False)
        if run is not None:
            merged = sum(sizes[slice(*run)])
            rewritten += merged
            sizes[slice(*run)] = [merged]
    assert rewritten / (100 * commits) <= 14


def test_the_silent_follow_the_page() -> None:
    """Those who reported nothing are worked out anew after each commit."""
    page = Page(1, [build([Heard(1, True, profile_of("check", {}))])])
    assert BitMap([1]) == page.unreported("version")
    told = [Heard(1, False, profile_of("check", {"version": "1"})), Heard(2, True, profile_of("check", {}))]
    page.absorb(2, build(told))
    assert BitMap([2]) == page.unreported("version")
    assert BitMap() == page.having("version", "2")
    assert BitMap([1, 2]) == page.unreported("arch")
