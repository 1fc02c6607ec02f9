"""Sirveo's event."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from homing import Licence
from tests.unit.sdk.doubles import ENDPOINT, keys, sent

DOCUMENTED = {
    *("build_version", "build_commit", "build_time", "build_mode", "build_os", "build_arch"),
    *("instance_id", "license_valid", "reason", "checksum"),
}
BUILD = {
    "build_commit": "4379644",
    "build_time": "2024-02-16T23:06:23+02:00",
    "build_mode": "licenced",
    "build_os": "windows",
    "build_arch": "amd64",
}
LICENCE = Licence("l-1", "EE", key="secret key")


def events(place: Path, **given: Any) -> list[Any]:
    """Return the bodies of one run, to the maker unless it is told otherwise."""
    return [body for _, body in sent(place, policy="sirveo", key="", **given)]


def expected_checksum(body: dict[str, Any]) -> str:
    """Return what the checksum of the other fields must be."""
    others = {name: value for name, value in body.items() if name != "checksum"}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_fields(tmp_path: Path) -> None:
    """Every body has the documented keys and no others; the build's are those the host gives."""  # 001-16 001-21
    for body in events(tmp_path, values=BUILD):
        assert DOCUMENTED == keys(body)
        assert {name: body[name] for name in BUILD} == BUILD
        assert "1.2.3" == body["build_version"]


def test_the_life_of_a_server(tmp_path: Path) -> None:
    """The first event says begin, those in between update, the last one end."""  # 001-06 001-07 001-08
    assert ["begin", "update", "end"] == [body["reason"] for body in events(tmp_path)]


def test_go_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """System and processor have the names that Go gives them."""  # 001-16
    named = {("linux", "x86_64"): ("linux", "amd64"), ("darwin", "arm64"): ("darwin", "arm64")}
    for (system, machine), wanted in named.items():
        monkeypatch.setattr("sys.platform", system)
        monkeypatch.setattr(
            "homing.sdk.wire.base.os.uname", lambda machine=machine: type("U", (), {"machine": machine})
        )
        body = events(tmp_path)[0]
        assert wanted == (body["build_os"], body["build_arch"])


def test_the_licence(tmp_path: Path) -> None:
    """The key's hash is there only with a licence, and an expired one is not valid."""  # 001-18
    key_hash = hashlib.sha256(b"secret key").hexdigest()
    with_one = events(tmp_path, licence=lambda: LICENCE)[0]
    assert (key_hash, True) == (with_one["license_key_hash"], with_one["license_valid"])
    expired = events(tmp_path, licence=lambda: LICENCE._replace(is_valid=False))[0]
    assert (key_hash, False) == (expired["license_key_hash"], expired["license_valid"])
    without = events(tmp_path)[0]
    assert (False, False) == ("license_key_hash" in without, without["license_valid"])


def test_the_checksum(tmp_path: Path) -> None:
    """It is made of what is sent: of another reason, and without what the host took out."""  # 001-19
    bodies = events(tmp_path, values=BUILD)
    assert [expected_checksum(body) for body in bodies] == [body["checksum"] for body in bodies]
    assert 3 == len({body["checksum"] for body in bodies})
    less = events(tmp_path, before_send=lambda body: {**body, "build_os": None, "more": 1})[0]
    assert (None, expected_checksum(less), False) == (less["build_os"], less["checksum"], "more" in less)


def test_two_destinations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, token and custom_id of the operator's go to the own destination only; the rest is the same."""
    # 001-03 001-05 001-10 001-11 001-12 001-13 001-20
    for name, value in {
        "MODE": "both",
        "URL": "https://own.example.com/hook?x=1",
        "IDENTIFIER": "rack 4",
    }.items():
        monkeypatch.setenv(f"SIRVEO_TELEMETRY_{name}", value)
    monkeypatch.setenv("SIRVEO_TELEMTRY_AUTH", "own token")
    requests = sent(tmp_path, policy="sirveo", key="", values=BUILD)
    own = [(request, body) for request, body in requests if request.endpoint.host == "own.example.com"]
    maker = [(request, body) for request, body in requests if request.endpoint.url == ENDPOINT]
    assert (3, 3) == (len(own), len(maker))
    assert {"User-Agent": "Sirveo", "Authorization": "Bearer own token"} == own[0][0].headers
    assert {"User-Agent": "Sirveo"} == maker[0][0].headers
    assert "/hook?x=1" == own[0][0].endpoint.path
    assert (DOCUMENTED | {"custom_id"}, DOCUMENTED) == (keys(own[0][1]), keys(maker[0][1]))
    assert {"custom_id": "rack 4", "checksum": own[0][1]["checksum"]} == {
        name: value for name, value in own[0][1].items() if maker[0][1].get(name) != value
    }
    assert expected_checksum(own[0][1]) == own[0][1]["checksum"]
