"""What a browser complains about while pages are used."""

import contextlib
import re
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Request, Response, WebError

LOUD: Final = frozenset({"error", "warning", "assert"})

LOCAL: Final = frozenset({"about", "blob", "data"})
"""The schemes of addresses that are at no host."""

ABORTED: Final = "net::ERR_ABORTED"
"""What becomes of a request that the page itself gave up, as it does when one goes on to another page."""

TELL: Final = """
addEventListener("securitypolicyviolation", (event) => homingComplain(
    `policy: ${event.effectiveDirective} forbids ${event.blockedURI} ` +
    `at ${event.sourceFile || event.documentURI}:${event.lineNumber} ${event.sample}`
), true)
"""

LAST_WORDS: Final = "new Promise((done) => setTimeout(done, 50))"
"""The browser tells of what it forbade a little later than it forbids it."""


class Complaints:
    """All that went wrong in the pages of one context whose requests may go to these origins only."""

    def __init__(self, *origins: str) -> None:
        self._origins = origins
        self._found: list[str] = []
        self._expected: list[str] = []

    def listen(self, context: BrowserContext) -> None:
        """Listen to every page of a context from now on."""
        context.expose_function("homingComplain", self._violation)
        context.add_init_script(TELL)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def close(self, context: BrowserContext) -> None:
        """Hear what its pages still have to say, and close a context."""
        for page in context.pages:
            # A page that is just being left has nothing to say.
            with contextlib.suppress(Error):
                page.evaluate(LAST_WORDS)
        context.close()

    def expect(self, pattern: str) -> None:
        """Let a test provoke what would be complained about: `status of 401`. It must then occur."""
        self._expected.append(pattern)

    def check(self) -> None:
        """Fail when there was a complaint, or when one that was expected did not come."""
        unexpected = [each for each in self._found if not any(re.search(one, each) for one in self._expected)]
        assert [] == unexpected, "The browser complains:\n" + "\n".join(unexpected)
        absent = [one for one in self._expected if not any(re.search(one, each) for each in self._found)]
        assert [] == absent, "The browser does not complain as expected:\n" + "\n".join(absent)

    def _violation(self, sentence: str) -> None:
        self._found.append(sentence)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in LOUD:
            place = message.location
            self._found.append(f"console {message.type}: {message.text} at {place['url']}:{place['lineNumber']}")

    def _error(self, error: WebError) -> None:
        self._found.append(f"uncaught: {error.error.stack or error.error.message}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in LOCAL and f"{parts.scheme}://{parts.netloc}" not in self._origins:
            self._found.append(f"foreign: {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != ABORTED:
            self._found.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self._found.append(f"status {response.status}: {response.request.method} {response.url}")
