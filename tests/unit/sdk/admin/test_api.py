"""The JSON of the settings."""

from pathlib import Path
from typing import Any

import pytest

from homing import Licence, SqliteStore, Telemetry
from homing.clock import SystemClock
from homing.sdk.transports.base import Reply
from homing.testing import MemoryTransport
from tests.unit.sdk.admin.visitor import API, HERE, admin
from tests.unit.sdk.doubles import telemetry

KEYS = {
    *("enabled", "endpoint", "intervalHours", "instanceId", "clientTokenConfigured", "installProfileId"),
    *("installProfileVersion", "lastSentAt", "lastError", "lastStatus", "promptDismissed"),
}


def seqdesk(place: Path, **given: Any) -> Telemetry:
    """Make telemetry of the policy whose pages speak this JSON."""
    return telemetry(place, **{"policy": "seqdesk", "key": "", "enabled": None, **given})


def test_at_first(tmp_path: Path) -> None:
    """The documented keys and no others: off, nothing made, nothing decided."""
    answer = admin(seqdesk(tmp_path)).get(API)
    assert (200, "application/json") == (answer.status, answer.headers["Content-Type"])
    assert KEYS == set(answer.json)
    expected = {
        "enabled": False,
        "endpoint": "http://telemetry.example.com",
        "intervalHours": 24,
        "clientTokenConfigured": False,
        "promptDismissed": False,
    }
    assert {**dict.fromkeys(KEYS), **expected} == answer.json
    assert [] == list(tmp_path.iterdir())


def test_saving(tmp_path: Path) -> None:
    """It holds at once: id and token are there, and the first ping leaves within one interval."""  # 000-16
    with seqdesk(tmp_path, first_seconds=None) as sending:
        answer = admin(sending).put({"enabled": True, "intervalHours": 48})
        assert (200, True, 48, True) == (
            answer.status,
            answer.json["enabled"],
            answer.json["intervalHours"],
            answer.json["clientTokenConfigured"],
        )
        assert sending.status().instance == answer.json["instanceId"]
        assert sending.status().next_due
        assert answer.json["promptDismissed"]
        token = (tmp_path / "token").read_text().strip()
        assert token not in admin(sending).get(API).text + admin(sending).get("/").text + answer.text
        assert not admin(sending).put({"enabled": False}).json["enabled"]  # 000-21
        assert answer.json["instanceId"] == admin(sending).get(API).json["instanceId"]


def test_taking_back(tmp_path: Path) -> None:
    """An empty endpoint is the maker's again, an empty interval the usual one."""
    sending = seqdesk(tmp_path)
    assert (
        "http://localhost/x"
        == admin(sending).put({"endpoint": "http://localhost/x", "intervalHours": 12}).json["endpoint"]
    )
    for empty in ("", None):
        answer = admin(sending).put({"endpoint": empty, "intervalHours": empty})
        assert ("http://telemetry.example.com", 24) == (answer.json["endpoint"], answer.json["intervalHours"])


def test_sending_back_what_was_read(tmp_path: Path) -> None:
    """What is only told changes nothing."""
    sending = seqdesk(tmp_path)
    told = admin(sending).get(API).json
    answer = admin(sending).put({**told, "instanceId": "another", "enabled": True})
    assert (200, True) == (answer.status, answer.json["enabled"])
    assert "another" != answer.json["instanceId"]


def test_what_was_read_goes_on_coming_from_where_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unchanged values are neither saved nor refused, and pings go on going to the maker."""
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENABLED", "true")
    sending = seqdesk(tmp_path)
    told = admin(sending).get(API).json
    answer = admin(sending).put({**told, "intervalHours": 12})
    assert (200, 12) == (answer.status, answer.json["intervalHours"])
    assert ["default"] == [each.name for each in sending.status().destinations]
    assert {"telemetry.interval": 12} == SqliteStore(tmp_path / "telemetry.db").load()


def test_what_was_read_is_no_decision(tmp_path: Path) -> None:
    """A no that nobody said is not kept; one that somebody says is, though telemetry is off already."""
    sending = seqdesk(tmp_path)
    assert not admin(sending).put(admin(sending).get(API).json).json["promptDismissed"]
    assert admin(sending).put({"enabled": False}).json["promptDismissed"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"intervalHours": 0}, "Interval must be a whole number from 1 to 168."),
        ({"intervalHours": 169}, "Interval must be"),
        ({"intervalHours": 1.5}, "Interval must be"),
        ({"intervalHours": True}, "Interval must be"),
        ({"endpoint": "ftp://x"}, "Endpoint must begin with https:// or http://"),
        ({"endpoint": 5}, "Endpoint must be a URL"),
        ({"endpoint": "https://user:pass@x"}, "Endpoint must hold neither"),
        ({"enabled": "perhaps"}, "Operational telemetry is neither on nor off."),
        ({"enabled": None}, "neither on nor off"),
        ({"enabled": ""}, "neither on nor off"),
        ({"enabled": True, "intervalHours": 500}, "Interval must be"),
        ({"mode": "both"}, "Mode is no setting here."),
        ({"colour": "red"}, "There is no setting 'colour'."),
        ([], "The body must be an object."),
    ],
    ids=str,
)
def test_what_cannot_be_understood(tmp_path: Path, value: Any, words: str) -> None:
    """It is refused with a sentence, and nothing of it is kept."""
    sending = seqdesk(tmp_path)
    answer = admin(sending).put(value)
    assert (400, True) == (answer.status, words in answer.json["error"])
    assert not sending.status().enabled
    assert [] == list(tmp_path.iterdir())


def test_what_is_held_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused with 409, by environment, file, licence or veto, and nothing else of it is kept."""  # 003-05
    monkeypatch.setenv("SEQDESK_TELEMETRY_ENABLED", "true")
    answer = admin(seqdesk(tmp_path)).put({"enabled": False, "intervalHours": 12})
    assert (409, True) == (answer.status, "SEQDESK_TELEMETRY_ENABLED" in answer.json["error"])
    assert 24 == admin(seqdesk(tmp_path)).get(API).json["intervalHours"]
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    assert 409 == admin(telemetry(tmp_path / "own", enabled=None)).put({"enabled": True}).status
    licensed = telemetry(tmp_path, policy="flowfuse", key="", licence=lambda: Licence("l", "EE", is_valid=False))
    answer = admin(licensed).put({"enabled": False})
    assert (409, True) == (answer.status, "licensed installations cannot" in answer.json["error"])
    assert 409 == admin(telemetry(tmp_path, policy="sirveo", key="")).put({"mode": "custom"}).status


def test_opting_out(tmp_path: Path) -> None:
    """Of what is on at first, the administrator's no holds over a restart."""  # 003-03
    given = {"policy": "flowfuse", "key": "", "enabled": None}
    with telemetry(tmp_path, **given) as sending:
        assert admin(sending).get(API).json["enabled"]
        assert not admin(sending).put({"enabled": False}).json["enabled"]
    with telemetry(tmp_path, **given) as sending:
        assert not admin(sending).get(API).json["enabled"]


def test_dismissing(tmp_path: Path) -> None:
    """Whoever dismisses the question has said no, and is not asked again."""
    sending = seqdesk(tmp_path)
    answer = admin(sending).put({"promptDismissed": True})
    assert (True, False, "database") == (answer.json["promptDismissed"], answer.json["enabled"], sending.status().layer)
    admin(sending).put({"enabled": True})
    assert admin(sending).put({"promptDismissed": True}).json["enabled"]


def test_the_install_profile(tmp_path: Path) -> None:
    """Its id and version are told."""
    profile = tmp_path / "profile.json"
    profile.write_text('{"id": "twincore", "version": "1.0.0", "telemetry": {"enabled": true}}')
    sending = seqdesk(tmp_path)
    sending.seed(sending.first_settings(profile=profile), who="setup")
    found = admin(sending).get(API).json
    assert ("twincore", "1.0.0", True) == (found["installProfileId"], found["installProfileVersion"], found["enabled"])


def test_a_test(tmp_path: Path) -> None:
    """It sends now: 400 while off, 502 with the reason where it failed, 200 with status and time."""
    transport = MemoryTransport(Reply(500, "The receiver answered 500."))
    with seqdesk(tmp_path, transport=transport) as sending:
        off = admin(sending).test()
        assert (400, False) == (off.status, off.json["success"])
        assert [] == transport.requests
        admin(sending).put({"enabled": True})
        failed = admin(sending).test()
        assert (502, {"success": False, "reason": "The receiver answered 500."}) == (failed.status, failed.json)
        assert (500, "The receiver answered 500.") == tuple(
            admin(sending).get(API).json[name] for name in ("lastStatus", "lastError")
        )


def test_a_test_that_succeeds(tmp_path: Path) -> None:
    """Status and time are those of the ping."""
    with seqdesk(tmp_path, enabled=True) as sending:
        answer = admin(sending).test()
        assert {"success": True, "status": 200, "lastSentAt": "2024-10-04T00:00:00.000Z"} == answer.json
        assert answer.json["lastSentAt"] == admin(sending).get(API).json["lastSentAt"]


def test_a_test_before_the_set_up(tmp_path: Path) -> None:
    """While the application is not set up nothing leaves, and the test says so."""
    transport = MemoryTransport()
    with seqdesk(tmp_path, enabled=True, initialised=lambda: False, transport=transport) as sending:
        answer = admin(sending).test()
    assert (502, []) == (answer.status, transport.requests)
    assert "not set up yet" in answer.json["reason"]


def test_a_test_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It succeeds where each destination took it, and names the one that did not."""
    monkeypatch.setenv("SIRVEO_TELEMETRY_MODE", "both")
    monkeypatch.setenv("SIRVEO_TELEMETRY_URL", "http://own.example.com/x")

    class Half(MemoryTransport):
        def send(self, request: Any, deadline: Any) -> Reply:
            super().send(request, deadline)
            return Reply(200) if "own" in request.endpoint.url else Reply(None, "The connection was refused.")

    # Time must go on: that is how an attempt is told from the one at the start.
    given = {"policy": "sirveo", "key": "", "enabled": None, "transport": Half(), "clock": SystemClock()}
    with telemetry(tmp_path, **given) as sending:
        assert {"success": False, "reason": "default: The connection was refused."} == admin(sending).test().json


def test_methods_and_types(tmp_path: Path) -> None:
    """Others are refused in JSON, with what would do."""
    visitor = admin(seqdesk(tmp_path))
    wrong = visitor.ask("DELETE", API, **HERE)
    assert (405, "GET, HEAD, PUT") == (wrong.status, wrong.headers["Allow"])
    assert (405, "POST") == ((wrong := visitor.get(f"{API}/test")).status, wrong.headers["Allow"])
    wrong = visitor.ask("PUT", API, b"enabled=true", CONTENT_TYPE="application/x-www-form-urlencoded", **HERE)
    assert (415, "The body must be JSON.") == (wrong.status, wrong.json["error"])
    assert 400 == visitor.ask("PUT", API, b"{", CONTENT_TYPE="application/json").status


def test_other_sites(tmp_path: Path) -> None:
    """A page of another origin changes nothing, even with the administrator's session."""
    sending = seqdesk(tmp_path)
    answer = admin(sending).put({"enabled": True}, HTTP_ORIGIN="https://evil.example.com")
    assert (403, False) == (answer.status, sending.status().enabled)
    plain = admin(sending).ask("POST", f"{API}/test", CONTENT_TYPE="text/plain")
    assert 403 == plain.status
