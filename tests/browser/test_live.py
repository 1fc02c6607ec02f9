"""The live page in a browser: pings appear as they come, and can be paused and chosen."""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import barriers
from tests.browser.conftest import OpenPage
from tests.browser.visitor import sign_in
from tests.functional.receiver import Receiver

NARROW: Final[Any] = {"width": 380, "height": 800}


def send(receiver: Receiver, instance: str, **more: Any) -> int:
    """Send a ping, and return the status of the answer."""
    headers = {"Authorization": f"Bearer {receiver.announced('App key')}"}
    body = {"instance_id": instance, "kind": "begin", **more}
    return httpx.post(f"http://127.0.0.1:{receiver.port}/v1/pings", json=body, headers=headers).status_code


def rows(page: Page) -> Locator:
    """Return the pings in the list."""
    return page.locator("#live tbody tr")


def test_as_they_come(page: Page, receiver: Receiver) -> None:
    """Pings and refusals appear by themselves, with reasons; paused nothing does; each outcome can be shown alone."""
    sign_in(page, receiver.announced("Password"), path="/live")
    expect(page.get_by_role("heading", name="Nothing yet")).to_be_visible()
    assert 200 == send(receiver, "one")
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("accepted")
    assert 400 == send(receiver, "two", kind="(other)")
    expect(rows(page).first).to_contain_text("The kind must have 1 to 100 characters")
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    send(receiver, "three")
    page.wait_for_timeout(2500)
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name="Pause").press("Enter")
    expect(rows(page)).to_have_count(3)
    page.get_by_role("link", name="Refused").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="Accepted").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("link", name="three").focus()
    send(receiver, "four")
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("link", name="three")).to_be_focused()
    page.get_by_role("link", name="three").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("three")


def test_whose_they_are(page: Page, receiver: Receiver) -> None:
    """What came with a key that nobody has is shown to nobody."""
    sign_in(page, receiver.announced("Password"), path="/live")
    stranger = httpx.post(f"http://127.0.0.1:{receiver.port}/v1/pings", json={}, headers={"Authorization": "Bearer x"})
    assert 401 == stranger.status_code
    send(receiver, "ours")
    expect(rows(page)).to_have_count(1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers(open_page: OpenPage, receiver: Receiver, theme: str, tmp_path: Path) -> None:
    """The page is open to everybody, in both themes, and on a small screen nothing is wider than it."""
    page = open_page(color_scheme=theme, viewport=NARROW)
    send(receiver, "i" * 100)
    send(receiver, "two", kind="(other)")
    sign_in(page, receiver.announced("Password"), path="/live")
    expect(rows(page)).to_have_count(2)
    assert [] == barriers(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.screenshot(path=tmp_path / f"live-{theme}.png", full_page=True)
