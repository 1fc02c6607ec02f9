"""The face of what may be switched on beside telemetry."""

from collections.abc import Callable
from pathlib import Path

import pytest

from homing import Integrations, SettingsError, Telemetry
from homing.sdk.integrations import keys
from homing.sdk.integrations.frontend import Frontend
from tests.unit.sdk.integrations.conftest import Make

DSN = "https://abc@sentry.example.com/1"
PAGES = """
telemetry:
  enabled: {enabled}
  frontend:
    posthog:
      apikey: phc_x
    sentry:
      dsn: https://abc@sentry.example.com/1
"""
METRICS = "telemetry: {enabled: false, backend: {prometheus: {enabled: true}}}"


def app() -> None:
    """Stand for an application."""


def test_by_default_nothing_is_switched_on(integrations: Make) -> None:
    """Telemetry is on, and none of the others; each says what is missing."""  # 003-15
    status = integrations().start_backend()
    assert status.enabled
    assert {
        "frontend.posthog": "not enabled: frontend.posthog.apikey is not set",
        "frontend.sentry": "not enabled: frontend.sentry.dsn is not set",
        "backend.sentry": "not enabled: backend.sentry.dsn is not set",
        "backend.prometheus": "not enabled: backend.prometheus.enabled is not set",
    } == {part.name: part.reason for part in status.parts}
    assert not any(part.enabled for part in status.parts)


def test_a_page_in_the_file(integrations: Make) -> None:
    """What the file says goes into the page, with the name and version of the application."""  # 003-14
    made = integrations(PAGES.format(enabled="true"))
    page = made.frontend(nonce="abc")
    assert "phc_x" == page.configuration["posthog"]["apikey"]
    assert ("flowforge@2.33.2", "unknown") == tuple(page.configuration["sentry"][x] for x in ("version", "environment"))
    assert '<script nonce="abc">' in page.snippet
    assert [True, True] == [made.status().part(f"frontend.{name}").enabled for name in ("posthog", "sentry")]
    assert (keys.DOUBLED,) == made.status().hints


def test_the_name_of_the_environment(integrations: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read from the environment when the integrations are made."""  # 003-19
    monkeypatch.setenv("NODE_ENV", "production")
    made = integrations(PAGES.format(enabled="true"))
    monkeypatch.setenv("SENTRY_ENV", "later")
    assert "production" == made.frontend().configuration["sentry"]["environment"]


def test_off_by_the_file(integrations: Make) -> None:
    """With `telemetry.enabled: false` a page has nothing in it."""
    made = integrations(PAGES.format(enabled="false"))
    assert Frontend({}, "", {}) == made.frontend(nonce="abc")
    assert "not enabled: telemetry is off" == made.status().part("frontend.posthog").reason


def test_off_by_saving(product: Callable[..., Telemetry]) -> None:
    """The next page has nothing in it, in this process and in others."""
    here, there = product(PAGES.format(enabled="true")), product(PAGES.format(enabled="true"))
    made = [Integrations(here), Integrations(there)]
    assert all(each.frontend().snippet for each in made)
    here.save({"enabled": False}, who="admin")
    assert ["", ""] == [each.frontend().snippet for each in made]
    here.save({"enabled": True}, who="admin")
    assert all(each.frontend().snippet for each in made)


def test_off_by_do_not_track(integrations: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """DO_NOT_TRACK speaks for the pages too."""
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    assert "" == integrations(PAGES.format(enabled="true")).frontend().snippet


def test_metrics_have_a_switch_of_their_own(integrations: Make) -> None:
    """They are shown though telemetry is off, and the application stays as it was where they are not enabled."""
    # 003-18
    made = integrations(METRICS)
    assert "not enabled: asgi() or wsgi() was not called" == made.status().part("backend.prometheus").reason
    assert made.asgi(app) is not app
    assert made.wsgi(app) is not app
    assert made.status().part("backend.prometheus").enabled
    assert [app, app] == [integrations().asgi(app), integrations().wsgi(app)]


def test_a_file_that_cannot_be_read(integrations: Make) -> None:
    """It means off, and nothing raises."""
    made = integrations("telemetry: [")
    assert ("", False) == (made.frontend().snippet, made.start_backend().enabled)


def test_wrong_values_in_the_file(integrations: Make) -> None:
    """They stand in the status with the file's name, and what they are for stays off."""
    status = integrations("telemetry: {frontend: {sentry: {dsn: nonsense}}}").status()
    assert not status.part("frontend.sentry").enabled
    [problem] = status.problems
    assert "flowforge.yml: telemetry.frontend.sentry.dsn: 'nonsense'" in problem


def test_wrong_arguments(product: Callable[..., Telemetry]) -> None:
    """They raise at once, all of them together."""
    with pytest.raises(SettingsError) as caught:
        Integrations(product(), given={"frontend.dsn": 1}, scripts={"sentry": "a"})
    assert 2 == len(caught.value.problems)


def test_keys_of_the_application(tmp_path: Path) -> None:
    """An application without a settings file gives its keys itself; a secret does not show itself."""
    telemetry = Telemetry(app="a", version="1", endpoint="http://b.example", key="k", enabled=True, directory=tmp_path)
    made = Integrations(telemetry, given={keys.FRONTEND_DSN: DSN, keys.BACKEND_DSN: DSN})
    assert "a@1" == made.frontend().configuration["sentry"]["version"]
    assert "abc@" not in repr(dict(made.status().settings)[keys.BACKEND_DSN])
