"""Update checks over real sockets."""

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from bench.endpoints import HANGING_NAMES, black_hole, refused, slow_drip
from homing import SettingsError, Telemetry, Update, UpdateCheck
from homing.sdk.transports.answers import MOST_BODY
from homing.sdk.update import DEVICE_HEADER, ROLLOUT_FILE
from homing.sdk.update_forms import FORMS, Rollout
from homing.testing import MemoryTransport
from tests.functional.receiver import environment
from tests.functional.sdk.listener import Listener, listener

LATEST: Final[dict[str, Any]] = {
    "update_available": True,
    "critical": True,
    "update_url_dmg": "https://cdn.example.com/acme-2.0.0.dmg",
    "update_url_pkg": "https://cdn.example.com/acme-2.0.0.pkg",
    "changelog": "### Changelog\n\n- Ünder the hood",
}
NONE: Final[dict[str, Any]] = {"update_available": False, "critical": False, "possible_rollback": False}
TOO_SLOW: Final = "There was no answer within 5 seconds."


def answer(body: Any, status: str = "200 OK", *, headers: str = "") -> bytes:
    """Return an answer with a body."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(text)}\r\n\r\n".encode() + text


def chunked(body: bytes, *, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return an answer in chunks."""
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def checked(body: Any, **given: Any) -> Update:
    """Return what a check makes of an answer."""
    with listener(body if isinstance(body, bytes) else answer(body)) as there:
        return check_at(there, **given).check()


def check_at(there: Listener, **given: Any) -> UpdateCheck:
    """Return a check at a listener."""
    return UpdateCheck(**{"url": there.url, "app": "acme", "version": "1.2.3", "channel": "stable", **given})


# What is asked.


def test_the_request(tmp_path: Path) -> None:
    """It asks as the document does, and without telemetry it carries no id; nothing is left behind."""
    with listener(answer(LATEST)) as there:
        check_at(there, platform="darwin", arch="x64", directory=tmp_path / "own").check()
        [received] = there.received
    assert "GET /checkVersion?app_name=acme&version=1.2.3&channel=stable&platform=darwin&arch=x64 HTTP/1.1" == (
        received.line
    )
    assert {"Host", "Connection", "User-Agent", "Accept"} == set(received.headers)
    assert (b"", []) == (received.body, list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"owner": "ada"}, "/checkVersion?app_name=acme&version=1.2.3&channel=stable&platform=p&arch=a&owner=ada"),
        ({"key": "abc"}, "/in/abc/checkVersion?app_name=acme&version=1.2.3&channel=stable&platform=p&arch=a"),
        ({"channel": ""}, "/checkVersion?app_name=acme&version=1.2.3&platform=p&arch=a"),
        ({"form": "seqdesk"}, "/api/version?current=1.2.3&channel=stable"),
    ],
)
def test_where_to_ask(given: dict[str, Any], path: str) -> None:
    """The form says where; what is not given is not asked."""
    with listener(answer(LATEST)) as there:
        check_at(there, **{"platform": "p", "arch": "a", **given}).check()
        check_at(there, **{"platform": "p", "arch": "a", **given, "url": f"{there.url}/own/", "key": ""}).check()
        first, second = (received.line for received in there.received)
    assert f"GET {path} HTTP/1.1" == first
    assert f"GET /own?{path.partition('?')[2]} HTTP/1.1" == second


def test_the_machine() -> None:
    """Platform and processor are those of the machine, as Go calls them, where nobody says otherwise."""
    with listener(answer(LATEST)) as there:
        check_at(there).check()
        [received] = there.received
    known = {"x86_64": "amd64", "aarch64": "arm64"}
    machine = os.uname().machine
    assert received.line.split()[1].endswith(f"&platform={sys.platform}&arch={known.get(machine, machine)}")


@pytest.mark.parametrize(
    "given",
    [
        {"url": "ftp://x.example.com"},
        {"url": "https://x.example.com/?a=b"},
        {"url": "https://x.example.com/own", "key": "k"},
        {"app": ""},
        {"app": "a/b"},
        {"version": "1.0 beta"},
        {"channel": "sta-ble"},
        {"platform": "ü"},
        {"arch": 5},
        {"owner": "x" * 101},
        {"form": "sparkle"},
    ],
)
def test_wrong_arguments(given: dict[str, Any]) -> None:
    """They are told at once."""
    with pytest.raises(SettingsError):
        UpdateCheck(**{"url": "https://x.example.com", "app": "acme", "version": "1", **given})


def test_all_wrong_arguments() -> None:
    """Each of them, in one go."""
    with pytest.raises(SettingsError) as raised:
        UpdateCheck(url="nowhere", app="", version="", form="x")
    assert 4 == len(raised.value.problems)


# The id.


def on(place: Path, there: Listener, **given: Any) -> Telemetry:
    """Return telemetry that is on and sends nothing but to memory."""
    usual = {"app": "acme", "version": "1.2.3", "key": "k", "endpoint": there.url, "directory": place}
    return Telemetry(**{**usual, "enabled": True, "first_seconds": 3600, "transport": MemoryTransport(), **given})


def devices(there: Listener) -> list[str | None]:
    """Return the device id of each check so far."""
    return [received.headers.get(DEVICE_HEADER) for received in there.received]


def test_one_id_for_every_check(tmp_path: Path) -> None:
    """It is the instance's random UUID, kept over restarts, other for others, and says nothing."""  # 002-11 002-12
    with listener(answer(NONE)) as there:
        for _start in range(2):
            with on(tmp_path / "one", there) as telemetry:
                check = check_at(there, telemetry=telemetry)
                assert [None, None] == [check.check().problem for _ in range(2)]
                instance = telemetry.status().instance
        with on(tmp_path / "two", there) as telemetry:
            check_at(there, telemetry=telemetry).check()
        *first, other = devices(there)
    assert [instance] * 4 == first
    assert other not in (None, instance)
    assert 4 == uuid.UUID(instance).version


def test_no_id_without_consent(tmp_path: Path) -> None:
    """Off, not started, not initialised, or off since in another process: the check is made without one."""  # 002-12
    with listener(answer(NONE)) as there:
        with on(tmp_path, there, enabled=None) as telemetry:
            check = check_at(there, telemetry=telemetry)
            check.check()
            assert [] == list(tmp_path.iterdir())
            telemetry.save({"enabled": True}, who="ada")
            check.check()
            on(tmp_path, there, enabled=None).save({"enabled": False}, who="ada")
            check.check()
        check_at(there, telemetry=on(tmp_path / "own", there)).check()
        with on(tmp_path / "own", there, initialised=lambda: False) as telemetry:
            check_at(there, telemetry=telemetry).check()
        found = devices(there)
    assert [None, True, None, None, None] == [found[0], bool(found[1]), *found[2:]]


def test_what_is_the_operator_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the maker hears nothing, its update server sees no id; the operator's own host may."""
    with listener(answer(NONE)) as there, listener(answer(NONE)) as elsewhere:
        monkeypatch.setenv("HOMING_TELEMETRY_ENDPOINT", there.url)
        with on(tmp_path, elsewhere) as telemetry:
            check_at(there, telemetry=telemetry).check()
            away = elsewhere.url.replace("localhost", "127.0.0.1")
            check_at(elsewhere, url=away, telemetry=telemetry).check()
        assert [True, [None]] == [bool(devices(there)[0]), devices(elsewhere)]


def test_a_place_that_is_none(tmp_path: Path) -> None:
    """Where the id cannot be kept there is none, and the check is made."""
    (tmp_path / "file").touch()
    with listener(answer(LATEST)) as there:
        with on(tmp_path / "file" / "own", there) as telemetry:
            assert check_at(there, telemetry=telemetry).check().is_available
            assert telemetry.device_id("nonsense") is None
        assert [None] == devices(there)


# What is answered.

DMG, PKG = ("dmg", LATEST["update_url_dmg"]), ("pkg", LATEST["update_url_pkg"])


@pytest.mark.parametrize(
    ("body", "update"),
    [
        (LATEST, Update(is_available=True, is_critical=True, urls=(DMG, PKG), changelog=LATEST["changelog"])),
        (
            {"update_available": True, "update_url": DMG[1], "is_intermediate_required": True},
            Update(is_available=True, urls=(("", DMG[1]),), is_intermediate=True),
        ),
        (NONE | {"update_url_dmg": DMG[1], "update_url": ""}, Update(urls=(DMG,))),
        (NONE | {"possible_rollback": True}, Update(is_rollback=True)),
    ],
    ids=["update", "through an intermediate", "equal", "newer"],
)
def test_faynosync(body: dict[str, Any], update: Update) -> None:
    """Each case of the document's server."""
    assert update == checked(body)
    assert update.url == (update.urls[0][1] if update.urls else None)


@pytest.mark.parametrize(
    ("body", "update"),
    [
        (
            {"updateAvailable": True, "latest": {"version": "1.1.131", "downloadUrl": DMG[1]}},
            Update(is_available=True, version="1.1.131", urls=(("", DMG[1]),)),
        ),
        ({"updateAvailable": False, "latest": {"version": "1.1.130"}}, Update(version="1.1.130")),
        ({"updateAvailable": False, "latest": None}, Update()),
    ],
)
def test_seqdesk(body: dict[str, Any], update: Update) -> None:
    """Each case of SeqDesk's server."""
    assert update == checked(body, form="seqdesk")


@pytest.mark.parametrize("body", [chunked(json.dumps(LATEST).encode()), answer(LATEST, headers="X-Own: yes\r\n")])
def test_transfers(body: bytes) -> None:
    """With a length or in chunks, the body is the same."""
    assert DMG[1] == checked(body).url


NOT_JSON: Final = "The answer cannot be understood: it is not JSON."
CUT_OFF: Final = "The connection was closed without an answer."


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            answer({"error": "invalid channel parameter\x1b[31m"}, "400 Bad Request"),
            "The answer was 400: invalid channel parameter[31m.",
        ),
        (answer(b"nginx", "502 Bad Gateway"), "The answer was 502."),
        (answer(b"", "302 Found", headers="Location: http://127.0.0.1:9/\r\n"), "The answer was 302."),
        (answer(b"{"), NOT_JSON),
        (answer(b"\xff"), NOT_JSON),
        (answer(b"[" * 60_000), NOT_JSON),
        (answer([]), "The answer cannot be understood: it is no object."),
        (answer({}), "The answer cannot be understood: update_available is neither true nor false."),
        (answer(LATEST | {"critical": "no"}), "The answer cannot be understood: critical is neither true nor false."),
        (answer(LATEST | {"changelog": 5}), "The answer cannot be understood: changelog is no text."),
        (answer(LATEST | {"update_url": 5}), "The answer cannot be understood: it has an address that is none."),
        (
            answer(LATEST | {"update_url": "javascript:alert(1)"}),
            "The answer cannot be understood: it has an address that is none.",
        ),
        (answer(LATEST | {"rollout": 5}), "The answer cannot be understood: rollout has no percent and seed."),
        (
            answer(LATEST | {"rollout": {"percent": 101, "seed": "a"}}),
            "The answer cannot be understood: rollout has no percent and seed.",
        ),
        (answer(b"x" * (MOST_BODY + 1)), "The answer cannot be read: its body is too long."),
        (chunked(b"x" * (MOST_BODY + 1), end=b""), "The answer cannot be read: its body is too long."),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "The answer cannot be read: it is not HTTP."),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "The answer cannot be read: it is not HTTP."),
    ],
)
def test_problems(body: bytes, problem: str) -> None:
    """Whatever is answered, it is said in a sentence, and nothing is raised."""
    assert Update(problem=problem) == checked(body)


class Hasty(Listener):
    """A server that closes the connection when it has said all it has to say."""

    def _serve(self, caller: Any) -> None:
        answered, self._answer = self._answer, b""
        super()._serve(caller)
        self._answer = answered
        caller.sendall(answered)


@pytest.mark.parametrize(
    ("body", "update"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(NONE).encode(), Update()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}", Update(problem=CUT_OFF)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Enc", Update(problem=NOT_JSON)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", Update(problem=CUT_OFF)),
        (b"", Update(problem=CUT_OFF)),
    ],
    ids=["without a length", "cut off", "half a head", "half a chunk", "nothing"],
)
def test_connections_that_end(body: bytes, update: Update) -> None:
    """What ends with its connection is whole only where no length was told."""
    with listener(body, kind=Hasty) as there:
        assert update == check_at(there).check()


def test_one_limit_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue and an answer byte by byte cost no more than the limit, a refusal next to nothing."""
    monkeypatch.setattr("homing.sdk.update.LIMIT_SECONDS", 0.4)
    for endpoint, wanted in ((black_hole, TOO_SLOW), (slow_drip, TOO_SLOW), (refused, "The connection was refused.")):
        with endpoint() as url:
            began = time.monotonic()
            assert Update(problem=wanted) == UpdateCheck(url=url, app="acme", version="1").check()
            assert time.monotonic() - began < 0.9


def test_a_name_that_is_never_found() -> None:
    """The look-up cannot be interrupted, and holds nobody up longer than the limit."""
    code = f"""{HANGING_NAMES}
from homing import UpdateCheck
began = time.monotonic()
print(UpdateCheck(url="http://updates.invalid", app="acme", version="1").check().problem)
print(time.monotonic() - began < 6)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True, timeout=60
    )
    assert [TOO_SLOW, "True"] == done.stdout.splitlines()


def test_the_last_one() -> None:
    """What was understood last stays, whatever hinders the next check."""
    with listener(answer(LATEST)) as there:
        check = check_at(there)
        assert Update() == check.last
        check.check()
    assert check.check().problem
    assert (True, None) == (check.last.is_available, check.last.problem)


# A release for a part of them.


def test_who_is_in() -> None:
    """The first eight bytes of the digest, big-endian, modulo 100, below the percentage."""
    for number in range(200):
        device, seed = str(uuid.UUID(int=number)), f"seed {number % 3}"
        place = int(hashlib.sha256(f"{device}:{seed}".encode()).hexdigest()[:16], 16) % 100
        assert [place < 0, place < 30, place < place + 1] == [
            Rollout(percent, seed).includes(device) for percent in (0, 30, place + 1)
        ]
        assert not Rollout(place, seed).includes(device)
    # `printf device-1:abc | sha256sum` begins with ca0297b586326634, which is 44 modulo 100.
    assert 45 == next(percent for percent in range(101) if Rollout(percent, "abc").includes("device-1"))


def rolled(percent: int) -> dict[str, Any]:
    """Return an answer for so many percent."""
    return LATEST | {"rollout": {"percent": percent, "seed": "release 7"}}


def first_percent(check: UpdateCheck, answers: Mapping[int, bytes], there: Listener) -> int:
    """Return the smallest percentage that the installation is in."""
    low, high = 0, 100
    while low < high:
        middle = (low + high) // 2
        there._answer = answers[middle]  # noqa: SLF001 - our own double
        update = check.check()
        assert update.is_available != update.is_waiting
        low, high = (low, middle) if update.is_available else (middle + 1, high)
    return low


def test_decided_here(tmp_path: Path) -> None:
    """By the instance's id where that is sent; else by one that never leaves, and holds over restarts."""
    answers = {percent: answer(rolled(percent)) for percent in range(101)}
    with listener() as there:
        with on(tmp_path / "on", there) as telemetry:
            found = first_percent(check_at(there, telemetry=telemetry, directory=tmp_path), answers, there)
            instance = telemetry.status().instance
        assert Rollout(found, "release 7").includes(instance)
        assert not Rollout(found - 1, "release 7").includes(instance)
        assert ["on"] == [path.name for path in tmp_path.iterdir()]
        there.received.clear()
        local = [first_percent(check_at(there, directory=tmp_path), answers, there) for _ in range(2)]
        kept = (tmp_path / ROLLOUT_FILE).read_text().strip()
        assert (local[0], False) == (local[1], any(kept in repr(received) for received in there.received))
        assert (0o600, True) == ((tmp_path / ROLLOUT_FILE).stat().st_mode & 0o777, bool(uuid.UUID(kept)))
        assert Rollout(local[0], "release 7").includes(kept)
        assert not Rollout(local[0] - 1, "release 7").includes(kept)
        # Without a place for it the decision holds for the run.
        check = check_at(there, directory=tmp_path / ROLLOUT_FILE)
        assert first_percent(check, answers, there) == first_percent(check, answers, there)


def test_forms() -> None:
    """There are these two."""
    assert {"faynosync", "seqdesk"} == set(FORMS)
