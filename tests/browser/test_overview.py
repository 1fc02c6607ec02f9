"""The overview in a browser: what one sees, does, and finds again."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from homing.clock import DAY_MS, SystemClock, day_of, iso_day, iso_time
from homing.server.dashboard.views_overview import TOP_ROWS
from tests.browser.axe import barriers
from tests.browser.complaints import Complaints
from tests.browser.conftest import OpenPage
from tests.browser.visitor import PASSWORD, sign_in
from tests.functional.receiver import Receiver

DAYS: Final = 40
INSTANCES: Final = 20
REFRESH_MS: Final = 10_000
WIDE: Final = "2026.11.22-nightly+build.4711.sha.0123456789abcdef0123456789abcdef01234567.dirty.linux-musl-aarch64"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that has heard from many instances, and whose owner has a password."""
    made = Receiver(tmp_path_factory.mktemp("overview")).start()
    try:
        choose_password(made)
        with made.client() as client:
            for back in range(DAYS):
                assert 200 == client.send(*heard(back)).status
        yield made
    finally:
        made.close()
    assert "Traceback" not in made.everything_said(), made.everything_said()


def choose_password(receiver: Receiver) -> None:
    """Change the one-time password."""
    with httpx.Client(base_url=f"http://127.0.0.1:{receiver.port}") as client:
        once = receiver.announced("Password")
        assert client.post("/api/v1/sign-in", json={"name": "admin", "password": once}).is_success
        assert client.post("/api/v1/password", json={"old": once, "new": PASSWORD}).is_success


def heard(back: int) -> list[dict[str, Any]]:
    """Return what was heard `back` days ago; fewer instances the longer ago it was."""
    at = iso_time(SystemClock().now() - back * DAY_MS)
    return [
        {"instance_id": f"i-{n}", "at": at, "dimensions": {k: v for k, v in dimensions(n, back).items() if v}}
        for n in range(INSTANCES - back // 4)
    ]


def dimensions(instance: int, back: int) -> dict[str, str | None]:
    """Return what an instance says about itself."""
    return {
        "version": WIDE if instance == 0 else f"1.{instance}.{(DAYS - back) // 20}",
        "platform": ("linux", "darwin", "win32")[instance % 3],
        "channel": "stable" if instance % 2 else None,
        "database": ("sqlite", "postgresql")[instance % 2],
        "update_state": "latest" if instance < 12 else "outdated",
    }


@pytest.fixture
def overview(page: Page) -> Page:
    """The overview, seen by its owner."""
    sign_in(page, PASSWORD)
    return page


def query(page: Page) -> dict[str, list[str]]:
    """Return what the address asks."""
    return parse_qs(urlsplit(page.url).query)


def figures(page: Page) -> dict[str, str]:
    """Return the numbers of the summary."""
    return {str(card.get_attribute("data-number")): card.inner_text() for card in page.locator(".card .figure").all()}


def shown(page: Page, title: str) -> dict[str, int]:
    """Return the values in a list, those behind "Show all" too."""
    rows = page.locator(".panel", has=page.get_by_role("heading", name=title, exact=True)).locator(".row").all()
    return {
        str(row.locator(".value").text_content()): int(re.sub(r"\D", "", str(row.locator(".count").text_content())))
        for row in rows
    }


def row(page: Page, value: str) -> Locator:
    """Return the link of a value in a list."""
    return page.locator(".row").get_by_role("link", name=re.compile(rf"^{re.escape(value)} ?:"))


def chips(page: Page) -> Locator:
    """Return the filters that are set."""
    return page.locator(".chip")


# Numbers.


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "?range=today",
        "?range=week&platform=linux",
        "?range=month&filter=database:sqlite&channel=(not+reported)",
        "?range=month&version=1.5.1",
    ],
)
def test_numbers_are_those_of_the_api(overview: Page, asked: str) -> None:
    """Every number on the page is the API's answer to the same address."""
    overview.goto(f"/{asked}")
    report = overview.request.get(f"/api/v1/report{asked or '?range=month'}").json()
    summary = {name: number for name, number in report["summary"].items() if number is not None}
    seen = overview.locator("[data-number]").evaluate_all(
        "cards => cards.map(card => [card.dataset.number, card.textContent])"
    )
    assert sorted(str(number) for number in summary.values()) == sorted(number for number, _text in seen)
    assert all(number == re.sub(r"\D", "", text) for number, text in seen)
    titles = {"version": "Versions", "channel": "Channels", "platform": "Platforms", "arch": "Architectures"}
    for name, title in titles.items():
        assert {each["value"]: each["clients"] for each in report["splits"][name]} == shown(overview, title)
    rows = overview.locator("#trend-table tbody tr").all()
    table = [[re.sub(r"[^\d–]", "", cell) for cell in each.locator("td").all_text_contents()] for each in rows]
    names = ("clients", "latest", "outdated", "requests")
    assert table == [
        ["–" if day[name] is None else str(day[name]) for name in names] for day in reversed(report["daily"])
    ]


def test_requests_that_cannot_be_counted(overview: Page) -> None:
    """Under a filter that requests are not counted by, they are a dash with the reason, and cannot be charted."""
    overview.goto("/?filter=database:sqlite")
    card = overview.locator(".card", has_text="Requests")
    expect(card).to_contain_text("–")
    expect(card).to_contain_text("not counted by database")
    expect(overview.get_by_role("button", name="Requests")).to_be_disabled()


def test_comparison(overview: Page) -> None:
    """A period is compared with the one before, in words; where days are missing there is a dash."""
    overview.goto("/?range=week")
    expect(overview.locator(".period")).to_contain_text("Changes are against")
    expect(overview.locator(".card").first.locator(".change")).to_contain_text("from ")
    overview.goto("/?range=month")
    expect(overview.locator(".period")).to_contain_text("No change is shown")
    expect(overview.locator(".card").first.locator(".change")).to_contain_text("–")


def test_chart(overview: Page) -> None:
    """The chart stands, shows either measure, and names a day's numbers under the pointer."""
    chart = overview.locator(".trend")
    expect(chart.locator("canvas")).to_be_visible()
    chart.hover(position={"x": 300, "y": 120})
    tip = overview.locator(".trend-tip")
    expect(tip.get_by_text("Using latest")).to_be_visible()
    overview.get_by_role("button", name="Requests").click()
    expect(overview.get_by_role("button", name="Requests")).to_have_attribute("aria-pressed", "true")
    before = chart.locator("canvas").bounding_box()
    overview.set_viewport_size({"width": 700, "height": 900})
    expect(chart.locator("canvas")).not_to_have_attribute("width", str(int((before or {"width": 0})["width"])))


# Filters, ranges and the address.


def test_filter_share_and_go_back(overview: Page) -> None:
    """A value becomes a filter and part of the address; the address opens the same view; back and forward work."""
    overview.evaluate("window.stays = true")
    row(overview, "linux").click()
    expect(chips(overview)).to_have_text(["Platform linux"])
    assert {"platform": ["linux"]} == query(overview)
    row(overview, "stable").click()
    expect(chips(overview)).to_have_text(["Channel stable", "Platform linux"])
    numbers = figures(overview)

    shared = overview.context.new_page()
    shared.goto(overview.url)
    expect(chips(shared)).to_have_text(["Channel stable", "Platform linux"])
    assert numbers == figures(shared)

    overview.go_back()
    expect(chips(overview)).to_have_text(["Platform linux"])
    expect(overview.locator(".trend canvas")).to_be_visible()
    overview.go_back()
    expect(chips(overview)).to_have_count(0)
    overview.go_forward()
    expect(chips(overview)).to_have_text(["Platform linux"])
    assert overview.evaluate("window.stays"), "The page was never loaded anew."


def test_from_numbers_to_instances(overview: Page) -> None:
    """Whoever is counted can be listed: the page of instances opens with the same filters and as many of them."""
    overview.goto("/?range=today&platform=linux")
    clients = overview.locator(".card", has_text="Unique clients").locator(".figure").inner_text()
    overview.get_by_role("link", name="Show these instances").click()
    overview.wait_for_url(lambda url: urlsplit(url).path == "/instances")
    expect(overview.get_by_text("Platform linux")).to_be_visible()
    expect(overview.locator("tbody tr")).to_have_count(int(clients))


def test_add_filter_by_keyboard(overview: Page) -> None:
    """The menu of filters finds values of every dimension, and is used without a mouse."""
    overview.get_by_text("Add filter").press("Enter")
    search = overview.get_by_label("Search values to filter by")
    expect(search).to_be_focused()
    expect(overview.locator("#choices").get_by_role("link", name="linux", exact=True)).to_be_visible()
    search.press_sequentially("postgr")
    expect(overview.locator("#choices a")).to_have_text(["postgresql"])
    search.press("ArrowDown")
    expect(overview.locator("#choices a").first).to_be_focused()
    overview.keyboard.press("Enter")
    expect(chips(overview)).to_have_text(["database postgresql"])
    expect(overview.locator("#add-filter summary")).to_be_focused()
    expect(overview.locator("#choices")).to_be_hidden()
    assert {"filter": ["database:postgresql"]} == query(overview)


def test_nothing_to_choose(overview: Page) -> None:
    """A search that finds no value says so; Escape closes the menu and gives the focus back."""
    overview.get_by_text("Add filter").click()
    overview.get_by_label("Search values to filter by").fill("no such value")
    expect(overview.locator("#choices")).to_contain_text("No value of this period contains “no such value”.")
    overview.keyboard.press("Escape")
    expect(overview.locator("#choices")).to_be_hidden()
    expect(overview.locator("#add-filter summary")).to_be_focused()


def test_take_filters_off(overview: Page) -> None:
    """A filter is taken off by its chip, and all of them together; the focus stays at the filters."""
    overview.goto("/?platform=linux&channel=stable&version=1.5.1")
    overview.get_by_role("link", name="Remove filter: Platform linux").press("Enter")
    expect(chips(overview)).to_have_text(["Version 1.5.1", "Channel stable"])
    expect(overview.locator("#add-filter summary")).to_be_focused()
    overview.get_by_role("link", name="Clear all").click()
    expect(chips(overview)).to_have_count(0)
    assert {} == query(overview)


def test_ranges(overview: Page) -> None:
    """Each range is one click, and free dates are told to be wrong before anything is asked."""
    overview.get_by_role("link", name="Week").click()
    expect(overview.locator(".period")).to_contain_text("8 days")
    overview.locator("#range summary").click()
    first, last = overview.get_by_label("First day"), overview.get_by_label("Last day")
    expect(first).to_be_focused()
    today = day_of(SystemClock().now())
    first.fill(iso_day(today))
    last.fill(iso_day(today - 3))
    overview.get_by_role("button", name="Show").click()
    expect(overview.get_by_role("alert")).to_have_text("The first day is after the last.")
    assert {"range": ["week"]} == query(overview)
    first.fill(iso_day(today - 5))
    overview.get_by_role("button", name="Show").click()
    expect(overview.locator(".period")).to_contain_text("3 days")
    assert {"from": [iso_day(today - 5)], "to": [iso_day(today - 3)]} == query(overview)


def test_an_address_that_makes_no_sense(overview: Page, complaints: Complaints) -> None:
    """What cannot be understood is said, with a way out."""
    complaints.expect("status of 400")
    overview.goto("/?from=2026-11-09&to=2026-11-01&platform=linux")
    expect(overview.get_by_role("alert").first).to_contain_text("This cannot be shown.")
    overview.get_by_role("link", name="Show the last month").click()
    expect(chips(overview)).to_have_text(["Platform linux"])
    expect(overview.locator(".period")).to_contain_text("31 days")


def test_nothing_matches(overview: Page) -> None:
    """Filters that nobody fits, and days without pings, are told apart; each has a way out."""
    overview.goto("/?version=9.9.9")
    expect(overview.get_by_role("heading", name="No client matches these filters in this period")).to_be_visible()
    overview.get_by_role("link", name="Clear all filters").click()
    expect(overview.locator(".trend canvas")).to_be_visible()
    overview.goto("/?from=2020-01-01&to=2020-01-02")
    expect(overview.get_by_role("heading", name="Nothing was heard in this period")).to_be_visible()
    overview.get_by_role("link", name="Show the last month").click()
    expect(overview.locator(".trend canvas")).to_be_visible()


def test_search_in_a_long_list(overview: Page) -> None:
    """The first versions are shown, the others on demand; a search goes through all of them."""
    panel = overview.locator(".panel", has=overview.get_by_role("heading", name="Versions"))
    seen = panel.locator(".row:visible")
    expect(seen).to_have_count(TOP_ROWS)
    panel.get_by_text("Show all").click()
    total = panel.locator(".row").count()
    expect(seen).to_have_count(total)
    search = panel.get_by_label("Search in Versions")
    for value in (seen.first.locator(".value").text_content(), seen.last.locator(".value").text_content()):
        search.fill(str(value))
        expect(seen).to_have_count(1)
    search.fill("no such")
    expect(panel.get_by_text("No value contains this.")).to_be_visible()
    search.fill("")
    expect(seen).to_have_count(TOP_ROWS)


# Refreshing.


@pytest.fixture
def timed(page: Page) -> Page:
    """The overview, whose time only passes when a test says so."""
    page.clock.install()
    sign_in(page, PASSWORD)
    return page


def test_refreshes_in_place(timed: Page, receiver: Receiver) -> None:
    """New pings appear by themselves; what has the focus, is open or was typed stays, and so does the place."""
    search = timed.get_by_label("Search in Versions")
    search.fill("1.1")
    visible = timed.locator(".panel .row:visible").count()
    timed.locator("#trend-table summary").click()
    search.focus()
    timed.evaluate("scrollTo(0, 400)")
    place = timed.evaluate("scrollY")
    before = int(timed.locator("[data-number]").first.get_attribute("data-number") or 0)
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "i-1"}).status
    timed.clock.fast_forward(REFRESH_MS)
    expect(timed.locator("[data-number]").first).to_have_attribute("data-number", str(before + 1))
    expect(search).to_be_focused()
    expect(search).to_have_value("1.1")
    expect(timed.locator(".panel .row:visible")).to_have_count(visible)
    expect(timed.locator("#trend-table table")).to_be_visible()
    assert place == timed.evaluate("scrollY")


def test_refreshes_what_is_asked(timed: Page) -> None:
    """A refresh asks what the address says, also after filters came and went and one went back."""
    row(timed, "linux").click()
    expect(chips(timed)).to_have_count(1)
    row(timed, "stable").click()
    expect(chips(timed)).to_have_count(2)
    timed.go_back()
    expect(chips(timed)).to_have_count(1)
    with timed.expect_response("**/*platform=linux*") as told:
        timed.clock.fast_forward(REFRESH_MS)
    assert {"platform": ["linux"]} == parse_qs(urlsplit(told.value.url).query)
    expect(chips(timed)).to_have_text(["Platform linux"])
    timed.get_by_text("Add filter").click()
    timed.clock.fast_forward(1000)
    timed.locator("#choices").get_by_role("link", name="postgresql").click()
    expect(chips(timed)).to_have_text(["Platform linux", "database postgresql"])


def test_says_when_it_cannot_refresh(timed: Page, complaints: Complaints) -> None:
    """A refresh that fails is told with both times, and the next one that works takes it back."""
    complaints.expect("failed: GET .*ERR_FAILED|htmx:|status of|net::ERR_FAILED")
    said = timed.get_by_role("status")
    expect(timed.locator("[data-updated]")).to_contain_text("Updated ")
    timed.route("**/", lambda route: route.abort())
    timed.clock.fast_forward(REFRESH_MS)
    expect(said).to_have_text(re.compile(r"^Could not refresh at \d\d:\d\d:\d\d; showing numbers of \d\d:\d\d:\d\d\.$"))
    timed.unroute("**/")
    timed.clock.fast_forward(REFRESH_MS)
    expect(said).to_have_text("")
    expect(timed.locator("[data-updated]")).to_be_visible()


def test_rests_while_nobody_looks(timed: Page) -> None:
    """A tab in the background asks for nothing; it refreshes once it is looked at again."""
    timed.evaluate("Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => 'hidden'})")
    asked: list[str] = []
    timed.on("request", lambda request: asked.append(request.resource_type))
    timed.clock.fast_forward(5 * REFRESH_MS)
    timed.evaluate("new Promise((done) => queueMicrotask(done))")
    assert "xhr" not in asked
    with timed.expect_response("**/"):
        timed.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")


def test_session_ends(timed: Page, complaints: Complaints) -> None:
    """When the session is over, a refresh leads to the sign-in page, and from there back to the same view."""
    complaints.expect("status of 401|htmx:")
    row(timed, "linux").click()
    expect(chips(timed)).to_have_count(1)
    timed.context.clear_cookies()
    timed.clock.fast_forward(REFRESH_MS)
    timed.wait_for_url(lambda url: urlsplit(url).path == "/sign-in")
    assert ["/?platform=linux"] == query(timed)["next"]


# A new user.


class TestNewUser:
    """What somebody sees who starts with nothing."""

    @pytest.fixture
    def origin(self, fresh: Receiver) -> str:
        """Where the pages of the fresh receiver come from."""
        return f"http://127.0.0.1:{fresh.port}"

    def test_first_ping(self, page: Page, fresh: Receiver, tmp_path: Path) -> None:
        """Sign in, change the password, see how to connect, run those very lines, and watch the ping arrive."""
        sign_in(page, fresh.announced("Password"))
        expect(page.get_by_text("Waiting for the first ping of first-app")).to_be_visible()
        expect(page.locator("#send-key")).to_have_text(fresh.key)
        assert [] == barriers(page)
        page.set_viewport_size({"width": 380, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        page.evaluate("window.stays = true")
        run_python(page.locator("#connect-python-text").inner_text(), tmp_path)
        expect(page.locator(".card", has_text="Unique clients").locator(".figure")).to_have_text("1")
        expect(page.locator(".trend canvas")).to_be_visible()
        row(page, "1.0.0").click()
        expect(chips(page)).to_have_text(["Version 1.0.0"])
        page.go_back()
        expect(chips(page)).to_have_count(0)
        assert page.evaluate("window.stays"), "The page was never loaded anew."

    def test_curl(self, page: Page, fresh: Receiver) -> None:
        """The line for a terminal does what it says."""
        sign_in(page, fresh.announced("Password"))
        line = page.locator("#connect-curl-text").inner_text()
        done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=30, check=False)
        assert {"results": [{"outcome": "accepted"}]} == json.loads(done.stdout), done.stderr
        expect(page.locator(".card", has_text="Requests").locator(".figure")).to_have_text("1")

    def test_copy(self, page: Page, fresh: Receiver) -> None:
        """The key is copied by its button."""
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        sign_in(page, fresh.announced("Password"))
        page.get_by_role("button", name="Copy").first.click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert fresh.key == page.evaluate("navigator.clipboard.readText()")


def run_python(text: str, directory: Path) -> None:
    """Run a program as an application would, with consent and without what a build server sets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = {**kept, "XDG_STATE_HOME": str(directory / "state")}
    done = subprocess.run(
        [sys.executable, "-c", text], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert 0 == done.returncode, done.stderr


# Themes, sizes, keys.


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?filter=database:sqlite&version=1.5.1", "/?version=9.9.9"])
def test_no_barriers(open_page: OpenPage, theme: str, path: str) -> None:
    """Axe finds nothing in either theme, also with everything opened."""
    page = open_page(color_scheme=theme)
    sign_in(page, PASSWORD, path=path)
    for summary in page.locator("details.more > summary").all():
        summary.click()
    page.get_by_text("Add filter").click()
    expect(page.locator("#choices a").first).to_be_visible()
    assert [] == barriers(page)


def test_theme_switch(overview: Page) -> None:
    """The switch goes from the system's theme to light and dark, is remembered, and the chart follows."""
    ground: Callable[[], str] = lambda: str(  # noqa: E731 - asked three times
        overview.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    )
    switch = overview.get_by_role("button", name="Theme")
    expect(switch).to_have_accessible_name("Theme: system")
    light = ground()
    picture = overview.locator(".trend").screenshot()
    switch.click()
    switch.click()
    expect(switch).to_have_accessible_name("Theme: dark")
    assert light != ground()
    assert picture != overview.locator(".trend").screenshot()
    overview.reload()
    expect(switch).to_have_accessible_name("Theme: dark")
    assert light != ground()
    switch.click()
    expect(switch).to_have_accessible_name("Theme: system")
    assert light == ground()


@pytest.mark.parametrize("width", [380, 700, 1024, 1440])
def test_fits(open_page: OpenPage, width: int) -> None:
    """No page is wider than its window, whatever is open on it, and no menu leaves the window."""
    page = open_page(viewport={"width": width, "height": 900})
    sign_in(page, PASSWORD, path=f"/?platform=linux&platform=darwin&channel=stable&version={WIDE.replace('+', '%2B')}")
    page.goto("/?platform=linux&platform=darwin&channel=stable")
    for menu in ("#add-filter", "#range", ".bar .menu"):
        page.locator(f"{menu} > summary").click()
        box = page.locator(f"{menu} > .menu-body").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    for summary in page.locator("details.more > summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys(overview: Page) -> None:
    """The first stop leads past the navigation; what has the focus can be seen; menus close with Escape."""
    overview.keyboard.press("Tab")
    expect(overview.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(overview.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    overview.keyboard.press("Enter")
    expect(overview.get_by_role("main")).to_be_focused()
    overview.keyboard.press("Tab")
    expect(overview.get_by_role("link", name="Today")).to_be_focused()
    outline = overview.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert "solid" == outline
    menu = overview.locator(".bar .menu")
    menu.locator("summary").press("Enter")
    expect(menu.get_by_role("link", name="Change password")).to_be_visible()
    overview.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Change password")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
