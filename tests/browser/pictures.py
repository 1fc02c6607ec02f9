"""Takes pictures of the pages, to be looked at: `python -m tests.browser.pictures FOLDER`.

They are those of a fresh receiver, or with `--address` and `--password` those of one that runs.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Final, Literal, NamedTuple

from playwright.sync_api import Browser, StorageState

from tests.browser.chromium import chromium
from tests.browser.visitor import OWNER, PASSWORD, sign_in
from tests.functional.receiver import Receiver

Theme = Literal["light", "dark"]

WIDTHS: Final = (1440, 1024, 380)
HEIGHT: Final = 900
THEMES: Final[Sequence[Theme]] = ("light", "dark")


class Shown(NamedTuple):
    """A row: a page, what its pictures are called, and whether the owner looks or a stranger."""

    path: str
    name: str
    signed_in: bool = True


PAGES: Final = (
    Shown("/sign-in", "sign-in", signed_in=False),
    Shown("/password", "password"),
    Shown("/", "overview"),
    Shown("/?range=today", "overview-today"),
    Shown("/?version=nobody", "overview-no-match"),
    Shown("/?range=never", "overview-problem"),
    Shown("/instances", "instances"),
    Shown("/apps", "apps"),
    Shown("/apps/first-app", "connect"),
    Shown("/apps/first-app?product=seqdesk", "connect-seqdesk"),
    Shown("/apps/first-app/settings", "app-settings"),
    Shown("/apps/first-app/keys/1/rotate", "key-rotate"),
    Shown("/apps/first-app/retire", "app-retire"),
    Shown("/events", "events"),
    Shown("/live", "live"),
    Shown("/webhooks", "webhooks"),
    Shown("/nowhere", "problem"),
)
"""What there is to be seen."""


class Camera(NamedTuple):
    """A browser, the receiver it looks at, and its owner's session."""

    browser: Browser
    address: str
    session: StorageState

    def take(self, shown: Shown, target: Path, *, width: int, theme: Theme) -> None:
        """Take a picture of a whole page."""
        with self.browser.new_context(
            base_url=self.address,
            storage_state=self.session if shown.signed_in else None,
            viewport={"width": width, "height": HEIGHT},
            color_scheme=theme,
            reduced_motion="reduce",
        ) as context:
            page = context.new_page()
            page.goto(shown.path, wait_until="networkidle")
            page.screenshot(path=target, full_page=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Take all pictures, and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--address", help="of a running receiver, such as http://127.0.0.1:8400")
    parser.add_argument("--password", default=PASSWORD, help=f"of its owner {OWNER}; a one-time password is changed")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    with _receiver(given.address, given.password) as (address, password), chromium() as browser:
        camera = Camera(browser, address, session(browser, address, password=password))
        for shown, width, theme in product(PAGES, WIDTHS, THEMES):
            target = given.folder / f"{shown.name}-{width}-{theme}.png"
            camera.take(shown, target, width=width, theme=theme)
            sys.stdout.write(f"{target}\n")


@contextmanager
def _receiver(address: str | None, password: str) -> Iterator[tuple[str, str]]:
    """Return the address of a receiver and its owner's password, of a fresh one where no address is given."""
    if address is not None:
        yield address, password
        return
    with tempfile.TemporaryDirectory() as directory:
        receiver = Receiver(Path(directory)).start()
        try:
            yield f"http://127.0.0.1:{receiver.port}", receiver.announced("Password")
        finally:
            receiver.close()


def session(browser: Browser, address: str, *, password: str) -> StorageState:
    """Return what a browser keeps of an owner who is signed in."""
    with browser.new_context(base_url=address) as context:
        sign_in(context.new_page(), password)
        return context.storage_state()


if __name__ == "__main__":
    main()
