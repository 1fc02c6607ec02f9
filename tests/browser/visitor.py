"""What a visitor does on many pages."""

from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Page

OWNER: Final = "admin"
PASSWORD: Final = "a password of ten and more"


def sign_in(page: Page, password: str, *, path: str = "/") -> None:
    """Go to a page by way of the sign-in form; a one-time password becomes `PASSWORD` on the way."""
    page.goto(path)
    page.get_by_label("Name").fill(OWNER)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    if urlsplit(page.url).path == "/password":
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password again").fill(PASSWORD)
        page.get_by_role("button", name="Choose a password").click()
    page.wait_for_url(lambda url: urlsplit(url)[2:] == urlsplit(path)[2:])
