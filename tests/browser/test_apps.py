"""The pages of apps in a browser: making one, connecting it with the very line shown, rotating a key, retiring."""

import json
import subprocess
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.browser.complaints import Complaints
from tests.browser.conftest import OpenPage
from tests.browser.visitor import sign_in
from tests.functional.receiver import Receiver

NARROW: Final[Any] = {"width": 380, "height": 800}


def run_shown(page: Page, step: str) -> dict[str, Any]:
    """Run a line of the page in a shell, and return the JSON that came back."""
    line = page.locator(f"#{step}").inner_text()
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=30, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_making_and_connecting(page: Page, receiver: Receiver, complaints: Complaints) -> None:
    """A new app waits; the line for SeqDesk is run in a terminal, and the page shows what came without being loaded."""
    complaints.expect("status of 400")
    sign_in(page, receiver.announced("Password"), path="/apps")
    page.get_by_label("Name").fill("first-app")
    page.get_by_role("button", name="Make the app").click()
    expect(page.get_by_role("alert")).to_have_text("There is an app 'first-app' already.")
    expect(page.get_by_label("Name")).to_have_value("first-app")
    page.get_by_label("Name").fill("Second (beta)")
    page.get_by_label("Own dimensions").fill("edition, plan")
    page.get_by_role("button", name="Make the app").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Second (beta)")
    expect(page.locator("#arrival")).to_contain_text("Waiting for the first ping of Second (beta)")
    page.get_by_role("link", name="SeqDesk").click()
    expect(page.locator("#seqdesk-variables")).to_contain_text("SEQDESK_TELEMETRY_ENABLED=true")
    address = page.locator("#address-text").inner_text()
    assert f"SEQDESK_TELEMETRY_ENDPOINT={address}" in page.locator("#seqdesk-variables").inner_text()
    assert address == json.loads(page.locator("#seqdesk-file").inner_text())["telemetry"]["endpoint"]
    page.evaluate("window.stays = true")
    assert {"outcome": "accepted"} == run_shown(page, "seqdesk-curl")
    expect(page.locator("#arrival")).to_contain_text("Second (beta) is connected.")
    expect(page.locator("#arrival")).to_contain_text("version 1.1.130")
    assert page.evaluate("window.stays"), "The page was never loaded anew."
    page.get_by_role("link", name="3f1c0f0a-1111-4222-8333-444455556666").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3f1c0f0a-1111-4222-8333-444455556666")


def test_a_receiver_that_is_gone(page: Page, receiver: Receiver, complaints: Complaints) -> None:
    """While nobody answers the page says so, and what it shows stays."""
    complaints.expect("ERR_CONNECTION_REFUSED")
    complaints.expect("htmx")
    sign_in(page, receiver.announced("Password"), path="/apps/first-app")
    receiver.stop()
    expect(page.locator("[data-failure]")).to_contain_text("Could not ask at")
    expect(page.locator("#arrival")).to_contain_text("Waiting for the first ping")


def test_rotating_a_key(page: Page, receiver: Receiver) -> None:
    """Rotated, two keys stand there, one with its end; kept, it has none; revoked now, it is gone from the list."""
    sign_in(page, receiver.announced("Password"), path="/apps/first-app/settings")
    page.get_by_role("link", name="Rotate… key 1").click()
    expect(page.get_by_label("In 7 days")).to_be_checked()
    page.get_by_role("button", name="Rotate the key").click()
    expect(page.locator(".key")).to_have_count(2)
    expect(page.locator("#key-1 .ending")).to_have_text("ends in 7 days")
    page.get_by_role("button", name="Keep it key 1").click()
    expect(page.get_by_role("status")).to_have_text("The key goes on.")
    expect(page.locator(".ending")).to_have_count(0)
    page.get_by_role("link", name="Revoke… key 1").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.locator(".key")).to_have_count(1)
    expect(page.locator(".ended summary")).to_have_text("1 key that ended")


def test_a_bearer_key_and_its_demand(page: Page, receiver: Receiver, complaints: Complaints) -> None:
    """A bearer key is shown once; demanded, the shown line needs it, and with it the ping is taken."""
    complaints.expect("status of 400")
    sign_in(page, receiver.announced("Password"), path="/apps/first-app/settings")
    page.get_by_role("button", name="Demand a bearer token").click()
    expect(page.get_by_role("alert")).to_contain_text("Make a bearer key first")
    page.get_by_label("Bearer").check()
    page.get_by_role("button", name="Add the key").click()
    token = page.locator("#new-key").inner_text()
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text(token)).to_have_count(0)
    page.get_by_role("button", name="Demand a bearer token").click()
    expect(page.get_by_text("This app demands a bearer token:")).to_be_visible()
    page.get_by_role("link", name="Connect").click()
    line = page.locator("#connect-curl-text").inner_text()
    assert "hm_bearer_…" in line
    done = subprocess.run(
        ["/bin/sh", "-c", line.replace("hm_bearer_…", token)], capture_output=True, text=True, timeout=30, check=False
    )
    assert {"results": [{"outcome": "accepted"}]} == json.loads(done.stdout)
    page.get_by_role("link", name="SeqDesk").click()
    assert "bearer_missing" == run_shown(page, "seqdesk-curl")["outcome"]


def test_retiring(page: Page, receiver: Receiver) -> None:
    """It takes the name; the page of a retired app says so, and brings it back."""
    sign_in(page, receiver.announced("Password"), path="/apps/first-app/settings")
    page.get_by_role("link", name="Retire the app…").click()
    page.get_by_label("Type the name").fill("first-app")
    page.get_by_role("button", name="Retire the app").click()
    expect(page.get_by_role("status")).to_contain_text("The app is retired")
    page.get_by_role("link", name="Connect").click()
    expect(page.get_by_text("This app is retired")).to_be_visible()
    assert "app_retired" == run_shown(page, "connect-curl-text")["outcome"]
    page.get_by_role("link", name="Bring it back").click()
    page.get_by_role("button", name="Bring the app back").click()
    expect(page.get_by_role("status")).to_have_text("The app takes pings again.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_barriers(open_page: OpenPage, receiver: Receiver, scheme: str) -> None:
    """Every page of apps is free of barriers in both themes, and fits a narrow window."""
    page = open_page(color_scheme=scheme)
    page.set_viewport_size(NARROW)
    sign_in(page, receiver.announced("Password"), path="/apps")
    receiver.run("app", "key", "first-app", "--rotate", "1")
    for path in ("", "/first-app", "/first-app?product=seqdesk", "/first-app/settings", "/first-app/retire"):
        page.goto(f"/apps{path}")
        assert [] == barriers(page), path
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
    page.goto("/apps/first-app/keys/1/revoke")
    assert [] == barriers(page)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_label("Read").check()
    page.get_by_role("button", name="Add the key").click()
    assert [] == barriers(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_with_the_keyboard(page: Page, receiver: Receiver, complaints: Complaints) -> None:
    """Products are chosen, and forms sent, without a mouse."""
    complaints.expect("status of 400")
    sign_in(page, receiver.announced("Password"), path="/apps/first-app")
    page.get_by_role("link", name="SeqDesk").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#seqdesk-file")).to_be_visible()
    page.goto("/apps/first-app/retire")
    expect(page.get_by_label("Type the name")).to_be_focused()
    page.keyboard.type("nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the name of this app: nothing was changed.")
