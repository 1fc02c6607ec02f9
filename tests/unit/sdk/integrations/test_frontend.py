"""What goes into a page."""

import json
import re
from typing import Any

import pytest

from homing.sdk.integrations import keys
from homing.sdk.integrations.frontend import ELEMENT, Frontend, Loading, Release, make, wrong_scripts
from homing.sdk.integrations.keys import read_keys

DSN = "https://abc@sentry.example.com:9000/1"
RELEASE = Release("acme@1.2.3", "staging")
SCRIPT = "run();\n"


def page(given: dict[str, Any], *, scripts: Any = None, asks: bool = False, nonce: str = "r4nd0m") -> Frontend:
    """Return what goes into a page with these keys."""
    found = read_keys({}, "", given=given)
    return make(found, RELEASE, loading=Loading(scripts or {}, asks), nonce=nonce, script=SCRIPT)


def test_nothing_without_keys() -> None:
    """Where neither PostHog nor Sentry is configured nothing goes into a page."""
    assert Frontend({}, "", {}) == page({keys.PAGEVIEW: False, keys.BACKEND_DSN: DSN})


def test_posthog() -> None:
    """PostHog is told its host, and of page views only what somebody said."""  # 003-14 003-16
    made = page({keys.POSTHOG_KEY: "phc_x"})
    assert {"apikey": "phc_x", "options": {"api_host": "https://us.i.posthog.com"}} == made.configuration["posthog"]
    assert {"posthog": "https://us-assets.i.posthog.com/static/array.js"} == made.configuration["scripts"]
    assert "sentry" not in made.configuration
    own = page({keys.POSTHOG_KEY: "phc_x", keys.PAGEVIEW: False, keys.POSTHOG_URL: "https://ph.example.com/"})
    assert {"api_host": "https://ph.example.com", "capture_pageview": False} == own.configuration["posthog"]["options"]
    assert {"posthog": "https://ph.example.com/static/array.js"} == own.configuration["scripts"]


def test_sentry() -> None:
    """Sentry is told its project, release and environment."""  # 003-14 003-17 003-19
    made = page({keys.FRONTEND_DSN: DSN, keys.PRODUCTION: True}, scripts={"sentry": "/a.js", "posthog": "/b.js"})
    assert {
        "sentry": {"dsn": DSN, "production_mode": True, "version": "acme@1.2.3", "environment": "staging"},
        "scripts": {"sentry": "/a.js"},
        "consent": False,
    } == made.configuration


def test_the_hosts_of_the_policy() -> None:
    """The page's policy must allow the nonce, where libraries stand, and where they send to; nothing else."""
    made = page({keys.POSTHOG_KEY: "phc_x", keys.FRONTEND_DSN: DSN}, scripts={"sentry": "/static/sentry.js"})
    assert {
        "script-src": ("'nonce-r4nd0m'", "https://us-assets.i.posthog.com", "'self'"),
        "connect-src": (
            "https://us.i.posthog.com",
            "https://us-assets.i.posthog.com",
            "https://sentry.example.com:9000",
        ),
    } == made.csp
    assert () == page({keys.FRONTEND_DSN: DSN}, nonce="").csp["script-src"]


def test_the_snippet() -> None:
    """It holds the configuration as data and the script with its nonce."""
    made = page({keys.FRONTEND_DSN: DSN}, asks=True)
    first, last = made.snippet.split("\n", 1)
    found = re.fullmatch(rf'<script type="application/json" id="{ELEMENT}">(.*)</script>', first)
    assert found is not None
    assert json.loads(found[1]) == made.configuration
    assert f'<script nonce="r4nd0m">\n{SCRIPT}</script>' == last
    assert made.configuration["consent"]
    assert "nonce" not in page({keys.FRONTEND_DSN: DSN}, nonce="").snippet


def test_no_value_ends_the_script() -> None:
    """Whatever a key holds, the HTML around it stays as it is."""
    bad = "</script><!--&\u2028".replace("\u2028", "")
    made = page({keys.POSTHOG_KEY: bad})
    assert 2 == made.snippet.count("</script>")
    assert "<!--" not in made.snippet
    assert bad in json.loads(made.snippet.split(">", 1)[1].split("</script>")[0])["posthog"]["apikey"]


@pytest.mark.parametrize("nonce", ["'", '"><script>', "a; script-src *", "a b", "==a"])
def test_nonces_that_are_none(nonce: str) -> None:
    """What would break out of the attribute or the policy is refused."""
    with pytest.raises(ValueError, match="base64"):
        page({keys.FRONTEND_DSN: DSN}, nonce=nonce)


@pytest.mark.parametrize("url", ["", "a.js", "//evil.example.com/a.js", "javascript:a", "/a.js; script-src *", 7])
def test_wrong_scripts(url: Any) -> None:
    """A library stands at an address or a path of the page's own host."""
    assert 1 == len(wrong_scripts({"sentry": url}))


def test_libraries() -> None:
    """There are two."""
    assert [] == wrong_scripts({"sentry": "/a.js", "posthog": "https://cdn.example.com/a.js"})
    assert ["plausible: there is no such library."] == wrong_scripts({"plausible": "/a.js"})
