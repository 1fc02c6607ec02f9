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
    """A run ends with the newest segment and is never shorter than the fewest worth it."""
    run = run_to_merge(sizes, over=False)
    assert (run is None) == (len(sizes) < FEWEST)
    if run is not None:
        assert len(sizes) == run[1]
        assert run[1] - run[0] >= FEWEST


def test_a_large_page_is_left_alone() -> None:
    """Small segments are merged without the page that is far larger than all of them."""
    assert (1, 9) == run_to_merge([1_000_000, *[100] * FEWEST], over=False)
    assert (0, 9) == run_to_merge([1_000, *[100] * FEWEST], over=False)


def test_bytes_are_rewritten_a_logarithmic_number_of_times() -> None:
    """Ten thousand commits of one size leave few segments, each byte written some ten times."""
    commits, rewritten, most = 10_000, 0, 0
    sizes: list[int] = []
    for _ in range(commits):
        sizes.append(100)
        run = run_to_merge(sizes, over=False)
        if run is not None:
            merged = sum(sizes[slice(*run)])
            rewritten += merged
            sizes[slice(*run)] = [merged]
        most = max(most, len(sizes))
    assert most <= 2 * FEWEST
    assert rewritten / (100 * commits) <= 14


def test_the_silent_follow_the_page() -> None:
    """Those who reported nothing are worked out anew after each commit."""
    page = Page(1, [build([Heard(1, True, profile_of("check", {}))])])
    assert BitMap([1]) == page.unreported("version")
    page.absorb(2, build([Heard(1, False, profile_of("check", {"version": "1"})), Heard(2, True, profile_of("check", {}))]))
    assert BitMap([2]) == page.unreported("version")
    assert BitMap() == page.having("version", "2")
    assert BitMap([1, 2]) == page.unreported("arch")
