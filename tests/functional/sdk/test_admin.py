"""The examples, each as a process of its own: sign in, set up, save, test; and what others may not."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.functional.receiver import until
from tests.functional.sdk.example import ADMIN, API, NAMES, SETUP, Example, example, settings, sign_in
from tests.functional.sdk.listener import Listener, listener

FOREIGN = {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def there() -> Iterator[Listener]:
    """The maker's receiver."""
    with listener() as running:
        yield running


@pytest.fixture(params=NAMES)
def running(request: pytest.FixtureRequest, tmp_path: Path, there: Listener) -> Iterator[Example]:
    """Each example, not set up yet."""
    with example(request.param, tmp_path / "own", endpoint=there.url) as found:
        yield found


@pytest.fixture
def stranger(running: Example) -> Iterator[httpx.Client]:
    """A browser of somebody who is not signed in."""
    with httpx.Client(base_url=running.url, headers={"Origin": running.url}) as client:
        yield client


@pytest.fixture
def ada(running: Example) -> Iterator[httpx.Client]:
    """The administrator's browser."""
    with httpx.Client(base_url=running.url, headers={"Origin": running.url}) as client:
        sign_in(client)
        yield client


def test_strangers(stranger: httpx.Client) -> None:
    """Without signing in there is 401 for every page, file and answer."""
    for path in (ADMIN, f"{ADMIN}server", f"{ADMIN}page.css", f"{ADMIN}page.js", SETUP, API, f"{API}/test"):
        for method in ("GET", "POST", "PUT"):
            answer = stranger.request(method, path)
            assert (401, False) == (answer.status_code, "acme" in answer.text), (method, path)


def test_the_whole_way(ada: httpx.Client, there: Listener) -> None:
    """Set-up, settings, test: the choice is kept before anything is sent, and saving holds at once."""  # 000-16 000-21
    assert SETUP == ada.get("/").headers["Location"]
    step = ada.get(SETUP)
    assert (200, True) == (step.status_code, "Send operational telemetry to the maker of acme" in step.text)
    assert "/finish" == ada.post(SETUP, data={"do": "choose", "enabled": "true"}).headers["Location"]
    found = settings(ada)
    assert (True, True) == (found["enabled"], found["promptDismissed"])
    early = ada.post(f"{API}/test")
    assert (502, []) == (early.status_code, there.received)
    ada.get("/finish")
    assert "Operational telemetry" in ada.get("/").text
    tested = ada.post(f"{API}/test")
    assert (200, True, 200) == (tested.status_code, tested.json()["success"], tested.json()["status"])
    assert found["instanceId"] == json.loads(there.received[0].body)["instance_id"]
    page = ada.get(ADMIN)
    assert (200, True) == (page.status_code, f"{found['instanceId'][:8]}…" in page.text)
    assert found["instanceId"] in ada.get(f"{ADMIN}server").text
    form = {"do": "save", "shown": ["enabled", "interval"], "interval": "12"}
    assert "./?done=saved" == ada.post(ADMIN, data=form).headers["Location"]
    found = settings(ada)
    assert (False, 12) == (found["enabled"], found["intervalHours"])
    assert 400 == ada.post(f"{API}/test").status_code
    assert 1 == len(there.received)


def test_other_sites(ada: httpx.Client) -> None:
    """A page of another site changes nothing with the administrator's session."""
    for answer in (
        ada.post(ADMIN, data={"do": "enable"}, headers=FOREIGN),
        ada.post(SETUP, data={"do": "choose", "enabled": "true"}, headers=FOREIGN),
        ada.put(API, json={"enabled": True}, headers=FOREIGN),
        ada.post(f"{API}/test", headers=FOREIGN),
    ):
        assert 403 == answer.status_code
    assert not settings(ada)["enabled"]


def test_refusals(ada: httpx.Client) -> None:
    """What cannot be understood is 400, what is too large 413; the strict headers are on every answer."""
    assert 400 == ada.put(API, json={"intervalHours": 500}).status_code
    large = ada.put(API, content=b" " * 100_000, headers={"Content-Type": "application/json"})
    assert 413 == large.status_code
    for path in (ADMIN, API, f"{ADMIN}page.js", f"{ADMIN}nowhere"):
        head = ada.get(path).headers
        assert "frame-ancestors 'none'" in head["Content-Security-Policy"]
        assert ("nosniff", "no-store") == (head["X-Content-Type-Options"], head["Cache-Control"])
    bare = ada.get(ADMIN.removesuffix("/"), follow_redirects=True)
    assert (200, ADMIN) == (bare.status_code, bare.url.path)


def test_held_by_the_environment(tmp_path: Path, there: Listener) -> None:
    """A control that the environment holds names it, and saving is 409; a restart keeps what was saved."""
    place = tmp_path / "own"
    for held in ({}, {"telemetry_enabled": "false"}):
        with (
            example("flask_app", place, endpoint=there.url, **held) as found,
            httpx.Client(base_url=found.url) as client,
        ):
            sign_in(client)
            answer = client.put(API, json={"enabled": True})
            if not held:
                assert (200, True) == (answer.status_code, answer.json()["enabled"])
                continue
            assert 409 == answer.status_code
            assert "HOMING_TELEMETRY_ENABLED" in answer.json()["error"]
            assert "Set by HOMING_TELEMETRY_ENABLED" in client.get(ADMIN).text
            assert not settings(client)["enabled"]


@pytest.mark.slow
def test_the_first_heartbeat(tmp_path: Path, there: Listener) -> None:
    """After saving it leaves by itself, without a restart and without a test."""  # 000-16
    place = tmp_path / "own"
    with example("starlette_app", place, endpoint=there.url) as found, httpx.Client(base_url=found.url) as client:
        sign_in(client)
        found.marker.touch()
        client.put(API, json={"enabled": True})
        until(lambda: there.received, "The first heartbeat", seconds=45)
        until(lambda: settings(client)["lastSentAt"], "The time of success")
