"""Signing in with a browser: the one-time password, mistakes, the keyboard, and what a session opens."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import barriers
from tests.browser.complaints import Complaints
from tests.browser.conftest import OpenPage
from tests.browser.visitor import OWNER, PASSWORD, sign_in
from tests.functional.receiver import Receiver


def at(page: Page) -> str:
    """Return the path where a page is."""
    return urlsplit(page.url).path


def test_a_new_owner(page: Page, receiver: Receiver) -> None:
    """With the keyboard alone: the one-time password, one's own, and the page that was asked for."""
    page.goto("/instances?search=x")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(OWNER)
    page.keyboard.press("Tab")
    page.keyboard.type(receiver.announced("Password"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    expect(page.get_by_text("10 to 200 characters")).to_be_visible()
    expect(page.get_by_label("New password", exact=True)).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
    assert "/instances?search=x" == page.url.removeprefix(f"http://127.0.0.1:{receiver.port}")


def test_mistakes(page: Page, receiver: Receiver, complaints: Complaints) -> None:
    """A wrong password is told beside the form, which keeps the name and waits in the field for the password."""
    complaints.expect("status of 401")
    complaints.expect("status of 400")
    page.goto("/")
    page.get_by_label("Name").fill(OWNER)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Name or password is not right.")
    expect(page.get_by_label("Name")).to_have_value(OWNER)
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_accessible_description("Name or password is not right.")
    page.keyboard.type(receiver.announced("Password"))
    page.keyboard.press("Enter")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD + "x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The two new passwords differ.")


def test_changing_the_password(open_page: OpenPage, receiver: Receiver) -> None:
    """Changed from the menu, this browser goes on and another one is signed out."""
    page, other = open_page(), open_page()
    sign_in(page, receiver.announced("Password"), path="/instances")
    sign_in(other, PASSWORD, path="/instances")
    page.get_by_text(OWNER, exact=True).first.click()
    page.get_by_role("link", name="Change password").click()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(PASSWORD + "!")
    page.get_by_label("New password again").fill(PASSWORD + "!")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("heading", name="Password changed")).to_be_visible()
    page.goto("/instances")
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()
    other.goto("/instances")
    assert "/sign-in" == at(other)


def test_signing_out(page: Page, receiver: Receiver) -> None:
    """After signing out, neither the address nor the way back shows what was there."""
    sign_in(page, receiver.announced("Password"), path="/instances")
    page.get_by_text(OWNER, exact=True).first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_url(lambda url: urlsplit(url).query == "next=/instances")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_shared_link(open_page: OpenPage, receiver: Receiver, complaints: Complaints) -> None:
    """A link on another site opens the page in the session; a form there does nothing."""
    complaints.expect("foreign: GET")
    complaints.expect("status of 403")
    page = open_page()
    sign_in(page, receiver.announced("Password"), path="/instances")
    here = f"http://127.0.0.1:{receiver.port}"
    # The same server under another name is another site to the browser.
    foreign = here.replace("127.0.0.1", "127.0.0.2")
    content = (
        f'<a href="{here}/instances">A link</a><form method="post" action="{here}/sign-out"><button>Out</button></form>'
    )
    page.route(f"{foreign}/**", lambda route: route.fulfill(content_type="text/html", body=content))
    page.goto(foreign)
    page.get_by_role("button", name="Out").click()
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    page.goto(foreign)
    page.get_by_role("link", name="A link").click()
    expect(page.get_by_role("heading", name="Instances", exact=True)).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barriers(open_page: OpenPage, receiver: Receiver, complaints: Complaints, theme: str) -> None:
    """The forms and their errors are open to everybody, in both themes."""
    complaints.expect("status of 401")
    complaints.expect("status of 404")
    page = open_page(color_scheme=theme)
    page.goto("/sign-in")
    found = barriers(page)
    page.get_by_label("Name").fill(OWNER)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    found += barriers(page)
    page.get_by_label("Password").fill(receiver.announced("Password"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    found += barriers(page)
    page.goto("/nowhere")
    assert [] == found + barriers(page)
