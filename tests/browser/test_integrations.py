"""What the browser tells PostHog and Sentry of an application's pages, with their own libraries from npm."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from homing import Integrations, Telemetry
from tests.browser.chromium import NO_ROBOT, chromium
from tests.browser.complaints import Complaints
from tests.browser.site import QUIET_SECONDS, Application, Collector, sentry_modules, served
from tests.outside_ci import outside_ci

__all__ = ["outside_ci"]

NONCE: Final = "bm9uY2U="
HTML: Final = """<!doctype html>
<html lang="en"><head><title>{path}</title>{head}{snippet}</head><body>
<div data-homing="ask" hidden>May we? <button data-homing="accept">Yes</button><button data-homing="reject">No</button>
</div>
<a href="/next">next</a>
</body></html>"""

BUNDLE: Final = """<script type="importmap" nonce="{nonce}">{map}</script><script type="module" nonce="{nonce}">
import * as Sentry from "@sentry/browser"; window.Sentry = Sentry;</script>"""

SENTRY_BEGAN: Final = "!!window.Sentry?.getClient?.()"
VIEWS: Final = ("$pageview", "$pageleave")

Serve = Callable[..., Integrations]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that says nothing of who drives it."""
    with chromium(*NO_ROBOT) as made:
        yield made


@pytest.fixture
def collector() -> Iterator[Collector]:
    """What pages send to."""
    made = Collector()
    with served(made):
        yield made


@pytest.fixture
def application() -> Iterator[Application]:
    """An application without integrations, as yet."""
    made = Application(lambda path: (HTML.format(path=path, head="", snippet=""), "default-src 'none'"))
    with served(made):
        yield made


@pytest.fixture
def origin(application: Application) -> str:
    """Where pages come from."""
    return application.url


@pytest.fixture
def complaints(application: Application, collector: Collector) -> Complaints:
    """What the browser complains about; pages may ask the application and the collector."""
    return Complaints(application.url, collector.url)


@pytest.fixture
def serve(application: Application, collector: Collector, tmp_path: Path) -> Serve:
    """Gives the application's pages what its integrations say, under the strictest policy that they allow."""

    def begin(given: dict[str, Any], *, asks: bool = False, enabled: bool = True) -> Integrations:
        telemetry = Telemetry(
            app="acme", version="1.2.3", endpoint=collector.url, key="k", enabled=enabled, directory=tmp_path
        )
        scripts = {"posthog": f"{collector.url}/npm/posthog-js/dist/array.js"}
        made = Integrations(telemetry, given=given, scripts=scripts, asks=asks)
        bundle = BUNDLE.format(nonce=NONCE, map=sentry_modules(collector.url)) if "frontend.sentry.dsn" in given else ""

        def page(path: str) -> tuple[str, str]:
            found = made.frontend(nonce=NONCE)
            rules = [f"{name} {' '.join(sources)}" for name, sources in found.csp.items()]
            html = HTML.format(path=path, head=bundle, snippet=found.snippet)
            return html, "; ".join(["default-src 'none'", "img-src 'self'", *rules])

        application.page = page
        return made

    return begin


def posthog(collector: Collector, **further: Any) -> dict[str, Any]:
    """Return the keys of a project at the collector."""
    named = {f"frontend.posthog.{name}": value for name, value in further.items()}
    return {"frontend.posthog.apikey": "phc_x", "frontend.posthog.apiurl": collector.url, **named}


def sentry(collector: Collector, **further: Any) -> dict[str, Any]:
    """Return the keys of a project at the collector."""
    named = {f"frontend.sentry.{name}": value for name, value in further.items()}
    return {"frontend.sentry.dsn": collector.url.replace("://", "://abc@") + "/1", **named}


def leave(page: Page, collector: Collector) -> None:
    """Leave the last page, and wait for everything that posthog-js still had to send."""
    collector.wait(lambda: bool(page.evaluate("window.posthog?.__loaded")))
    page.goto("about:blank")
    collector.wait(lambda: ("$pageleave", "/next") in collector.told("$pageleave"))


def test_one_view_and_one_leave(serve: Serve, collector: Collector, page: Page) -> None:
    """Each navigation is one view and one leave: a page that is loaded, a step within one, and a step back."""
    # 003-14 003-16
    serve(posthog(collector, capture_pageview=False))
    page.goto("/first")
    collector.wait(lambda: bool(collector.told("$pageview")))
    page.evaluate("history.pushState({}, '', '/second')")
    page.evaluate("history.replaceState({}, '', '/second?q=1#part')")
    page.go_back()
    page.click("a")
    leave(page, collector)
    expected = [(name, path) for path in ("/first", "/second", "/first", "/next") for name in VIEWS]
    assert expected == collector.told(*VIEWS)
    assert {"phc_x"} == {event["properties"]["token"] for event in collector.events}


def test_views_of_posthog_itself(serve: Serve, collector: Collector, page: Page) -> None:
    """With capture_pageview posthog-js counts each page that is loaded, and nothing of ours adds to it."""  # 003-16
    serve(posthog(collector, capture_pageview=True))
    page.goto("/first")
    collector.wait(lambda: bool(collector.told("$pageview")))
    page.evaluate("history.pushState({}, '', '/second')")
    page.click("a")
    leave(page, collector)
    assert [("$pageview", "/first"), ("$pageview", "/next")] == collector.told("$pageview")
    assert 2 == len(collector.told("$pageleave"))


def test_nothing_before_consent(serve: Serve, collector: Collector, page: Page) -> None:
    """Where people are asked nothing is loaded or sent before they accept; then it is, on later pages too."""
    serve({**posthog(collector, capture_pageview=False)}, asks=True)
    page.goto("/first")
    page.get_by_role("button", name="Yes").wait_for()
    time.sleep(QUIET_SECONDS)
    assert ([], None) == (collector.asked, page.evaluate("homing.choice()"))
    page.get_by_role("button", name="Yes").click()
    collector.wait(lambda: [("$pageview", "/first")] == collector.told("$pageview"))
    page.click("a")
    collector.wait(lambda: [("$pageview", "/first"), ("$pageview", "/next")] == collector.told("$pageview"))
    assert page.get_by_role("button", name="Yes").is_hidden()


def test_a_no_is_remembered(serve: Serve, collector: Collector, page: Page) -> None:
    """Who rejects is not asked again, and nothing is ever loaded; where nobody is asked it holds as well."""
    serve(posthog(collector), asks=True)
    page.goto("/first")
    page.get_by_role("button", name="No").click()
    page.click("a")
    assert page.get_by_role("button", name="No").is_hidden()
    serve(posthog(collector))
    page.goto("/third")
    time.sleep(QUIET_SECONDS)
    assert ("rejected", []) == (page.evaluate("homing.choice()"), collector.asked)


def test_a_yes_is_taken_back(serve: Serve, collector: Collector, page: Page) -> None:
    """From then on nothing is sent, from the same page either; a new yes counts again."""
    serve({**posthog(collector, capture_pageview=False), **sentry(collector)})
    page.goto("/first")
    collector.wait(lambda: bool(collector.told("$pageview")))
    page.evaluate("homing.reject()")
    time.sleep(QUIET_SECONDS)
    collector.events.clear()
    collector.items.clear()
    page.evaluate("history.pushState({}, '', '/second')")
    page.evaluate("Sentry.captureException(new Error('rejected'))")
    page.click("a")
    time.sleep(QUIET_SECONDS)
    assert ([], []) == (collector.events, collector.items)
    page.evaluate("homing.accept()")
    collector.wait(lambda: [("$pageview", "/next")] == collector.told("$pageview"))


def test_an_error_arrives(serve: Serve, collector: Collector, page: Page) -> None:
    """`@sentry/browser` delivers an envelope with the release and the environment."""  # 003-14 003-19
    serve(sentry(collector))
    page.goto("/first")
    collector.wait(lambda: bool(page.evaluate(SENTRY_BEGAN)))
    page.evaluate("Sentry.captureException(new Error('seen in a page'))")
    collector.wait(lambda: any(kind == "event" for kind, _ in collector.items))
    [event] = [item for kind, item in collector.items if kind == "event"]
    assert "seen in a page" == event["exception"]["values"][0]["value"]
    assert ("acme@1.2.3", "unknown") == (event["release"], event["environment"])


@pytest.mark.parametrize(("production", "rate"), [(False, 1), (True, 0.1)])
def test_sessions_that_are_recorded(
    serve: Serve, collector: Collector, page: Page, *, production: bool, rate: float
) -> None:
    """In production one session in ten is recorded, elsewhere each."""  # 003-17
    serve(sentry(collector, production_mode=production))
    page.goto("/first")
    collector.wait(lambda: bool(page.evaluate(SENTRY_BEGAN)))
    assert rate == page.evaluate("Sentry.getClient().getOptions().replaysSessionSampleRate")
    if not production:
        page.evaluate("Sentry.getReplay().flush()")
        collector.wait(lambda: any(kind == "replay_event" for kind, _ in collector.items))


def test_off(serve: Serve, collector: Collector, page: Page) -> None:
    """While telemetry is off pages hold nothing of it."""
    serve(posthog(collector), enabled=False)
    page.goto("/first")
    time.sleep(QUIET_SECONDS)
    assert (False, []) == (page.evaluate("'homing' in window"), collector.asked)
