"""The pages of webhooks in a browser: making one, sending to it, seeing what came, changing and deleting it."""

import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.browser.complaints import Complaints
from tests.browser.conftest import OpenPage
from tests.browser.visitor import sign_in
from tests.functional.receiver import Receiver

NARROW: Final[Any] = {"width": 380, "height": 800}


def make(page: Page) -> str:
    """Make a webhook as it is suggested, and return its address."""
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    return page.locator("#url").inner_text().strip()


def test_from_making_to_deleting(page: Page, receiver: Receiver, complaints: Complaints) -> None:  # 001-25
    """What is sent to the address shown is in the event browser; off it is refused; deleted after a question."""
    complaints.expect("status of 400")
    sign_in(page, receiver.announced("Password"), path="/webhooks")
    url = make(page)
    assert url.startswith(f"http://127.0.0.1:{receiver.port}/hooks/inbound-telemetry/")
    assert 200 == httpx.post(url, json={"any": ["thing"]}).status_code
    page.get_by_role("link", name="Events named telemetry.custom").click()
    page.locator(".timeline summary").first.click()
    assert {"any": ["thing"]} == json.loads(page.locator(".timeline pre").first.inner_text())["properties"]
    page.goto("/webhooks")
    page.get_by_role("button", name="Make the webhook").click()
    expect(page.get_by_role("alert")).to_have_text("The app has a webhook 'inbound-telemetry' already.")
    page.get_by_role("link", name="inbound-telemetry").click()
    page.get_by_label("Active").uncheck()
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_label("Active")).not_to_be_checked()
    assert 403 == httpx.post(url, json={}).status_code
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete the webhook").click()
    expect(page.get_by_text("There is no webhook yet.")).to_be_visible()
    assert 404 == httpx.post(url, json={}).status_code


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers(open_page: OpenPage, receiver: Receiver, theme: str, tmp_path: Path) -> None:
    """The pages are open to everybody, in both themes, and on a small screen nothing is wider than it."""
    page = open_page(color_scheme=theme, viewport=NARROW)
    sign_in(page, receiver.announced("Password"), path="/webhooks")
    make(page)
    for name, path in (("one", page.url), ("list", "/webhooks"), ("delete", "/webhooks/1/delete")):
        page.goto(path)
        assert [] == barriers(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        page.screenshot(path=tmp_path / f"{name}-{theme}.png", full_page=True)
