"""What a page needs so that the browser tells PostHog and Sentry of it. Nothing here looks outside."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from homing.sdk.integrations import keys
from homing.sdk.integrations.keys import Keys

ELEMENT: Final = "homing-frontend"
"""The id of the element that holds the configuration."""

NONCE: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
HTML_SIGNS: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""What could end a script, as JSON may also write it."""

CLOUD: Final = re.compile(r"https://(us|eu)\.i\.posthog\.com")
LIBRARIES: Final = ("posthog", "sentry")


class Frontend(NamedTuple):
    """What goes into a page; all of it empty where nothing is to be told.

    `configuration` is plain JSON, `snippet` is HTML, `csp` has the sources by directive that the page's
    Content-Security-Policy must allow.
    """

    configuration: Mapping[str, Any] = {}
    snippet: str = ""
    csp: Mapping[str, tuple[str, ...]] = {}


class Release(NamedTuple):
    """What Sentry is told of the application."""

    name: str
    environment: str


class Loading(NamedTuple):
    """Where the libraries stand, by name, and whether people are asked before they are loaded."""

    scripts: Mapping[str, str]
    asks: bool


def make(found: Keys, release: Release, *, loading: Loading, nonce: str, script: str) -> Frontend:
    """Return what goes into a page; raise `ValueError` for a nonce that is none."""
    if not NONCE.fullmatch(nonce):
        raise ValueError("A nonce is written in base64.")
    told = configuration(found, release, loading=loading)
    if not told:
        return Frontend()
    return Frontend(told, snippet(told, nonce, script=script), hosts(told, nonce))


def configuration(found: Keys, release: Release, *, loading: Loading) -> dict[str, Any]:
    """Return what the page's script is told; empty where neither PostHog nor Sentry is configured."""
    told: dict[str, Any] = {}
    if found[keys.POSTHOG_KEY]:
        told["posthog"] = {"apikey": found[keys.POSTHOG_KEY], "options": _posthog(found)}
    if found[keys.FRONTEND_DSN]:
        told["sentry"] = {
            "dsn": found[keys.FRONTEND_DSN],
            "production_mode": found[keys.PRODUCTION],
            "version": release.name,
            "environment": release.environment,
        }
    if not told:
        return {}
    usual = {"posthog": f"{assets(found[keys.POSTHOG_URL])}/static/array.js"}
    scripts = {name: url for name, url in {**usual, **loading.scripts}.items() if name in told}
    return {**told, "scripts": scripts, "consent": loading.asks}


def _posthog(found: Keys) -> dict[str, Any]:
    options = {"api_host": found[keys.POSTHOG_URL]}
    return options | ({"capture_pageview": found[keys.PAGEVIEW]} if found.is_set(keys.PAGEVIEW) else {})


def assets(url: str) -> str:
    """Return where a PostHog has its scripts: its cloud has a host for them, any other has them itself."""
    return CLOUD.sub(r"https://\1-assets.i.posthog.com", url)


def snippet(told: Mapping[str, Any], nonce: str, *, script: str) -> str:
    """Return the HTML: what the script is told, and the script."""
    mark = f' nonce="{nonce}"' if nonce else ""
    data = json.dumps(told, sort_keys=True).translate(HTML_SIGNS)
    return f'<script type="application/json" id="{ELEMENT}">{data}</script>\n<script{mark}>\n{script}</script>'


def hosts(told: Mapping[str, Any], nonce: str) -> dict[str, tuple[str, ...]]:
    """Return the sources that the page's policy must allow, by directive."""
    scripts = [source(url) for url in told["scripts"].values()]
    connects = []
    if "posthog" in told:
        host = told["posthog"]["options"]["api_host"]
        # It loads its parts as it needs them.
        scripts.append(source(assets(host)))
        connects += [source(host), source(assets(host))]
    if "sentry" in told:
        connects.append(source(told["sentry"]["dsn"]))
    marks = [f"'nonce-{nonce}'"] if nonce else []
    return {"script-src": tuple(dict.fromkeys([*marks, *scripts])), "connect-src": tuple(dict.fromkeys(connects))}


def source(url: str) -> str:
    """Return an address as a policy names it: its host, or the page's own."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else "'self'"


def wrong_scripts(scripts: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each library that nobody knows or that stands nowhere."""
    return [f"{name}: there is no such library." for name in scripts if name not in LIBRARIES] + [
        f"scripts: {name} must be an address, or a path that begins with a slash."
        for name, url in scripts.items()
        if not isinstance(url, str) or not re.match(r"https?://[^\s;,]+$|/[^\s;,/][^\s;,]*$", url)
    ]
