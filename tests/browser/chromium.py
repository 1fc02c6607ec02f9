"""Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS: Final = (
    # Containers have little shared memory.
    "--disable-dev-shm-usage",
    # Nothing that a test does leaves the machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # Pictures are the same wherever they are taken.
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
)

AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
NO_ROBOT: Final = (f"--user-agent={AGENT}", "--disable-blink-features=AutomationControlled")
"""Further arguments for pages with posthog-js, which counts no robots."""


def executable() -> str:
    """Return where Chromium is."""
    found = filter(None, map(shutil.which, NAMES))
    path = next(found, None)
    assert path is not None, "Chromium is missing. On Debian, as root: apt-get install chromium"
    return path


@contextmanager
def chromium(*further: str) -> Iterator[Browser]:
    """Run a browser, with further arguments of its command line.

    Until it ends, asyncio runs nothing else in this thread: Playwright keeps its own loop there, half way through.
    """
    # Chromium's sandbox refuses to work for root.
    arguments = [*ARGUMENTS, *further, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()
