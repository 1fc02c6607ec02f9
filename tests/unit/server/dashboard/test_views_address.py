"""Addresses of the overview: one view has one, and each asks the question that it shows."""

from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from homing.ping import NOT_REPORTED
from homing.server.dashboard.views_address import Address
from homing.server.query.question import PARAMETERS, Filters, parse

APPS = {"one": 1, "two": 2}
TODAY = 20_000

values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
dimensions = st.sampled_from(["version", "kind", "update_state", "database", "a:b", "c d"])


def filters(address: Address) -> Filters:
    """Return the filters of the question that an address asks."""
    return parse(1, APPS, given=address.given(), today=TODAY).filters


def test_the_plain_address() -> None:
    """Without parameters the address is the page's path."""
    assert "/" == str(Address.of({}))


def test_one_order() -> None:
    """However the parameters are ordered the address is the same, and what is no parameter is left out."""
    one = Address.of({"platform": ["linux"], "app": ["two", "one"], "utm_source": ["mail"]})
    other = Address.of({"app": ["two", "one"], "platform": ["linux"]})
    assert one == other
    assert "/?app=two&app=one&platform=linux" == str(one)


def test_another_path() -> None:
    """The same question can be asked under another path."""
    assert "/filters?version=1" == Address.of({"version": ["1"]}).to("/filters")
    assert "/filters" == Address.of({}).to("/filters")


def test_days() -> None:
    """Other days take the place of those before, however they were written."""
    assert "/?range=week&version=1" == str(Address.of({"from": ["2026-11-01"], "version": ["1"]}).days(range="week"))
    free = Address.of({"range": ["week"]}).days(**{"from": "2026-11-01", "to": "2026-11-02"})
    assert "/?from=2026-11-01&to=2026-11-02" == str(free)
    assert "/" == str(free.days())


def test_putting() -> None:
    """A parameter is replaced where it stands."""
    assert "/?app=one&version=1" == str(Address.of({"app": ["two"], "version": ["1"]}).putting("app", "one"))


@given(st.lists(st.tuples(dimensions.filter(lambda name: ":" not in name), values), max_size=4))
def test_filters_are_added(pairs: list[tuple[str, str]]) -> None:
    """The question of an address has every filter that was added, once; its text leads to the very same address."""
    address = Address.of({})
    for name, value in [*pairs, *pairs]:
        address = address.filtered(name, value)
    asked = {(name, value) for name, among in filters(address) for value in among}
    assert {(name, None if value == NOT_REPORTED else value) for name, value in pairs} == asked
    assert len(set(pairs)) == len(address.pairs)
    assert address == Address.of(parse_qs(str(address).partition("?")[2], keep_blank_values=True))


@given(dimensions, values | st.none())
def test_filters_are_taken_off(name: str, value: str | None) -> None:
    """A filter that was added can be taken off again, and no other with it."""
    begin = Address.of({"version": ["a value that nobody has"], "range": ["week"]})
    assert begin == begin.filtered(name, value).unfiltered(name, value)


def test_either_way_of_writing_is_taken_off() -> None:
    """A dimension with a parameter of its own may also have been written as `filter`."""
    both = Address.of({"version": ["1"], "filter": ["version:1", "version:2"]})
    assert "/?filter=version%3A2" == str(both.unfiltered("version", "1"))


def test_every_parameter_is_kept() -> None:
    """No parameter of a question is lost on the way."""
    everything = {row.name: ["x"] for row in PARAMETERS}
    assert everything == Address.of(everything).given()
