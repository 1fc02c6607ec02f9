"""The official `posthog-js`, unmodified, in pages of Chromium, against a running receiver."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browser.chromium import NO_ROBOT, chromium
from tests.browser.complaints import Complaints
from tests.browser.site import QUIET_SECONDS, Application, Collector, served
from tests.functional.clients.conftest import Place
from tests.functional.clients.stored import check
from tests.functional.receiver import until

pytestmark = pytest.mark.slow

BARE: Final = "/bare"
"""A page without the library."""

HTML: Final = """<!doctype html>
<html lang="en"><head><title>{path}</title>{head}</head><body><a href="/second">second</a></body></html>"""

HEAD: Final = """<script src="{library}"></script><script>
posthog.init({key}, Object.assign({given}, {{ before_send(event) {{
    const sent = JSON.parse(localStorage.getItem("sent") ?? "[]")
    localStorage.setItem("sent", JSON.stringify([...sent, event]))
    return event
}} }}))</script>"""

POLICY: Final = "default-src 'none'; script-src 'unsafe-inline' {library} {receiver}; connect-src {receiver}"

STARTED: Final = "!!window.posthog?.__loaded"
SENT: Final = "JSON.parse(localStorage.getItem('sent') ?? '[]')"

GZIP, PLAIN, BASE64 = "text/plain", "application/json", "application/x-www-form-urlencoded"
"""The media types that the library gives to bodies in each form."""

MODES: Final = [
    pytest.param({}, GZIP, id="gzip"),
    pytest.param({"disable_compression": True}, PLAIN, id="plain"),
    pytest.param({"request_batching": False}, GZIP, id="one-by-one"),
    pytest.param({"api_transport": "XHR"}, GZIP, id="xhr"),
    pytest.param({"api_transport": "sendBeacon"}, GZIP, id="beacon"),
    pytest.param({"api_transport": "sendBeacon", "disable_compression": True}, BASE64, id="beacon-base64"),
]

Serve = Callable[..., None]


class Asked(NamedTuple):
    """One answer that a page had of the receiver."""

    path: str
    status: int
    cookie: str | None
    media_type: str
    """That of what was sent."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that says nothing of who drives it: posthog-js counts no robots."""
    with chromium(*NO_ROBOT) as made:
        yield made


@pytest.fixture
def library() -> Iterator[Collector]:
    """What serves the library as npm brought it."""
    made = Collector()
    with served(made):
        yield made
    assert all(path.startswith("/npm/") for path in made.asked)


@pytest.fixture
def application() -> Iterator[Application]:
    """A site whose pages have no library, as yet."""
    made = Application(lambda path: (HTML.format(path=path, head=""), "default-src 'none'"))
    with served(made):
        yield made


@pytest.fixture
def origin(application: Application) -> str:
    """Where pages come from."""
    return application.url


@pytest.fixture
def complaints(application: Application, library: Collector, place: Place) -> Complaints:
    """What the browser complains about; pages may ask the site, the library's server and the receiver."""
    return Complaints(application.url, library.url, place.url)


@pytest.fixture
def serve(application: Application, library: Collector, place: Place) -> Serve:
    """Gives the site's pages the library, with a key and what a maker may choose."""

    def begin(*, key: str = place.key, host: str = place.url, **given: Any) -> None:
        source = f"{library.url}/npm/posthog-js/dist/array.js"
        settings = {"api_host": host, "capture_pageleave": True, **given}
        head = HEAD.format(library=source, key=json.dumps(key), given=json.dumps(settings))
        policy = POLICY.format(library=library.url, receiver=place.url)
        application.page = lambda path: (HTML.format(path=path, head="" if path == BARE else head), policy)

    return begin


@pytest.fixture
def asked(page: Page, place: Place) -> Iterator[list[Asked]]:
    """What the receiver answered to the page; no answer may have set a cookie."""
    found: list[Asked] = []

    def note(response: Response) -> None:
        if response.url.startswith(place.url):
            path = urlsplit(response.url).path
            media_type = response.request.headers.get("content-type", "")
            found.append(Asked(path, response.status, response.headers.get("set-cookie"), media_type))

    page.on("response", note)
    yield found
    assert [] == [each for each in found if each.cookie is not None]


def begin(page: Page, path: str) -> None:
    """Open a page, and wait until the library has begun."""
    page.goto(path)
    wait(page, path)


def wait(page: Page, path: str) -> None:
    """Wait until the library has begun on a page."""
    page.wait_for_url(path)
    until(lambda: page.evaluate(STARTED), "The library")


def hear(page: Page, asked: list[Asked], which: Callable[[Asked], bool]) -> None:
    """Wait for an answer; Playwright tells of what came meanwhile whenever it is called."""
    until(lambda: page.evaluate("true") and any(map(which, asked)), "The answer")


def leave(page: Page) -> list[dict[str, Any]]:
    """Leave the site; return what its pages handed to the library's last step before sending."""
    page.goto(BARE)
    found: list[dict[str, Any]] = page.evaluate(SENT)
    return found


def arrive(place: Place, sent: list[dict[str, Any]]) -> None:
    """Wait until everything is stored, and compare."""
    until(lambda: len(place.entries()) >= len(sent), "Every event")
    check(place, sent)


def names(events: list[dict[str, Any]]) -> list[str]:
    """Return the names of events in the order in which they were made."""
    return [event["event"] for event in events]


@pytest.mark.parametrize(("given", "media_type"), MODES)
def test_views_and_leaves(
    serve: Serve, place: Place, page: Page, asked: list[Asked], given: dict[str, Any], media_type: str
) -> None:
    """Events, views and leaves of pages arrive, each once, as they were made."""
    # 004-01 004-06 004-08
    serve(**given)
    begin(page, "/first")
    page.evaluate("posthog.capture('ordered', {size: 5, nested: {list: [1, null, '\\u00e9']}})")
    page.click("a")
    wait(page, "/second")
    sent = leave(page)
    assert ["$pageview", "ordered", "$pageleave", "$pageview", "$pageleave"] == names(sent)
    arrive(place, sent)
    [instance] = place.instances().values()
    assert media_type in {each.media_type for each in asked if each.path == "/e/"}
    assert {"lib": "web", "browser": "Chrome", "platform": "Linux"}.items() <= instance.dimensions.items()
    assert {200} == {each.status for each in asked}


def test_a_key_in_the_address(serve: Serve, place: Place, page: Page, asked: list[Asked]) -> None:
    """The product may keep its own project key; the address says which app it is."""
    serve(key="phc_of_the_product", host=f"{place.url}/in/{place.key}")
    begin(page, "/first")
    sent = leave(page)
    assert ["$pageview", "$pageleave"] == names(sent)
    arrive(place, sent)
    assert {200} == {each.status for each in asked}


def test_people_and_groups(serve: Serve, place: Place, page: Page) -> None:
    """What is told of people and groups arrives as events of the ones that are named; so do errors."""
    serve(capture_pageview=False, capture_pageleave=False)
    begin(page, "/first")
    page.evaluate("posthog.capture('before')")
    page.evaluate("posthog.identify('user-7', {plan: 'free'}, {first: 'today'})")
    page.evaluate("posthog.group('company', 'acme', {size: 5})")
    page.evaluate("posthog.captureException(new Error('seen in a page'))")
    page.evaluate("posthog.reset()")
    page.evaluate("posthog.capture('after')")
    sent = leave(page)
    assert ["before", "$identify", "$groupidentify", "$exception", "after"] == names(sent)
    arrive(place, sent)
    assert 3 == len(place.instances())
    assert "user-7" in place.instances()


@pytest.mark.parametrize("by_default", [False, True])
def test_opted_out(serve: Serve, place: Place, page: Page, asked: list[Asked], *, by_default: bool) -> None:
    """Nothing is sent of one who opted out, on later pages too; after a yes it is."""
    serve(opt_out_capturing_by_default=by_default, capture_pageview=by_default)
    begin(page, "/first")
    if not by_default:
        page.evaluate("posthog.opt_out_capturing()")
    page.evaluate("posthog.capture('refused')")
    page.click("a")
    wait(page, "/second")
    page.evaluate("posthog.capture('refused')")
    assert [] == leave(page)
    assert [] == [each for each in asked if each.path == "/e/"]
    assert [] == place.entries()
    begin(page, "/third")
    page.evaluate("posthog.opt_in_capturing()")
    page.evaluate("posthog.capture('accepted')")
    sent = leave(page)
    assert {"$opt_in", "accepted"} <= set(names(sent))
    arrive(place, sent)


def test_flags_and_configuration(serve: Serve, place: Place, page: Page, asked: list[Asked]) -> None:
    """The library asks for its configuration and for flags, hears that there are none, and asks nothing else."""
    serve()
    begin(page, "/first")
    page.evaluate("posthog.reloadFeatureFlags()")
    hear(page, asked, lambda each: each.path == "/flags/")
    assert [[], None] == page.evaluate("[posthog.featureFlags.getFlags(), posthog.getFeatureFlag('x') ?? null]")
    arrive(place, leave(page))
    assert {f"/array/{place.key}/config.js", "/flags/", "/e/"} == {each.path for each in asked}
    assert {200} == {each.status for each in asked}


def test_a_wrong_key(serve: Serve, place: Place, page: Page, asked: list[Asked], complaints: Complaints) -> None:
    """The library is told once, gives up, and nothing is stored."""
    complaints.expect("status of 401")
    page.clock.install()
    serve(key="phc_nobody", capture_pageleave=False)
    begin(page, "/first")
    hear(page, asked, lambda each: each.status == 401)
    page.clock.fast_forward("10:00")
    time.sleep(QUIET_SECONDS)
    page.evaluate(STARTED)
    assert ["/e/"] == [each.path for each in asked if each.status == 401]
    assert [] == place.entries()
