"""The harness itself: each kind of complaint fails a test, and a good page has none."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import barriers
from tests.browser.complaints import Complaints
from tests.shape.source import ROOT

STRICT: Final = "default-src 'self'"
LOOSE: Final = "default-src 'self'; img-src * data:"
GOOD: Final = '<!doctype html><html lang="en"><title>Good</title><main><h1>Good</h1></main>'

SCRIPTS: Final = {
    "/error.js": "console.error('oh no')",
    "/warning.js": "console.warn('look out')",
    "/throw.js": "throw new Error('thrown')",
    "/reject.js": "Promise.reject(new Error('rejected'))",
    "/handler.js": "document.body.innerHTML = '<b onclick=\"1\">b</b>'",
    "/fine.js": "console.log('fine')",
}


class Site(BaseHTTPRequestHandler):
    """Serves whatever page is asked for in the query; `/loose?` with a policy that lets images come from anywhere."""

    def do_GET(self) -> None:
        """Answer."""
        path, _, query = self.path.partition("?")
        if path == "/cut":
            self.close_connection = True
        elif path == "/favicon.ico":
            self._answer(200, "image/x-icon", "")
        elif path == "/broken":
            self._answer(500, "text/plain", "broken")
        elif path in SCRIPTS:
            self._answer(200, "text/javascript", SCRIPTS[path])
        elif path in {"/strict", "/loose"}:
            self._answer(200, "text/html", GOOD + bytes.fromhex(query).decode())
        else:
            self._answer(404, "text/plain", "not found")

    def _answer(self, status: int, media_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", LOOSE if self.path.startswith("/loose") else STRICT)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a small server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def look(browser: Browser, site: str, html: str, *, policy: str = "strict") -> Complaints:
    """Open a page with some HTML in it, and return what the browser complains about."""
    complaints = Complaints(site)
    context = browser.new_context()
    complaints.listen(context)
    page = context.new_page()
    page.goto(f"{site}/{policy}?{html.encode().hex()}")
    complaints.close(context)
    return complaints


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("<script>1</script>", "policy: script-src-elem forbids inline"),
        ('<p style="color: red">a</p>', "policy: style-src-attr forbids inline"),
        ("<style>p { color: red }</style>", "policy: style-src-elem forbids inline"),
        ('<script src="/handler.js"></script>', "policy: script-src-attr forbids inline"),
        ('<img alt="" src="http://elsewhere.test/a.png">', "policy: img-src forbids http://elsewhere.test/a.png"),
        ('<script src="/error.js"></script>', "console error: oh no"),
        ('<script src="/warning.js"></script>', "console warning: look out"),
        ('<script src="/throw.js"></script>', "uncaught: Error: thrown"),
        ('<script src="/reject.js"></script>', "uncaught: Error: rejected"),
        ('<img alt="" src="/absent.png">', "console error: .* status of 404"),
        ('<img alt="" src="/broken">', "status 500: GET .*/broken"),
        ('<img alt="" src="/cut">', "failed: GET .*/cut: net::ERR_EMPTY_RESPONSE"),
    ],
)
def test_complaints_are_heard(browser: Browser, site: str, html: str, complaint: str) -> None:
    """Each kind of complaint fails the check, and passes where a test expects it."""
    complaints = look(browser, site, html)
    with pytest.raises(AssertionError, match=complaint):
        complaints.check()


@pytest.mark.parametrize("address", ["http://elsewhere.test/a.png", "http://127.0.0.1:1/a.png", "//elsewhere.test"])
def test_other_hosts_are_noticed(browser: Browser, site: str, address: str) -> None:
    """A request to another host, or another port, fails the check even where the page's policy lets it go."""
    with pytest.raises(AssertionError, match=r"foreign: GET http://(elsewhere\.test|127\.0\.0\.1:1)/"):
        look(browser, site, f'<img alt="" src="{address}">', policy="loose").check()


@pytest.mark.parametrize(
    "html",
    ["", '<script src="/fine.js"></script>', '<a href="http://elsewhere.test">a</a>', '<img alt="" src="data:,">'],
)
def test_a_good_page_is_quiet(browser: Browser, site: str, html: str) -> None:
    """Without reason there is no complaint: a link is no request, and a script may say something."""
    look(browser, site, html, policy="loose").check()


def test_what_is_expected_passes(browser: Browser, site: str) -> None:
    """A test may provoke a complaint, and no other."""
    complaints = look(browser, site, '<img alt="" src="/absent.png">')
    complaints.expect("status of 404")
    complaints.check()
    complaints.expect("status of 401")
    with pytest.raises(AssertionError, match="status of 401"):
        complaints.check()


@pytest.fixture
def good(browser: Browser, site: str) -> Iterator[Page]:
    """A good page under a strict policy."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/strict?")
    yield page
    context.close()


def test_axe_finds_barriers(good: Page) -> None:
    """A page without barriers passes, and an image without words is found, whatever the page's policy."""
    assert [] == barriers(good)
    good.evaluate("document.querySelector('main').append(document.createElement('img'))")
    found = barriers(good)
    assert ["image-alt (critical)"] == [each.partition(":")[0] for each in found]


RELAY: Final = """
def test_good(page):
    page.goto("/sign-in")

def test_bad(page):
    page.goto("/sign-in")
    page.evaluate("console.error('oh no')")
"""


def test_a_complaint_fails_the_test(tmp_path: Path) -> None:
    """A test that asks for a page fails by a complaint alone."""
    written = tmp_path / "test_pages.py"
    written.write_text(RELAY)
    command = [sys.executable, "-m", "pytest", "-p", "tests.browser.conftest", "-p", "no:cacheprovider", str(written)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert "2 passed, 1 error" in done.stdout, done.stdout
    assert "console error: oh no" in done.stdout
    assert "test_bad" in done.stdout.partition("short test summary")[2]
