"""Evaluating sets over buckets, compared with a plain log."""

from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from homing.server.counting.evaluate import days_asked, evaluate, requests_by
from homing.server.counting.labels import bit, labelled
from homing.server.counting.memo import Memo
from homing.server.counting.page import Page
from homing.server.counting.segment import Heard, build, profile_of
from homing.server.counting.sets import EVERY_DAY, Set, anyone, first, marked, plan, seen, union
from tests.oracle import CORE, Log, Said

BITS = 2
LARGE = 1 << 20
APPS, DAYS = (1, 2), (7, 8)
PLACES = [(app, day) for app in APPS for day in DAYS]
VALUES = ("1", "2", None)


def logs() -> st.SearchStrategy[Log]:
    """Draw what a few clients said to two apps on two days."""
    said = st.builds(
        lambda place, client, new, kind, version: Said(
            place[0],
            place[1],
            client,
            new and client is not None,
            kind,
            {} if version is None else {"version": version},
            (kind, version, None, None, None),
        ),
        st.sampled_from(PLACES),
        st.one_of(st.integers(1, 11), st.none()),
        st.booleans(),
        st.sampled_from(["check", "clicked"]),
        st.sampled_from(VALUES),
    )
    return st.lists(said, max_size=30).map(_log_of)


def _log_of(said: list[Said]) -> Log:
    log = Log()
    log.said = said
    return log


def sets() -> st.SearchStrategy[Set]:
    """Draw any set over the same apps and days."""
    app, day, more = st.sampled_from(APPS), st.sampled_from(DAYS), st.sampled_from([0, 1, 2])
    under = [("version", value) for value in VALUES] + [("kind", kind) for kind in ("check", "clicked", None)]
    leaves = st.one_of(
        st.builds(lambda app, day, n: anyone(app, day, to=day + n), app, day, more),
        st.builds(lambda app, day, n: first(app, day, to=day + n), app, day, more),
        st.builds(lambda app, day, n, pair: seen(app, day, *pair, to=day + n), app, day, more, st.sampled_from(under)),
    )
    return st.recursive(
        leaves,
        lambda parts: st.one_of(
            st.builds(lambda a, b: a & b, parts, parts),
            st.builds(lambda a, b: a - b, parts, parts),
            st.lists(parts, max_size=4).map(union),
            st.lists(parts, max_size=3).map(lambda each: Set("and", tuple(each))),
        ),
        max_leaves=10,
    )


def pages_of(log: Log, bucket: int) -> dict[tuple[int, int], Page]:
    """Return the pages of one bucket."""
    pages = {}
    for app, day in {(each.app, each.day) for each in log.said}:
        heard = [
            Heard(each.client, each.new, profile_of(each.kind, each.dimensions))
            for each in log.of(app, day)
            if (each.client or 0) >> BITS == bucket
        ]
        if heard:
            pages[(app, day)] = Page(1, [build(heard)])
    return pages


def counted(log: Log, asked: list[Set]) -> list[int]:
    """Count sets bucket by bucket, twice over: an evaluation must not change what it was given."""
    totals = [0] * len(asked)
    memo = Memo(LARGE)
    for bucket in range(4):
        pages = pages_of(log, bucket)
        once = evaluated(pages, asked, memo)
        assert once == evaluated(pages, asked, memo)
        totals = [total + len(found) for total, found in zip(totals, once, strict=True)]
    return totals


def evaluated(pages: dict[tuple[int, int], Page], asked: list[Set], memo: Memo) -> list[BitMap]:
    """Evaluate sets in one bucket."""
    return evaluate(plan(asked), lambda app, day: pages.get((app, day)), memo=memo)


@given(logs(), st.lists(sets(), min_size=1, max_size=5))
def test_any_set_over_buckets(log: Log, asked: list[Set]) -> None:
    """The count of any set is the sum over its disjoint buckets."""
    assert [len(log.members(each)) for each in asked] == counted(log, asked)


@given(logs())
def test_a_range_unites_clients(log: Log) -> None:
    """Totals over days and apps never add, and a filter binds within one app and day."""
    filtered = union([anyone(*place) & seen(*place, "version", "1") for place in PLACES])
    everyone = {each.client for each in log.said} - {None}
    under: set[int | None] = set()
    for place in PLACES:
        last = {each.client: each.dimensions["version"] for each in log.of(*place) if each.dimensions}
        under |= {client for client, version in last.items() if client is not None and version == "1"}
    assert [len(everyone), len(under)] == counted(log, [union([anyone(*place) for place in PLACES]), filtered])


@given(st.lists(logs(), min_size=1, max_size=4), st.lists(sets(), min_size=1, max_size=4), st.sampled_from([1, LARGE]))
def test_what_is_remembered_is_never_out_of_date(said: list[Log], asked: list[Set], most_bytes: int) -> None:
    """While pages grow, a memo kept all along gives what working everything out anew gives."""
    memo = Memo(most_bytes)
    pages: dict[tuple[int, int], Page] = {}
    for last, log in enumerate(said, start=2):
        for place, newer in pages_of(log, 0).items():
            pages.setdefault(place, Page(1, [])).absorb(last, newer.folded)
        assert evaluated(pages, asked, Memo(0)) == evaluated(pages, asked, memo)


def test_a_label_is_never_out_of_date() -> None:
    """Who bears a label may change while the days do not, and is found where labels stand."""
    labels, memo = Page(1, [labelled([(1, 0, bit("ci")), (3, 0, bit("settled"))])]), Memo(LARGE)
    asked = [union([marked(1, "ci"), anyone(1, 1)]), marked(1, "settled"), marked(2, "ci")]
    pages = {(1, EVERY_DAY): labels}
    before = evaluated(pages, asked, memo)
    labels.absorb(2, labelled([(2, 0, bit("ci")), (1, bit("ci"), 0), (3, bit("settled"), bit("settled") | bit("ci"))]))
    assert [BitMap([1]), BitMap([3]), BitMap()] == before
    assert [BitMap([2, 3]), BitMap([3]), BitMap()] == evaluated(pages, asked, memo)


FILTERS = st.dictionaries(
    st.sampled_from(["kind", "version", "arch"]), st.lists(st.sampled_from(["check", *VALUES]), max_size=2), max_size=2
)


@given(logs(), FILTERS, st.sampled_from(["day", "kind", "version", "arch"]))
def test_requests_add_up(log: Log, filters: Mapping[str, list[str | None]], by: str) -> None:
    """Requests are added over apps, days and buckets, by any part of their combination."""
    columns = ("kind", *CORE)

    def pages() -> Iterator[tuple[int, Page]]:
        for bucket in range(4):
            yield from ((day, page) for (_app, day), page in pages_of(log, bucket).items())

    places = {columns.index(name): frozenset(wanted) for name, wanted in filters.items()}
    found = requests_by(pages(), places, by=None if by == "day" else columns.index(by))
    assert log.requests(PLACES, filters, by) == found


def test_the_days_of_a_plan() -> None:
    """A plan names every app and day that it needs, and where the labels of an app stand."""
    asked = plan([anyone(1, 2) & seen(3, 4, "version", None), first(5, 6, to=8) - marked(7, "ci")])
    assert {(1, 2), (3, 4), (5, 6), (5, 7), (5, 8), (7, EVERY_DAY)} == days_asked(asked)


def test_shared_bitmaps_stay_as_they_are() -> None:
    """Combining a page's own bitmaps leaves the page alone."""
    page = Page(1, [build([Heard(n, True, profile_of("check", {})) for n in (1, 2)])])
    asked = plan([union([anyone(1, 1), anyone(1, 2)]), anyone(1, 1) - anyone(1, 2), Set("and", (anyone(1, 1),))])
    found = evaluate(asked, lambda _app, day: page if day == 1 else None, memo=Memo(0))
    found[0] |= BitMap([9])
    found[1] |= BitMap([9])
    found[2] |= BitMap([9])
    assert BitMap([1, 2]) == page.folded.anyone
