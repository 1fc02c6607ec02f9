"""Segments and how they fold, compared with a plain log of what was said."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from homing.server.counting.page import Page
from homing.server.counting.segment import Heard, Segment, absorb, build, decode, encode, merge, profile_of
from homing.server.counting.sets import Set, anyone, first, seen
from tests.oracle import Log, Said

APP, DAY = 1, 20_000
VALUES = {"version": ("1", "2"), "platform": ("linux", "mac"), "size": ("s", "m")}
KINDS = ("check", "heartbeat", "clicked")

Commit = Sequence[Heard] | frozenset[int]
"""What one commit brings: pings, or the clients it takes out of everything before."""


def profiles() -> st.SearchStrategy[tuple[str, dict[str, str]]]:
    """Draw a kind, and values for some of the dimensions."""
    given_values = {name: st.sampled_from(values) for name, values in VALUES.items()}
    return st.tuples(st.sampled_from(KINDS), st.fixed_dictionaries({}, optional=given_values))


def pings() -> st.SearchStrategy[Heard]:
    """Draw a ping of one of a few clients, or of nobody."""
    clients = st.one_of(st.integers(1, 6), st.none())
    return st.builds(
        lambda client, new, profile: Heard(client, new and client is not None, profile_of(*profile)),
        clients,
        st.booleans(),
        profiles(),
    )


def commits() -> st.SearchStrategy[list[Commit]]:
    """Draw commits, a few of which are erasures."""
    gone = st.frozensets(st.integers(1, 6), min_size=1, max_size=3)
    batch = st.lists(pings(), min_size=1, max_size=5)
    return st.lists(st.one_of(batch, batch, batch, gone), min_size=1, max_size=12)


def segment_of(commit: Commit) -> Segment:
    """Return the segment a store would write for a commit."""
    return Segment(gone=BitMap(commit)) if isinstance(commit, frozenset) else build(list(commit))


def log_of(brought: Sequence[Commit]) -> Log:
    """Return the oracle that heard the same commits."""
    log = Log()
    for commit in brought:
        if isinstance(commit, frozenset):
            log.forget(set(commit))
            continue
        for client, new, profile in commit:
            log.said.append(Said(APP, DAY, client, new, profile.kind, profile.dimensions, profile.combination))
    return log


def every_set() -> list[Set]:
    """Return everything that can be asked of the day."""
    under = [seen(APP, DAY, name, value) for name, values in VALUES.items() for value in (*values, None, "never")]
    return [anyone(APP, DAY), first(APP, DAY), *under, *(seen(APP, DAY, "kind", kind) for kind in (*KINDS, None))]


def answer(page: Page, asked: Set) -> BitMap:
    """Return what a page says to a leaf."""
    if asked.op == "anyone":
        return page.folded.anyone
    if asked.op == "first":
        return page.folded.first
    *_place, dimension, value = asked.args
    return page.unreported(dimension) if value is None else page.having(dimension, value)


def assert_same(page: Page, log: Log) -> None:
    """Assert that a page answers everything as the log does."""
    assert {asked: log.members(asked) for asked in every_set()} == {
        asked: set(answer(page, asked)) for asked in every_set()
    }
    counted = {key: n for key, n in page.folded.requests.items() if n}
    assert sum(log.requests([(APP, DAY)], {}, "day").values()) == sum(counted.values())
    for each in log.said:
        assert sum(other.combination == each.combination for other in log.said) == counted[each.combination]


def merged_somehow(parts: Sequence[Segment], chance: random.Random) -> list[Segment]:
    """Merge contiguous runs, over and over, until chance says that it is enough."""
    left = list(parts)
    while len(left) > 1 and chance.random() < 0.8:
        start = chance.randrange(len(left) - 1)
        end = chance.randrange(start + 2, len(left) + 1)
        left[start:end] = [decode(encode(merge(left[start:end])))]
    return left


@given(commits())
def test_commits_fold_in_order(brought: list[Commit]) -> None:
    """A page absorbs commits one by one, and says after each what the log says."""
    page = Page(0, [])
    for seq, commit in enumerate(brought, 1):
        page.absorb(seq, segment_of(commit))
        assert_same(page, log_of(brought[:seq]))
        assert seq == page.last


@given(commits(), st.randoms(use_true_random=False))
def test_any_grouping_gives_the_same(brought: list[Commit], chance: random.Random) -> None:
    """Contiguous runs merge in any grouping, erasures among them, without changing an answer."""
    parts = merged_somehow([segment_of(commit) for commit in brought], chance)
    assert_same(Page(len(brought), parts), log_of(brought))


@given(commits(), st.integers(0, 12), st.randoms(use_true_random=False))
def test_a_reader_behind_catches_up(brought: list[Commit], mark: int, chance: random.Random) -> None:
    """A reader that stopped at a mark goes on with what was merged after it in any grouping."""
    parts = [segment_of(commit) for commit in brought]
    page = Page(mark, merged_somehow(parts[:mark], chance))
    for segment in merged_somehow(parts[mark:], chance):
        page.absorb(len(brought), segment)
    assert_same(page, log_of(brought))


@given(commits())
def test_bytes_hold_everything(brought: list[Commit]) -> None:
    """Decoding gives back what was encoded."""
    page = merge(segment_of(commit) for commit in brought)
    assert page == decode(encode(page))


@given(commits(), commits())
def test_folding_leaves_its_sources_alone(brought: list[Commit], more: list[Commit]) -> None:
    """Neither merging nor absorbing changes the newer segments, now or when the page goes on growing."""
    sources = [segment_of(commit) for commit in brought]
    before = [decode(encode(segment)) for segment in sources]
    page = merge(sources)
    absorb(page, merge(segment_of(commit) for commit in more))
    assert before == sources


@given(commits())
def test_splits_sum_to_uniques(brought: list[Commit]) -> None:
    """The values of a last-value dimension and the silent ones are disjoint and make up everyone."""
    page = Page(0, [segment_of(commit) for commit in brought])
    for name, values in VALUES.items():
        parts = [page.unreported(name), *(page.having(name, value) for value in values)]
        assert len(page.folded.anyone) == sum(map(len, parts))


def test_the_last_value_wins_within_a_batch() -> None:
    """List order decides, not the order of values or clients."""
    segment = build([Heard(1, True, profile_of("check", {"version": v})) for v in ("2", "3", "1")])
    assert {"1": BitMap([1])} == segment.dimensions["version"]
    assert BitMap([1]) == segment.first


def test_a_lacking_dimension_leaves_the_value() -> None:
    """A ping that says nothing of a dimension keeps what was said before, in the batch and in the day."""
    whole, partly = profile_of("check", {"version": "1", "arch": "x64"}), profile_of("check", {"version": "2"})
    page = build([Heard(1, True, whole), Heard(1, False, partly)])
    absorb(page, build([Heard(1, False, partly)]))
    assert {"version": {"2": BitMap([1])}, "arch": {"x64": BitMap([1])}} == {
        name: page.dimensions[name] for name in ("version", "arch")
    }


def test_every_kind_counts() -> None:
    """The kind grows: a client stands under each kind it sent that day."""
    page = build([Heard(1, True, profile_of("begin", {}))])
    absorb(page, build([Heard(1, False, profile_of("end", {}))]))
    assert {"begin": BitMap([1]), "end": BitMap([1])} == page.dimensions["kind"]


def test_an_emptied_dimension_folds() -> None:
    """A run in which an erasure emptied a dimension folds into an older page that has the dimension."""
    said = profile_of("check", {"version": "1"})
    emptied = merge([build([Heard(2, True, said)]), Segment(gone=BitMap([2]))])
    page = merge([build([Heard(1, True, said)]), emptied])
    assert {"1": BitMap([1])} == page.dimensions["version"]


def test_requests_without_a_client_count() -> None:
    """A ping that names nobody is a request and no client."""
    segment = build([Heard(None, False, profile_of("check", {"version": "1"}))] * 2)
    assert {("check", "1", None, None, None): 2} == dict(segment.requests)
    assert not segment.anyone
    assert {} == segment.dimensions


@pytest.mark.parametrize("size", [10, 20_000])
def test_big_ordinals_are_held(size: int) -> None:
    """Ordinals up to the largest that 32 bits hold go in and come out."""
    ordinals = [2**32 - 1 - n for n in range(size)]
    segment = build([Heard(ordinal, False, profile_of("check", {})) for ordinal in ordinals])
    assert BitMap(ordinals) == decode(encode(segment)).anyone
