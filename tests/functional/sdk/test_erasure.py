"""Asking a receiver to erase what it has: over real sockets."""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from homing import SettingsError
from homing.clock import SystemClock
from homing.sdk.erasure import Erasure
from tests.functional.sdk.listener import listener
from tests.unit.sdk.commands.calls import Capture, called
from tests.unit.sdk.doubles import telemetry


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


RECEIPT = b'{"instance_id": "x", "at": 1, "apps": 1, "days": 3, "history": 7}'


def known(place: Path, endpoint: str, **given: Any) -> Any:
    """Return telemetry that has sent, though nobody heard it."""
    sending = telemetry(place, endpoint=endpoint, key="secret-key", **given)
    sending.send_once()
    return sending


@pytest.mark.parametrize(
    ("path", "asked"),
    [("", "/v1/erase"), ("/v1/pings", "/v1/erase"), ("/in/k/v1/pings", "/in/k/v1/erase")],
)
def test_what_is_asked(tmp_path: Path, path: str, asked: str) -> None:
    """The request goes beside the pings, with the app's key and the id; the answer is the receipt."""
    with listener(answer("200 OK", RECEIPT)) as there:
        sending = known(tmp_path, f"{there.url}{path}")
        [done] = sending.erase()
    [received] = there.received
    assert (f"POST {asked} HTTP/1.1", "Bearer secret-key") == (received.line, received.headers["Authorization"])
    assert {"instance_id": sending.status().instance} == json.loads(received.body)
    assert Erasure("default", f"{there.url}{asked}", json.loads(RECEIPT)) == done


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (answer("401 Unauthorized", b'{"error": "The key is wrong."}'), "The answer was 401: The key is wrong."),
        (answer("404 Not Found", b"<html>"), "The answer was 404."),
        (answer("503 Busy", b"[]"), "The answer was 503."),
        (answer("400 No", b"[" * 60_000), "The answer was 400."),
        (b"nonsense\r\n\r\n", "The answer cannot be read: it is not HTTP."),
        (b"", "The connection was closed without an answer."),
    ],
)
def test_refusals(tmp_path: Path, said: bytes, problem: str) -> None:
    """Whatever is answered, there is one sentence."""
    with listener(said) as there:
        [done] = known(tmp_path, there.url).erase()
    assert done.receipt is None
    assert done.problem is not None
    assert done.problem.startswith(problem)


def test_nobody_there(tmp_path: Path) -> None:
    """A receiver that cannot be reached is a sentence too."""
    with listener() as there:
        url = there.url
    assert "refused" in str(known(tmp_path, url).erase()[0].problem)


def test_redirects(tmp_path: Path) -> None:
    """The key goes nowhere else."""
    with listener() as other:
        moved = answer("307 Temporary Redirect", Location=f"{other.url}/v1/erase")
        with listener(moved) as there:
            [done] = known(tmp_path, there.url).erase()
    assert (["The answer was 307."], []) == ([done.problem], other.received)


def test_certificates(tmp_path: Path, certificate: Path) -> None:
    """A receiver whose certificate nobody vouches for is told nothing; one that the application believes is asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with listener(answer("200 OK", RECEIPT), context) as there:
        [refused] = known(tmp_path, there.url).erase()
        assert ([], True) == (there.received, "certificate" in str(refused.problem).lower())
        [done] = known(tmp_path, there.url, ca_file=certificate).erase()
    assert json.loads(RECEIPT) == done.receipt


@pytest.mark.parametrize("policy", ["seqdesk", "sirveo", "flowfuse", "slackonos"])
def test_other_forms(tmp_path: Path, capsys: Capture, policy: str) -> None:
    """They know no such request."""
    said = called(capsys, tmp_path, "delete-my-data", "-y", policy=policy)
    assert 2 == said.code
    assert said.err.endswith("knows no request to erase: ask those who receive it, by the id.\n")


def test_nothing_was_sent(tmp_path: Path, capsys: Capture) -> None:
    """Without an id there is nothing to ask for."""
    with pytest.raises(SettingsError, match="There is no id"):
        telemetry(tmp_path).erase()
    said = called(capsys, tmp_path, "delete-my-data", "-y")
    assert (2, []) == (said.code, list(tmp_path.iterdir()))


def test_another_path(tmp_path: Path) -> None:
    """An address of another shape tells nothing of where to ask."""
    with listener() as there:
        [done] = known(tmp_path, f"{there.url}/webhook").erase()
    assert ([], "An address that ends in /v1/pings is needed to know the other.") == (there.received, done.problem)


def test_the_command(tmp_path: Path, capsys: Capture) -> None:
    """It switches off first, shows the receipt, and begins anew under another id."""
    with listener(answer("200 OK", RECEIPT)) as there:
        before = known(tmp_path, there.url).status().instance
        given = {"endpoint": there.url, "key": "secret-key", "enabled": True, "clock": SystemClock()}
        said = called(capsys, tmp_path, "delete-my-data", "-y", **given)
    assert (0, "", before) == (said.code, said.err, json.loads(there.received[0].body)["instance_id"])
    assert f"erased by\t{there.url}/v1/erase\n" in said.out
    assert "history\t7\n" in said.out
    after = telemetry(tmp_path, enabled=None)
    assert (False, "database") == after.status()[:2]
    assert before != after.about().instance


def test_a_no_of_this_shell_alone(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes may have other variables: the no is kept for them."""
    with listener(answer("200 OK", RECEIPT)) as there:
        known(tmp_path, there.url)
        monkeypatch.setenv("DO_NOT_TRACK", "1")
        assert 0 == called(capsys, tmp_path, "delete-my-data", "-y", endpoint=there.url).code
    monkeypatch.delenv("DO_NOT_TRACK")
    assert (False, "database") == telemetry(tmp_path, enabled=None).status()[:2]


def test_nobody_to_ask(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the address cannot be used nothing was erased: that is said, and the id stays."""
    before = known(tmp_path, "http://127.0.0.1:9").status().instance
    monkeypatch.setenv("HOMING_TELEMETRY_ENDPOINT", "nonsense")
    said = called(capsys, tmp_path, "delete-my-data", "-y")
    assert (2, before) == (said.code, telemetry(tmp_path).about().instance)
    assert "There is nobody to ask." in said.err
    assert (False, "database") == telemetry(tmp_path, enabled=None).status()[:2]


def test_the_command_fails(tmp_path: Path, capsys: Capture) -> None:
    """Then telemetry is off all the same, and the id stays so that it can be tried again."""
    with listener(answer("503 Busy")) as there:
        before = known(tmp_path, there.url).status().instance
        said = called(capsys, tmp_path, "delete-my-data", "-y", endpoint=there.url, enabled=True)
    assert (1, before) == (said.code, telemetry(tmp_path).about().instance)
    assert ["The answer was 503.", "Telemetry is off; the id was kept, so that it can be tried again."] == [
        line.removeprefix("acme delete-my-data: ").removeprefix("default: ") for line in said.err.splitlines()
    ]
    assert not telemetry(tmp_path, enabled=None).status().enabled
