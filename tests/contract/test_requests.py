"""Requests are plain counts, by what they were counted by and by nothing else."""

import pytest

from homing.errors import StoreUnsupported
from tests.contract.site import Site


@pytest.fixture
def busy(site: Site) -> Site:
    """A site after a few requests."""
    site.record(
        site.ping("a", version="1", platform="linux"),
        site.ping("a", version="2", platform="linux", kind="check"),
        site.ping("b", version="1", channel="beta", arch="x64", days=-1),
        site.ping(None, size="s"),
        site.ping("c", app=site.other_app, version="1"),
    )
    return site


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("kind", {"heartbeat": 3, "check": 1}),
        ("version", {"1": 2, "2": 1, None: 1}),
        ("platform", {"linux": 2, None: 2}),
        ("channel", {"beta": 1, None: 3}),
        ("arch", {"x64": 1, None: 3}),
    ],
)
def test_requests_are_counted_by(busy: Site, by: str, expected: dict[str | None, int]) -> None:
    """Each request counts once by its kind and by each core dimension, None where it gave no value."""
    assert expected == busy.requests(by)


def test_requests_are_counted_by_day(busy: Site) -> None:
    """The day is that of the ping's own time; days without requests are left out."""
    assert {busy.today: 3, busy.today - 1: 1} == busy.requests("day")


def test_filters_bind_together(busy: Site) -> None:
    """A request fits when every filter has its value, None among them."""
    assert {busy.today: 1} == busy.requests(filters={"version": ["1"], "platform": ["linux"]})
    assert {"1": 2, None: 1} == busy.requests("version", filters={"version": ["1", None], "kind": ["heartbeat"]})
    assert {} == busy.requests(filters={"version": []})


def test_apps_add_up(busy: Site) -> None:
    """Several apps are added, an app without requests adds nothing."""
    empty = busy.add_app(busy.owner, "empty")
    apps = [busy.app, busy.other_app, empty]
    assert {"1": 3, "2": 1, None: 1} == busy.reader.requests(
        busy.owner, apps, days=list(busy.days()), filters={}, by="version"
    )


@pytest.mark.parametrize(("filters", "by"), [({"size": ["s"]}, "day"), ({}, "size"), ({"day": ["1"]}, "kind")])
def test_anything_else_is_refused_by_name(busy: Site, filters: dict[str, list[str | None]], by: str) -> None:
    """A store that does not count requests by something says so instead of giving an unfiltered number."""
    name = next(iter(filters), by)
    with pytest.raises(StoreUnsupported, match=f"'{name}'"):
        busy.requests(by, filters=filters)
