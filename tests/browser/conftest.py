"""Pages in a browser: what it complains about fails the test, whatever else the test looks at."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import chromium
from tests.browser.complaints import Complaints
from tests.functional.receiver import Receiver

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of a browser slow."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module. It ends there, since tests elsewhere run asyncio in the same thread."""
    with chromium() as made:
        yield made


@pytest.fixture
def receiver(fresh: Receiver) -> Receiver:
    """What pages are opened of; modules with data give their own."""
    return fresh


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that nobody has used; its owner has a one-time password."""
    made = Receiver(tmp_path).start()
    try:
        yield made
    finally:
        made.close()
    assert "Traceback" not in made.everything_said(), made.everything_said()


@pytest.fixture
def origin(receiver: Receiver) -> str:
    """Where pages come from, and the only place they may ask; a test of another server gives its own."""
    return f"http://127.0.0.1:{receiver.port}"


@pytest.fixture
def complaints(origin: str) -> Complaints:
    """What the browser complains about; a test says here what it provokes."""
    return Complaints(origin)


@pytest.fixture
def open_page(browser: Browser, origin: str, complaints: Complaints) -> Iterator[OpenPage]:
    """Opens pages, each in a context of its own: `open_page(color_scheme="dark", viewport=...)`."""
    contexts = []

    def open_one(**how: Any) -> Page:
        context = browser.new_context(base_url=origin, **how)
        contexts.append(context)
        context.set_default_timeout(10_000)
        complaints.listen(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        complaints.close(context)
    complaints.check()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """An empty page; relative addresses lead to the receiver."""
    return open_page()
