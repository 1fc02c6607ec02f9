"""Files that pages load, as a browser gets them."""

import json
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response

from homing.server.dashboard.assets import PREFIX, read_assets
from tests.shape.source import ROOT

TRANSFERS: Final = "performance.getEntriesByType('resource').map((each) => [each.name, each.transferSize])"


def transfers(page: Page) -> dict[str, int]:
    """Return what the page loaded, with the bytes that came over the wire for it."""
    return {urlsplit(url).path: size for url, size in page.evaluate(TRANSFERS)}


def styles_and_scripts(page: Page) -> dict[str, int]:
    """Return those transfers that a page waits for: its icon is fetched when the browser finds the time."""
    return {path: size for path, size in transfers(page).items() if path.endswith((".css", ".js"))}


def test_a_page_loads_what_it_needs(page: Page) -> None:
    """A page that nobody has seen before loads its files compressed, and without a complaint."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright marks what it is given
    page.goto("/sign-in")
    files = [each for each in answers if urlsplit(each.url).path.startswith(PREFIX)]
    assert {".css", ".js"} <= {"." + each.url.rpartition(".")[2] for each in files}
    assert {200} == {each.status for each in files}
    large = [each.headers for each in files if int(each.headers["content-length"]) > 1024]
    assert {"gzip"} == {headers["content-encoding"] for headers in large}


def test_files_are_kept(page: Page) -> None:
    """The next page asks for none of them again."""
    page.goto("/sign-in")
    first = styles_and_scripts(page)
    assert first
    assert all(size > 0 for size in first.values())
    page.goto("/sign-in?next=/instances")
    assert dict.fromkeys(first, 0) == styles_and_scripts(page)


def test_libraries_run_under_the_policy(page: Page) -> None:
    """The browser libraries start in a page as strict as ours, in the versions that are pinned."""
    assets = read_assets()
    page.goto("/sign-in")
    for name in ("echarts.common.min.js", "htmx.min.js"):
        page.add_script_tag(url=assets.url(name))
    pinned: dict[str, Any] = json.loads((ROOT / "frontend" / "package.json").read_text(encoding="utf-8"))
    running = page.evaluate("({echarts: echarts.version, 'htmx.org': htmx.version})")
    assert pinned["dependencies"] == running
