"""The keys below `telemetry`."""

from typing import Any

import pytest

from homing.sdk.integrations import keys
from homing.sdk.integrations.keys import environment_of, read_keys, wrong_keys

DSN = "https://abc@sentry.example.com/1"
FILE = "flowforge.yml"


def read(section: Any, given: Any = None) -> keys.Keys:
    """Read the section of a file."""
    return read_keys({"telemetry": section}, FILE, given=given or {})


def test_defaults() -> None:
    """Without a file everything is as the document says."""  # 003-15
    found = read_keys({}, "", given={})
    assert {
        "backend.sentry.dsn": None,
        "backend.prometheus.enabled": False,
        "frontend.posthog.apikey": None,
        "frontend.posthog.apiurl": "https://us.i.posthog.com",
        "frontend.posthog.capture_pageview": True,
        "frontend.sentry.dsn": None,
        "frontend.sentry.production_mode": False,
    } == {name: value.value for name, value in found.resolved.values.items()}
    assert ((), ()) == (found.resolved.problems, found.hints)


def test_the_document() -> None:
    """The document's example is read whole."""  # 003-15 003-16 003-17 003-18
    found = read(
        {
            "enabled": True,
            "frontend": {
                "posthog": {"apikey": "phc_x", "capture_pageview": False},
                "sentry": {"dsn": DSN, "production_mode": True},
            },
            "backend": {"sentry": {"dsn": DSN}, "prometheus": {"enabled": True}},
        }
    )
    names = [keys.POSTHOG_KEY, keys.PAGEVIEW, keys.FRONTEND_DSN, keys.PRODUCTION, keys.BACKEND_DSN, keys.PROMETHEUS]
    assert ["phc_x", False, DSN, True, DSN, True] == [found[name] for name in names]
    assert {"file"} == {found.resolved.layer(name) for name in names}
    assert ((), ()) == (found.resolved.problems, found.hints)


@pytest.mark.parametrize("section", [None, "yes", [1], {"frontend": None}, {"frontend": {"sentry": {"dsn": None}}}])
def test_odd_sections(section: Any) -> None:
    """What says nothing leaves the defaults."""
    found = read(section)
    assert (None, (), ()) == (found[keys.FRONTEND_DSN], found.resolved.problems, found.hints)


def test_the_file_stands_above_the_application() -> None:
    """A key of the application holds where the file has none."""
    given = {keys.POSTHOG_KEY: "phc_maker", keys.BACKEND_DSN: DSN}
    found = read({"frontend": {"posthog": {"apikey": "phc_own", "capture_pageview": False}}}, given)
    assert ("phc_own", "file") == (found[keys.POSTHOG_KEY], found.resolved.layer(keys.POSTHOG_KEY))
    assert (DSN, "code") == (found[keys.BACKEND_DSN], found.resolved.layer(keys.BACKEND_DSN))


@pytest.mark.parametrize(
    "dsn",
    [
        *("nonsense", "https://sentry.example.com/1", "https://abc@/1", "https://abc@sentry.example.com", 7),
        *("ftp://a@b/1", "https://a@b:0/1", "https://a@b:x/1", "https://a@b/1 2", "https://a@[b/1"),
    ],
)
def test_bad_dsns(dsn: Any) -> None:
    """Each is a problem, and nothing is sent anywhere; one of the back end may hold a secret and is not shown."""
    found = read({"frontend": {"sentry": {"dsn": dsn}}, "backend": {"sentry": {"dsn": "secret"}}})
    assert (None, None) == (found[keys.FRONTEND_DSN], found[keys.BACKEND_DSN])
    backend, frontend = found.resolved.problems
    assert frontend.startswith(f"{FILE}: telemetry.frontend.sentry.dsn: ")
    assert "secret" not in backend


def test_a_hint_of_doubling() -> None:
    """Without a word on page views, and with yes, there is a hint; with no, and without PostHog, there is none."""
    # 003-16
    posthog: dict[str, Any] = {"apikey": "phc_x"}
    assert (keys.DOUBLED,) == read({"frontend": {"posthog": posthog}}).hints
    assert (keys.DOUBLED,) == read({"frontend": {"posthog": {**posthog, "capture_pageview": True}}}).hints
    assert () == read({"frontend": {"posthog": {**posthog, "capture_pageview": False}}}).hints
    assert () == read({"frontend": {"posthog": {"capture_pageview": True}}}).hints


def test_plausible() -> None:
    """Whatever is said of Plausible, it is deprecated."""  # 003-14
    assert (keys.DEPRECATED,) == read({"frontend": {"plausible": {"domain": "example.com"}}}).hints
    assert () == read({"frontend": {"plausible": None}}).hints


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"SENTRY_ENV": "staging", "NODE_ENV": "production"}, "staging"),
        ({"NODE_ENV": "production"}, "production"),
        ({"SENTRY_ENV": "", "NODE_ENV": "test"}, "test"),
        ({}, "unknown"),
    ],
)
def test_the_environment(variables: dict[str, str], name: str) -> None:
    """SENTRY_ENV, else NODE_ENV, else unknown."""  # 003-19
    assert name == environment_of(variables)


def test_wrong_keys_of_the_application() -> None:
    """A key that nobody knows and a value that will not do are both told."""
    said = wrong_keys({"frontend.sentry.dns": DSN, keys.PROMETHEUS: "perhaps"})
    neither = f"{keys.PROMETHEUS}: 'perhaps': is neither on nor off."
    assert ["frontend.sentry.dns: there is no such setting.", neither] == said
    assert [] == wrong_keys({keys.PROMETHEUS: True})
