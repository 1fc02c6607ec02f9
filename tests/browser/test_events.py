"""The pages of events in a browser: the list, the numbers of one, and its payloads as received."""

import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.browser.conftest import OpenPage
from tests.browser.visitor import sign_in
from tests.functional.receiver import Receiver

NARROW: Final[Any] = {"width": 380, "height": 800}
STRANGE: Final = "a name/with ?&# and " + "x" * 60


@pytest.fixture
def busy(receiver: Receiver) -> Receiver:
    """A receiver that was sent some events, one of them often and with contents."""
    pings = [
        {"instance_id": f"i-{number % 3}", "kind": "exported", "dimensions": {"version": "1.0"}, "n": number}
        for number in range(25)
    ]
    pings.append({"instance_id": "i-1", "kind": STRANGE, "dimensions": {"version": "2.0"}})
    headers = {"Authorization": f"Bearer {receiver.announced('App key')}"}
    for sent in (pings[:24], pings[24:]):
        reply = httpx.post(f"http://127.0.0.1:{receiver.port}/v1/pings", json=sent, headers=headers)
        assert 200 == reply.status_code
    return receiver


def test_from_the_list_to_a_payload(page: Page, busy: Receiver) -> None:
    """Each event has its counts; one has a chart, a table, its versions and what was received, older ones on demand."""
    sign_in(page, busy.announced("Password"), path="/events")
    row = page.get_by_role("row").filter(has_text="exported")
    assert ["3", "25"] == row.locator(".number").all_inner_texts()
    row.get_by_role("link").click()
    expect(page.locator("[data-chart] canvas")).to_be_visible()
    page.get_by_role("button", name="Requests").click()
    page.get_by_text("Show as table").click()
    today = page.get_by_role("region", name="Numbers of each day").get_by_role("row").nth(1)
    assert ["3", "25"] == today.locator(".number").all_inner_texts()
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    payloads = page.locator(".timeline > li:not(.more)")
    expect(payloads).to_have_count(20)
    payloads.first.get_by_text("Payload").click()
    shown = json.loads(payloads.first.locator("pre").inner_text())
    assert ("i-0", "exported", 24) == (shown["instance_id"], shown["kind"], shown["properties"]["n"])
    page.get_by_role("link", name="Show older").press("Enter")
    expect(payloads).to_have_count(25)
    expect(payloads.nth(20)).to_be_focused()
    payloads.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("i-0")


def test_a_strange_name(page: Page, busy: Receiver) -> None:
    """Whatever an event is called, its page is reached; its days can be chosen there."""
    sign_in(page, busy.announced("Password"), path="/events")
    page.get_by_role("link", name=STRANGE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(STRANGE)
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(STRANGE)
    expect(page.get_by_role("link", name="Today")).to_have_attribute("aria-current", "true")


def test_nothing_yet(page: Page, receiver: Receiver) -> None:
    """Where nothing was heard, the page says what an event is."""
    sign_in(page, receiver.announced("Password"), path="/events")
    expect(page.get_by_role("heading", name="No event in this period")).to_be_visible()
    assert [] == barriers(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers(open_page: OpenPage, busy: Receiver, theme: str, tmp_path: Path) -> None:
    """The pages are open to everybody, in both themes, and on a small screen nothing is wider than it."""
    page = open_page(color_scheme=theme, viewport=NARROW)
    sign_in(page, busy.announced("Password"), path="/events")
    for number, path in enumerate(("/events", "/events?kind=exported", f"/events?kind={STRANGE[:6]}")):
        page.goto(path, wait_until="networkidle")
        assert [] == barriers(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        page.screenshot(path=tmp_path / f"{number}-{theme}.png", full_page=True)
