"""The pages that an application mounts, in a browser: by hand, by keyboard, without scripts, in both themes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import barriers
from tests.browser.complaints import Complaints
from tests.browser.conftest import OpenPage
from tests.functional.receiver import until
from tests.functional.sdk.example import ADMIN, SETUP, Example, example
from tests.functional.sdk.listener import Listener, listener

WIDTH = 380


@pytest.fixture
def there() -> Iterator[Listener]:
    """The maker's receiver."""
    with listener() as running:
        yield running


@pytest.fixture
def running(request: pytest.FixtureRequest, tmp_path: Path, there: Listener) -> Iterator[Example]:
    """An application that is set up; a test may give what its environment holds."""
    held = getattr(request, "param", {})
    with example("starlette_app", tmp_path / "own", endpoint=there.url, **held) as found:
        found.marker.touch()
        yield found


@pytest.fixture
def origin(running: Example) -> str:
    """Where pages come from, and the only place they may ask."""
    return running.url


def sign_in(page: Page, path: str) -> None:
    """Sign in to the example, and go to a page of it."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.goto(path)


def told(page: Page) -> str:
    """Return what the page says was done, or went wrong."""
    return page.locator("[data-notice]").first.inner_text()


def test_the_whole_way(page: Page, there: Listener) -> None:
    """Enable, test, change, and switch off: in place, and what is said has the focus."""
    sign_in(page, ADMIN)
    page.get_by_role("button", name="Enable telemetry").click()
    expect(page.get_by_role("status")).to_have_text("Telemetry is on. The first ping leaves within one interval.")
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_text("Nothing is sent until you decide")).to_have_count(0)
    page.get_by_text("What each field is for").click()
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("status")).to_have_text("The test was sent, and the receiver took it.")
    expect(page.get_by_text("Lets an installation count once")).to_be_visible()
    assert 1 == len(there.received)
    page.get_by_label("Interval").fill("12")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved. It holds from now on.")
    expect(page.get_by_label("Interval")).to_have_value("12")
    page.get_by_label("Operational telemetry", exact=True).uncheck()
    expect(page.locator(".state")).to_have_text("Off")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Test")).to_be_disabled()
    page.reload()
    expect(page.get_by_label("Operational telemetry", exact=True)).not_to_be_checked()


def test_mistakes(page: Page, complaints: Complaints) -> None:
    """They are told at the top and at the field, and what was typed stays."""
    complaints.expect("status of 400")
    sign_in(page, ADMIN)
    page.get_by_label("Interval").fill("500")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("Nothing was saved. Interval must be a whole number from 1 to 168.")
    expect(page.get_by_label("Interval")).to_have_value("500")
    description = re.compile("Interval must be a whole number from 1 to 168.")
    expect(page.get_by_label("Interval")).to_have_accessible_description(description)


def test_copying(open_page: OpenPage) -> None:
    """The short id is copied whole; so is the one on the page Server."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, ADMIN)
    page.get_by_role("button", name="Enable telemetry").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    whole = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"[0-9a-f-]{36}", whole)
    page.get_by_role("link", name="Server").click()
    expect(page.get_by_text(whole)).to_be_visible()
    page.get_by_text("Make another id").click()
    page.get_by_role("button", name="Replace the id").click()
    expect(page.get_by_role("status")).to_have_text("There is another id from now on.")
    expect(page.get_by_text(whole)).to_have_count(0)


def test_without_scripts(browser: Browser, origin: str, there: Listener) -> None:
    """Everything but copying works as plain forms."""
    # Not by the harness, which asks every page for its last words.
    with browser.new_context(base_url=origin, java_script_enabled=False) as context:
        plain_forms(context.new_page(), there)


def plain_forms(page: Page, there: Listener) -> None:
    """Go through the page with forms alone."""
    sign_in(page, ADMIN)
    page.get_by_role("button", name="Enable telemetry").click()
    page.wait_for_url("**/?done=enabled")
    assert "Telemetry is on" in told(page)
    page.get_by_role("button", name="Test").click()
    page.wait_for_url("**/?done=tested")
    assert 1 == len(there.received)
    page.get_by_label("Interval").fill("500")
    page.get_by_role("button", name="Save").click()
    assert "Nothing was saved." in told(page)
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)


def test_by_keyboard(page: Page) -> None:
    """Set up with the keyboard alone: the box, the button, and on to the host's own page."""
    sign_in(page, SETUP)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    expect(page.get_by_role("heading", name="Acme")).to_be_visible()
    page.goto(ADMIN)
    expect(page.get_by_label("Operational telemetry", exact=True)).to_be_checked()


def test_signed_out(page: Page, complaints: Complaints) -> None:
    """When the session is over a form changes nothing, and the page says to sign in."""
    complaints.expect("status of 401")
    sign_in(page, ADMIN)
    page.context.clear_cookies()
    page.get_by_role("button", name="Enable telemetry").click()
    expect(page.get_by_role("heading", name="Sign in as an administrator first.")).to_be_visible()


def test_a_page_of_another_site(page: Page, running: Example, complaints: Complaints) -> None:
    """Its form reaches the administrator's session and is refused."""
    complaints.expect("foreign: GET")
    complaints.expect("status of 40[13]")
    sign_in(page, ADMIN)
    foreign = running.url.replace("127.0.0.1", "127.0.0.2")
    form = f'<form method="post" action="{running.url}{ADMIN}"><button name="do" value="enable">Win</button></form>'
    page.route(f"{foreign}/**", lambda route: route.fulfill(content_type="text/html", body=form))
    page.goto(foreign)
    page.get_by_role("button", name="Win").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("another site|Sign in as an administrator"))
    page.goto(ADMIN)
    expect(page.get_by_text("Nothing is sent until you decide")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers(open_page: OpenPage, complaints: Complaints, there: Listener, theme: str) -> None:
    """Every page and state is open to everybody, in both themes, and nothing is wider than a narrow screen."""
    complaints.expect("status of 400")
    page = open_page(color_scheme=theme, viewport={"width": WIDTH, "height": 800})
    found = []

    def look() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
        found.extend(barriers(page))

    sign_in(page, SETUP)
    look()
    page.goto(ADMIN)
    look()
    page.get_by_role("button", name="Enable telemetry").click()
    page.get_by_role("button", name="Test").click()
    until(lambda: there.received, "The test")
    expect(page.get_by_text("What was last sent")).to_be_visible()
    for summary in page.locator("summary").all():
        summary.click()
    look()
    page.get_by_label("Interval").fill("500")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look()
    page.goto(f"{ADMIN}server")
    look()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(ADMIN)
    assert [] == found + barriers(page)


@pytest.mark.parametrize("running", [{"telemetry_enabled": "true", "telemetry_interval_hours": "12"}], indirect=True)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers_where_it_is_locked(open_page: OpenPage, theme: str) -> None:
    """Locked controls can be read too."""
    page = open_page(color_scheme=theme)
    sign_in(page, ADMIN)
    expect(page.get_by_text("Set by HOMING_TELEMETRY_ENABLED; change it there.")).to_be_visible()
    expect(page.get_by_label("Interval")).to_be_disabled()
    assert [] == barriers(page)
