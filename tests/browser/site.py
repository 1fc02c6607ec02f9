"""Two servers for pages with integrations: the application's own, and what collects what its pages send."""

import gzip
import json
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.shape.source import ROOT

MODULES: Final = ROOT / "frontend" / "node_modules"
GZIP: Final = b"\x1f\x8b"
PATIENCE_SECONDS: Final = 10.0
QUIET_SECONDS: Final = 1.0
"""How long a test waits for what must not come. posthog-js sends what it gathered within three seconds."""

QUIET_FLAGS: Final = {"flags": {}, "featureFlags": {}, "errorsWhileComputingFlags": False}
QUIET_CONFIG: Final = {
    "supportedCompression": ["gzip-js"],
    "hasFeatureFlags": False,
    "sessionRecording": False,
    "surveys": False,
    "heatmaps": False,
    "capturePerformance": False,
    "autocapture_opt_out": True,
    "captureDeadClicks": False,
    "autocaptureExceptions": False,
}
"""No flags, nothing enabled."""

SENTRY_MODULES: Final = {
    "@sentry/browser": "@sentry/browser/build/npm/esm/prod/index.js",
    "@sentry/browser-utils": "@sentry/browser-utils/build/esm/index.js",
    "@sentry/conventions/attributes": "@sentry/conventions/dist/attributes.mjs",
    "@sentry/conventions/metrics": "@sentry/conventions/dist/metrics.mjs",
    "@sentry/conventions/op": "@sentry/conventions/dist/op.mjs",
    "@sentry/core": "@sentry/core/build/esm/index.js",
    "@sentry/core/browser": "@sentry/core/build/esm/browser.js",
    "@sentry/feedback": "@sentry/feedback/build/npm/esm/index.js",
    "@sentry/replay": "@sentry/replay/build/npm/esm/index.js",
    "@sentry/replay-canvas": "@sentry/replay-canvas/build/npm/esm/index.js",
    "web-vitals": "web-vitals/dist/web-vitals.js",
}
"""What these are in the files that npm brought."""

Page = Callable[[str], tuple[str, str]]
"""Gives for a path the HTML and the Content-Security-Policy."""


class Collector:
    """Serves the libraries as npm brought them, and keeps what it is sent; it answers so that they go on quietly."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.items: list[tuple[str, Any]] = []
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[str, bytes]:
        """Return the media type and the body of an answer."""
        parts = urlsplit(path)
        self.asked.append(parts.path)
        if parts.path.startswith("/npm/"):
            return "text/javascript", (MODULES / parts.path.removeprefix("/npm/")).read_bytes()
        if parts.path.endswith("/config.js"):
            return "text/javascript", b""
        if parts.path.endswith("/envelope/"):
            self.items += _items(body)
        if parts.path in ("/e/", "/i/v0/e/", "/batch/"):
            self.events += _events(body)
            return "application/json", b'{"status":1}'
        told = QUIET_CONFIG if "/array/" in parts.path else QUIET_FLAGS if parts.path.startswith("/flags") else {}
        return "application/json", json.dumps(told).encode()

    def told(self, *names: str) -> list[tuple[str, str]]:
        """Return the events of these names, each with the path it is about, in the order in which they were made.

        What posthog-js sends again, since the page was left before the answer came, has the same id.
        """
        once = {event["uuid"]: event for event in list(self.events)}.values()
        found = sorted((event for event in once if event["event"] in names), key=_made)
        return [(event["event"], urlsplit(event["properties"]["$current_url"]).path) for event in found]

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until something has arrived."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            assert time.monotonic() < end, (self.asked, self.events)
            time.sleep(0.02)


def _made(event: dict[str, Any]) -> Any:
    return event["properties"]["$time"], event["event"] == "$pageview"


def _events(body: bytes) -> list[dict[str, Any]]:
    if body.startswith(GZIP):
        body = gzip.decompress(body)
    elif body.startswith(b"data="):
        body = b64decode(parse_qs(body.decode())["data"][0])
    found = json.loads(body)
    if isinstance(found, Mapping):
        found = found.get("batch", [found])
    return list(found)


def _items(body: bytes) -> list[tuple[str, Any]]:
    """Return the items of an envelope that are JSON, each with its type."""
    lines = body.split(b"\n")
    heads = [(json.loads(head)["type"], rest) for head, rest in zip(lines[1::2], lines[2::2], strict=False) if head]
    return [(kind, json.loads(rest)) for kind, rest in heads if rest[:1] == b"{"]


class Application:
    """Serves pages."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.url = ""


@contextmanager
def served(what: Application | Collector) -> Iterator[None]:
    """Run a server on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        """Answers for one of the two."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Give what stands there."""
            if isinstance(what, Collector):
                self._give(*what.answer(self.path, b""))
            elif self.path == "/favicon.ico":
                self._give("image/png", b"")
            else:
                html, policy = what.page(self.path)
                self._give("text/html; charset=utf-8", html.encode(), {"Content-Security-Policy": policy})

        def do_POST(self) -> None:
            """Take what is sent."""
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            assert isinstance(what, Collector)
            self._give(*what.answer(self.path, body))

        def do_OPTIONS(self) -> None:
            """Let pages of elsewhere ask."""
            self._give("text/plain", b"")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def _give(self, media_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(200)
            named = {"Content-Type": media_type, "Content-Length": str(len(body)), **(headers or {})}
            origin = self.headers.get("Origin", "*")
            open_to = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Headers": "*"}
            for name, value in {**named, **open_to, "Access-Control-Allow-Credentials": "true"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    what.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sentry_modules(collector: str) -> str:
    """Return an import map that finds `@sentry/browser`, as a bundler would."""
    return json.dumps({"imports": {name: f"{collector}/npm/{path}" for name, path in SENTRY_MODULES.items()}})
