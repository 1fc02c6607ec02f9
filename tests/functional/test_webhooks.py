"""Webhooks by command, and a receiver that sends its own telemetry to one: its own, and another receiver's."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.functional.receiver import Receiver, until

pytestmark = pytest.mark.slow


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that logs everything."""
    (tmp_path / "one").mkdir()
    made = Receiver(tmp_path / "one", log_level="debug").start()
    yield made
    made.close()


def told(receiver: Receiver, *arguments: str) -> Any:
    """Run a command that must succeed, and return what it prints as JSON."""
    done = receiver.run(*arguments, "--json")
    assert (0, "") == (done.returncode, done.stderr)
    return json.loads(done.stdout)


def kept(receiver: Receiver) -> list[dict[str, Any]]:
    """Return the events that the webhook keeps, newest first."""
    found: list[dict[str, Any]] = told(receiver, "history", "first-app", "--kind", "telemetry.custom")["entries"]
    return found


def said(receiver: Receiver, start: str) -> list[str]:
    """Return the lines of the last run's log that begin so."""
    lines = [json.loads(line)["event"] for line in receiver.stderr().splitlines() if line.startswith("{")]
    return [line for line in lines if line.startswith(start)]


def test_by_command(fresh: Receiver) -> None:
    """A webhook is added, listed, changed, switched off and deleted; a running receiver goes by it within moments."""
    made = told(fresh, "webhook", "add", "first-app", "mine", "--event", "named")

    def status() -> int:
        return httpx.post(made["url"], content=b"[1]", headers={"User-Agent": "x"}).status_code

    until(lambda: status() == 200, "The webhook")
    assert [made] == told(fresh, "webhook", "list", "first-app")
    changed = told(fresh, "webhook", "change", "first-app", "mine", "--off", "--passing", "--no-input")
    assert (made["url"], False, False, False) == (
        *(changed[name] for name in ("url", "active", "persistent", "includes_input")),
    )
    until(lambda: status() == 403, "Switching it off")
    told(fresh, "webhook", "delete", "first-app", "mine", "--yes")
    until(lambda: status() == 404, "Deleting it")
    assert [] == told(fresh, "webhook", "list", "first-app")
    missing = fresh.run("webhook", "change", "first-app", "mine", "--on")
    assert (2, "homing: first-app has no webhook 'mine'.\n") == (missing.returncode, missing.stderr)


def test_a_receiver_sends_to_itself(fresh: Receiver) -> None:  # 001-25
    """With its own webhook as destination the log has both lines, and the payload is among the events."""
    made = told(fresh, "webhook", "add", "first-app")
    fresh.stop()
    assert [] == said(fresh, "[telemetry:")
    assert [] == list(fresh.directory.glob("*telemetry*"))
    fresh.settings |= {"telemetry_mode": "custom", "telemetry_url": made["url"]}
    fresh.start()
    until(lambda: said(fresh, "[telemetry:custom] sent reason=begin status=200"), "The first event")
    [line] = said(fresh, "[events] <- telemetry.custom id=")
    assert line.endswith(" kind=usr persist=true")
    [entry] = kept(fresh)
    assert ("begin", entry["instance_id"]) == (entry["properties"]["reason"], entry["properties"]["instance_id"])
    assert 0 == fresh.stop(signal.SIGINT)
    assert ["[telemetry:custom] sent reason=end status=200"] == said(fresh, "[telemetry:custom] sent reason=end")
    assert ["end", "begin"] == [entry["properties"]["reason"] for entry in kept(fresh)]
    fresh.start()
    until(lambda: said(fresh, "[telemetry:custom] sent reason=begin status=200"), "The event of the next start")
    assert 1 == len({entry["instance_id"] for entry in kept(fresh)})


def test_a_receiver_sends_to_another(fresh: Receiver, tmp_path: Path) -> None:  # 001-25
    """Another receiver's webhook takes the same in; its sender keeps running when that one is gone."""
    made = told(fresh, "webhook", "add", "first-app")
    until(lambda: httpx.post(made["url"], json={}).status_code == 200, "The webhook")
    (tmp_path / "two").mkdir()
    other = Receiver(tmp_path / "two", log_level="debug", telemetry_mode="custom", telemetry_url=made["url"]).start()
    try:
        until(lambda: said(other, "[telemetry:custom] sent reason=begin status=200"), "The first event")
        assert [] == said(other, "[events]")
        assert "begin" == kept(fresh)[0]["properties"]["reason"]
        fresh.stop()
        assert other.is_ready()
        assert 0 == other.stop(signal.SIGINT)
        assert said(other, "[telemetry:custom] not sent reason=end")
    finally:
        other.close()


def test_what_cannot_be(fresh: Receiver) -> None:
    """Without an address, or with one in a file where it would not be read, the receiver says so and does not start."""
    fresh.stop()
    fresh.settings |= {"telemetry_mode": "custom"}
    [sentence] = fresh.run("serve").stderr.splitlines()
    assert "homing: telemetry_mode is custom, so telemetry_url must be set." == sentence
    config = fresh.directory / "homing.toml"
    config.write_text('telemetry_url = "https://elsewhere.example"\n')
    fresh.settings |= {"config": config}
    assert "read from the environment alone" in fresh.run("serve").stderr
