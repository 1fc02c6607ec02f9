"""What the pages of instances show."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homing.errors import QueryError
from homing.server.dashboard.views_instances import (
    SORTS,
    Place,
    ago,
    controls,
    found_in_words,
    headings,
    instance_id_of,
    instance_path,
    last_report,
    moment,
    place_of,
    rows,
    timeline,
)
from homing.server.stores.base import Entry, Instance

NOW = 1_795_344_295_123


def place(**given: str | list[str]) -> Place:
    """Return the place that parameters name."""
    return place_of({name: [value] if isinstance(value, str) else value for name, value in given.items()})


def asked(address: str) -> dict[str, list[str]]:
    """Return the parameters in an address."""
    return parse_qs(urlsplit(address).query)


def instance(**changes: Any) -> Instance:
    """Return an instance."""
    made = Instance(1, "i", NOW - 86_400_000, NOW, "check", {"version": "1.0", "edition": "pro"}, {}, bound=False)
    return made._replace(**changes)


# Addresses.


def test_a_place_is_its_address() -> None:
    """What stands in an address comes back as it was, and what is usual is left out."""
    whole = {"app": ["a"], "version": ["1", "2"], "search": ["x/&="], "sort": ["first_seen"], "after": ["1:2"]}
    assert whole == asked(place_of(whole).link())
    assert "/instances" == place(search="  ", sort="last_seen", after="", split="kind").link()
    assert "/instances?app=a&search=x" == place(app="a", search=" x ").link()


def test_unknown_sorts_are_refused() -> None:
    """A sort that there is not is a mistake."""
    with pytest.raises(QueryError, match="sort is one of last_seen, first_seen, instance_id"):
        place(sort="version")


@pytest.mark.parametrize(
    ("parameters", "narrowed"),
    [({"app": "a"}, False), ({"search": "x"}, False), ({"version": "1"}, True), ({"range": "week"}, True)],
)
def test_narrowed(parameters: dict[str, str], *, narrowed: bool) -> None:
    """Filters and days choose instances; the app and the search do not."""
    assert narrowed == place(**parameters).is_narrowed


def test_headings_sort() -> None:
    """Three columns sort; the present order is told, and sorting begins the list anew."""
    found = {heading.name: heading for heading in headings(place(app="a", search="x", sort="first_seen", after="1:2"))}
    assert set(SORTS) == {name for name, heading in found.items() if heading.address}
    assert {"first_seen": "descending"} == {name: each.sorted for name, each in found.items() if each.sorted}
    assert {"app": ["a"], "search": ["x"], "sort": ["instance_id"]} == asked(found["instance_id"].address or "")
    assert {"app": ["a"], "search": ["x"]} == asked(found["last_seen"].address or "")


def test_ids_sort_upwards() -> None:
    """Ids are sorted from A, times from the newest."""
    assert "ascending" in [heading.sorted for heading in headings(place(sort="instance_id"))]


def test_controls() -> None:
    """Each way on from a list keeps what it does not change, and begins the list anew."""
    at = place(app="a", version=["1", "2"], platform="linux", range="week", search="x", sort="first_seen", after="1:2")
    made = controls(at, ["a", "b"], chosen="a")
    kept = {"range": ["week"], "search": ["x"], "sort": ["first_seen"]}
    assert [("a", True), ("b", False)] == [(app.text, app.chosen) for app in made.apps]
    assert {**kept, "app": ["b"], "version": ["1", "2"], "platform": ["linux"]} == asked(made.apps[1].address)
    assert [("Version", "1", False), ("Version", "2", True), ("Platform", "linux", False)] == [
        (chip.label, chip.value, chip.joined) for chip in made.chips
    ]
    assert {**kept, "app": ["a"], "version": ["2"], "platform": ["linux"]} == asked(made.chips[0].address)
    assert {"app": ["a"], "sort": ["first_seen"]} == asked(made.everything)
    assert "search" not in asked(made.unsearched)
    assert "after" not in asked(made.beginning)
    assert {"app", "version", "platform", "range", "sort"} == {name for name, _value in made.hidden}


def test_the_last_filter_takes_the_days_along() -> None:
    """Without filters the list is of all instances again, not of those of some days."""
    [chip] = controls(place(app="a", filter="edition:pro", range="week"), ["a"], chosen="a").chips
    assert ("edition", "pro", "/instances?app=a") == (chip.label, chip.value, chip.address)


@pytest.mark.parametrize(
    ("instance_id", "path"),
    [
        ("3920606d-a8be-4b50-a4d0-5237229d2f5c", "/instances/app/3920606d-a8be-4b50-a4d0-5237229d2f5c"),
        ("a.b", "/instances/app/a.b"),
        ("a/b", "/instances/app/a%252Fb"),
        ("..", "/instances/app/%252E%252E"),
        ("50%", "/instances/app/50%2525"),
        ("what?#", "/instances/app/what%3F%23"),
        ("a\\b", "/instances/app/a%255Cb"),
    ],
)
def test_paths(instance_id: str, path: str) -> None:
    """An id is one segment of a path; an ordinary one stands there as it is."""
    assert path == instance_path("app", instance_id)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200))
def test_any_id_comes_back(instance_id: str) -> None:
    """Whatever an instance calls itself, the server finds it again, in one segment that no browser takes apart."""
    segment = instance_path("app", instance_id).removeprefix("/instances/app/")
    arrived = unquote(segment)
    assert not {"/", "\\"} & set(arrived)
    assert arrived not in {".", ".."}
    assert instance_id == instance_id_of(arrived)


def test_apps_in_paths() -> None:
    """An app's name is escaped once: none has a character that parts a path."""
    assert "/instances/my%20app%20%282%29/i" == instance_path("my app (2)", "i")


# What is shown.


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((-5, "just now"), (0, "just now"), (59, "just now"), (60, "1 minute ago"), (119, "1 minute ago")),
        *((120, "2 minutes ago"), (3599, "59 minutes ago"), (3600, "1 hour ago"), (86_399, "23 hours ago")),
        *((86_400, "1 day ago"), (31 * 86_400, "31 days ago"), (1000 * 86_400, "1000 days ago")),
    ],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    """Times are told in their largest unit; a clock that runs ahead is just now."""
    assert words == ago(seconds)


def test_moments() -> None:
    """A time stands there for machines, exactly in UTC, and as seen from now."""
    assert ("2026-11-22T10:44:55.123Z", "2026-11-22 10:44:55 UTC", "2 minutes ago") == moment(NOW, NOW + 120_000)


@pytest.mark.parametrize(
    ("count", "given_", "has_more", "words"),
    [
        (0, {}, False, "No instance"),
        (1, {}, False, "1 instance"),
        (50, {}, True, "More than 50 instances; those heard from last come first"),
        (50, {"sort": "instance_id"}, True, "More than 50 instances; by id"),
        (12, {"after": "1:2"}, False, "12 instances more"),
    ],
)
def test_how_many(count: int, given_: dict[str, str], words: str, *, has_more: bool) -> None:
    """The number is told where it is known, and what comes first where it is not."""
    assert words == found_in_words(count, place(**given_), has_more=has_more)


def test_rows() -> None:
    """A row says what the instance said, and a dash where it said nothing."""
    [row] = rows("app", [instance(instance_id="a/b")], now=NOW)
    assert ("a/b", "/instances/app/a%252Fb") == (row.instance_id, row.address)
    cells = [("version", "1.0"), ("platform", "–"), ("arch", "–"), ("channel", "–"), ("kind", "check")]
    assert cells == row.cells
    assert ("1 day ago", "just now") == (row.first_seen.ago, row.last_seen.ago)


def test_a_dimension_named_like_a_column() -> None:
    """The kind in a row is the ping's, whatever an app calls its own dimensions."""
    [row] = rows("app", [instance(dimensions={"kind": "mine"}, kind="check")], now=NOW)
    assert ("kind", "check") in row.cells


def test_the_last_report() -> None:
    """Core dimensions come first, also those that were not told; then the app's own, by name."""
    told = {"zone": "eu", "version": "1.0", "edition": "pro", "update_state": "latest"}
    report = last_report(instance(dimensions=told, properties={"b": {"ü": 1}}), NOW)
    facts = [("Version", "1.0"), ("Channel", "–"), ("Platform", "–"), ("Architecture", "–")]
    assert [*facts, ("edition", "pro"), ("Update state", "latest"), ("zone", "eu")] == report.facts
    assert '{\n  "b": {\n    "ü": 1\n  }\n}' == report.properties


def test_the_timeline() -> None:
    """An entry says when it was received and just what was told."""
    entry = Entry("i", "update", NOW - 9_000_000, NOW - 60_000, {"platform": "linux", "version": "2"}, {})
    [report] = timeline([entry], NOW)
    assert ("1 minute ago", "update", None) == (report.at.ago, report.kind, report.properties)
    assert [("Version", "2"), ("Platform", "linux")] == report.facts


@pytest.mark.parametrize(
    ("lost", "facts"),
    [
        ({"refused": 1, "full": 20}, [("Events lost", "21 (20 full, 1 refused)")]),
        ({"full": 0, "moved": "3", "name": True}, []),
        ({}, []),
        ("much", []),
    ],
)
def test_losses(lost: object, facts: list[tuple[str, str]]) -> None:
    """What a sender says it lost stands with the report that says so, where it is numbers of events."""
    entry = Entry("i", "heartbeat", NOW, NOW, {}, {"lost": lost})
    [report] = timeline([entry], NOW)
    assert facts == list(report.facts)
    assert facts == [fact for fact in last_report(instance(properties={"lost": lost}), NOW).facts if fact in facts]
