"""What asks on the overview: each control shows what is asked, and leads where it says."""

from homing.clock import parse_day
from homing.ping import NOT_REPORTED
from homing.server.dashboard.views_address import Address
from homing.server.dashboard.views_controls import Controls, choices, controls, filters_of

TODAY = parse_day("2026-11-22")
APPS = ["one", "two"]


def address_of(text: str) -> Address:
    """Return the address with these parameters."""
    given: dict[str, list[str]] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        given.setdefault(name, []).append(value)
    return Address.of(given)


def controlled(address: str = "", *, days: range | None = None) -> Controls:
    """Return the controls at an address."""
    return controls(address_of(address), APPS, days=days)


def test_ranges() -> None:
    """The range that is asked for is marked, a month where none is given, none where dates are."""
    chosen = {text: [o.text for o in controlled(text).ranges if o.chosen] for text in ("", "range=today", "to=x")}
    assert {"": ["Month"], "range=today": ["Today"], "to=x": []} == chosen
    assert "/?range=week&version=1" == controlled("from=2026-11-01&version=1").ranges[1].address


def test_dates() -> None:
    """The form of dates holds the days shown; those that are not understood stand there as they were given."""
    days = range(TODAY - 1, TODAY + 1)
    made = controlled("range=today&version=1", days=days)
    assert ("2026-11-21", "2026-11-22", False, [("version", "1")]) == (made.first, made.last, made.custom, made.hidden)
    wrong = controlled("from=2026-11-09&to=never")
    assert ("2026-11-09", "never", True, []) == (wrong.first, wrong.last, wrong.custom, wrong.hidden)


def test_apps() -> None:
    """All apps or one can be chosen; several are named."""
    made = controlled("version=1")
    assert ("All apps", ["/?version=1", "/?app=one&version=1", "/?app=two&version=1"]) == (
        made.app,
        [option.address for option in made.apps],
    )
    assert [False, True, False] == [option.chosen for option in controlled("app=one").apps]
    assert "one, two" == controlled("app=one&app=two").app


def test_instances() -> None:
    """Who is counted can be listed where one app is asked about, with the same filters and days."""
    assert "/instances?app=one&range=week&version=1" == controlled("app=one&version=1&range=week&split=kind").instances
    assert "/instances?app=one" == controls(address_of(""), ["one"], days=None).instances
    assert [None, None] == [controlled(address).instances for address in ("", "app=one&app=two")]


def test_chips() -> None:
    """Each filter is a chip that leads to the page without it; those of one dimension stand together."""
    made = controlled("version=1&platform=linux&version=2&filter=edition:pro&range=week")
    assert [
        ("Version", "1", "/?range=week&version=2&platform=linux&filter=edition%3Apro", False),
        ("Version", "2", "/?range=week&version=1&platform=linux&filter=edition%3Apro", True),
        ("Platform", "linux", "/?range=week&version=1&version=2&filter=edition%3Apro", False),
        ("edition", "pro", "/?range=week&version=1&version=2&platform=linux", False),
    ] == made.chips
    assert "/?range=week" == made.cleared


def test_filters_written_twice() -> None:
    """A filter that stands in an address twice, in either way, is one chip."""
    assert [("version", "1"), ("platform", "mac")] == filters_of(
        address_of("version=1&platform=mac&filter=version:1&version=1")
    )


def test_choices() -> None:
    """What can be filtered by has its address, and `(not reported)` where the search allows it."""
    found = {"version": ["2", "1"], "kind": ["check"], "edition": ["pro"]}
    made = {choice.name: choice for choice in choices(found, address_of("version=1"), search="")}
    assert [("2", False), ("1", True), (NOT_REPORTED, False)] == [(o.text, o.chosen) for o in made["version"].options]
    assert "/?version=1&filter=edition%3Apro" == made["edition"].options[0].address
    assert ["check"] == [option.text for option in made["kind"].options]
    searched = choices(found, address_of(""), search="ver")
    assert [True, False, False] == [NOT_REPORTED in [o.text for o in choice.options] for choice in searched]
