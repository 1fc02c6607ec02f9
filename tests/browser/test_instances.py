"""The pages of instances in a browser: searching as one types, sorting, going on, and releasing a token."""

from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import barriers
from tests.browser.complaints import Complaints
from tests.browser.conftest import OpenPage
from tests.browser.visitor import PASSWORD, sign_in
from tests.functional.receiver import Receiver, until
from tests.receiving import HEARTBEAT, TOKEN, TOKEN_HEADER, heartbeat

COUNT: Final = 120
NARROW: Final[Any] = {"width": 380, "height": 800}


@pytest.fixture
def crowded(receiver: Receiver) -> Receiver:
    """A receiver whose first app has heard from many instances, one of them bound to a token."""
    key, address = receiver.announced("App key"), f"http://127.0.0.1:{receiver.port}"
    names = [*(f"instance-{number:03}" for number in range(COUNT)), "a/b?c", "x" * 200]
    pings = [{"instance_id": name, "kind": "startup", "dimensions": {"version": "1.0"}} for name in names]
    headers = {"Authorization": f"Bearer {key}"}
    assert 200 == httpx.post(f"{address}/v1/pings", json=pings, headers=headers).status_code
    for number in range(25):
        ping = {"instance_id": "a/b?c", "kind": "update", "dimensions": {"version": f"1.{number}"}}
        assert 200 == httpx.post(f"{address}/v1/pings", json=ping, headers=headers).status_code
    body = heartbeat(instanceId="bound")
    beat = httpx.post(f"{address}/in/{key}{HEARTBEAT}", json=body, headers={TOKEN_HEADER: TOKEN})
    assert 200 == beat.status_code
    return receiver


def rows(page: Page) -> Locator:
    """Return the instances in the list."""
    return page.locator("tbody tr:not(.more)")


def test_searching(page: Page, crowded: Receiver) -> None:
    """The list follows what is typed and the address follows the list; the field keeps the focus; it works reloaded."""
    sign_in(page, crowded.announced("Password"), path="/instances")
    expect(rows(page)).to_have_count(50)
    page.get_by_role("searchbox").press_sequentially("nce-11")
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_role("status")).to_have_text("10 instances")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert "search=nce-11" in page.url
    page.reload()
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_role("searchbox")).to_have_value("nce-11")
    page.get_by_role("searchbox").fill("nothing like this")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_role("link", name="Clear the search").click()
    expect(rows(page)).to_have_count(50)


def test_sorting_keeps_the_search(page: Page, crowded: Receiver) -> None:
    """A heading sorts the list that was searched; a further search keeps the order; back undoes it."""
    sign_in(page, crowded.announced("Password"), path="/instances")
    page.get_by_role("searchbox").fill("nce-1")
    expect(rows(page)).to_have_count(20)
    page.get_by_role("link", name="Instance", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Instance")
    expect(rows(page).first).to_contain_text("instance-100")
    expect(page.get_by_role("link", name="Instance", exact=True)).to_be_focused()
    page.get_by_role("searchbox").fill("nce-10")
    expect(rows(page)).to_have_count(10)
    expect(rows(page).first).to_contain_text("instance-100")
    assert "sort=instance_id" in page.url
    page.go_back()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Last seen")


def test_showing_more(page: Page, crowded: Receiver) -> None:
    """More instances are added to the list, and the focus goes to the first of them."""
    sign_in(page, crowded.announced("Password"), path="/instances?sort=instance_id")
    page.get_by_role("link", name="Show more").press("Enter")
    expect(rows(page)).to_have_count(100)
    expect(rows(page).nth(50).get_by_role("link")).to_be_focused()
    page.get_by_role("link", name="Show more").click()
    expect(rows(page)).to_have_count(COUNT + 3)
    expect(page.get_by_role("link", name="Show more")).to_have_count(0)
    assert COUNT + 3 == len(set(rows(page).locator("a.id").all_inner_texts()))


def test_one_instance(page: Page, crowded: Receiver) -> None:
    """From the list to an instance with an unusual id, through its history and back."""
    sign_in(page, crowded.announced("Password"), path="/instances?search=b")
    page.get_by_role("link", name="a/b?c").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("a/b?c")
    expect(page.locator(".timeline .tag")).to_have_count(20)
    page.get_by_role("link", name="Show older").click()
    expect(page.locator(".timeline .tag")).to_have_count(26)
    page.get_by_role("link", name="Instances of first-app").click()
    expect(rows(page)).to_have_count(50)


def test_releasing_a_token(page: Page, crowded: Receiver) -> None:
    """Asked first, and cancelled, nothing happens; confirmed, the page says that it is done."""
    sign_in(page, crowded.announced("Password"), path="/instances/first-app/bound")
    page.get_by_role("link", name="Release the token…").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("Bound: reports with another token are refused.")).to_be_visible()
    page.get_by_role("link", name="Release the token…").click()
    page.get_by_role("button", name="Release the token").click()
    expect(page.locator(".notice")).to_contain_text("The token was released.")
    expect(page.get_by_text("Not bound")).to_be_visible()


def test_a_session_that_ended(open_page: OpenPage, crowded: Receiver, complaints: Complaints) -> None:
    """When the session ends while one types, the sign-in form comes, and leads back to what was typed."""
    complaints.expect("status of 401")
    page = open_page()
    sign_in(page, crowded.announced("Password"), path="/instances")
    other = open_page(storage_state=page.context.storage_state())
    other.goto("/password")
    other.get_by_text("admin", exact=True).first.click()
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in")
    page.get_by_role("searchbox").fill("nce-11")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(10)


def test_what_cannot_be_loaded(page: Page, crowded: Receiver, complaints: Complaints) -> None:
    """When the receiver does not answer, the page says so and shows what it had; the next answer mends it."""
    complaints.expect("failed: GET")
    complaints.expect("console error")
    sign_in(page, crowded.announced("Password"), path="/instances")
    page.route("**/instances?*", lambda route: route.abort())
    page.get_by_role("searchbox").fill("nce-1")
    expect(page.get_by_role("status")).to_contain_text("This could not be loaded")
    expect(rows(page)).to_have_count(50)
    page.unroute("**/instances?*")
    page.get_by_role("searchbox").fill("nce-11")
    expect(rows(page)).to_have_count(10)
    expect(page.get_by_role("status")).to_have_text("10 instances")


def test_without_scripts(open_page: OpenPage, crowded: Receiver) -> None:
    """Searching, sorting and going on are links and forms."""
    page = open_page(java_script_enabled=False)
    sign_in(page, crowded.announced("Password"), path="/instances")
    page.get_by_role("link", name="Instance", exact=True).click()
    page.get_by_role("link", name="Show more").click()
    expect(page.get_by_text("This is not the beginning of the list.")).to_be_visible()
    page.get_by_role("searchbox").fill("nce-11")
    page.get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(10)
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Instance")
    # Without scripts it cannot be asked for its last words.
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers(open_page: OpenPage, crowded: Receiver, theme: str) -> None:
    """The pages are open to everybody, in both themes."""
    page = open_page(color_scheme=theme)
    sign_in(page, crowded.announced("Password"), path="/instances?version=1.0")
    found = barriers(page)
    for path in ("/instances?search=nothing", "/instances/first-app/bound", "/instances/first-app/bound/release"):
        page.goto(path)
        found += barriers(page)
    assert [] == found


def test_narrow(open_page: OpenPage, crowded: Receiver) -> None:
    """On a small screen nothing is wider than the screen, however long an id."""
    page = open_page(viewport=NARROW)
    sign_in(page, crowded.announced("Password"), path="/instances?search=x")
    long = "/instances/first-app/" + "x" * 200
    for path in ("/instances", "/instances?search=x", long, "/instances/first-app/bound", "/password"):
        page.goto(path)
        until(lambda: page.evaluate("document.fonts.status") == "loaded", "Fonts")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
