"""Signing in and out, and the one-time password."""

import sqlite3
from contextlib import closing

import httpx
import pytest

from homing.server.accounts.lockout import FREE_TRIES
from tests.functional.api.conftest import OWN, PASSWORD, World, one_time_password
from tests.functional.receiver import Receiver, until

REPORT = "/api/v1/report"
COOKIE = "homing_session"


def sign_in(client: httpx.Client, name: str, password: str) -> httpx.Response:
    """Sign in."""
    return client.post("/api/v1/sign-in", json={"name": name, "password": password})


def change(client: httpx.Client, old: str, new: str) -> httpx.Response:
    """Change the password."""
    return client.post("/api/v1/password", json={"old": old, "new": new})


def test_the_one_time_password_must_be_changed(fresh: tuple[Receiver, httpx.Client]) -> None:
    """With the password the receiver announces one can sign in and do nothing but change it."""
    receiver, client = fresh
    once = one_time_password(receiver)
    assert {"name": "admin", "must_change": True} == sign_in(client, "admin", once).json()
    refused = client.get(REPORT)
    assert (403, {"error": "Change the one-time password first."}) == (refused.status_code, refused.json())
    assert 400 == change(client, once, "short").status_code
    assert "present password" in change(client, "wrong", PASSWORD).json()["error"]
    assert 204 == change(client, once, PASSWORD).status_code
    assert 401 == client.get(REPORT).status_code
    assert 401 == sign_in(client, "admin", once).status_code
    assert {"name": "admin", "must_change": False} == sign_in(client, "admin", PASSWORD).json()
    assert 200 == client.get(REPORT).status_code
    kept = b"".join(file.read_bytes() for file in receiver.directory.glob("homing.db*"))
    assert not any(secret.encode() in kept for secret in (once, PASSWORD, client.cookies[COOKIE]))


def test_signing_out(world: World) -> None:
    """After signing out the session's token opens nothing, even if it was kept."""
    with world.signed_in(world.mine) as client:
        token = client.cookies[COOKIE]
        assert 200 == client.get(REPORT).status_code
        answer = client.post("/api/v1/sign-out")
        assert (204, b"") == (answer.status_code, answer.content)
        assert COOKIE not in client.cookies
        assert 401 == client.post("/api/v1/sign-out").status_code
    assert 401 == httpx.get(world.address + REPORT, cookies={COOKIE: token}).status_code


def test_the_cookie(world: World) -> None:
    """The cookie is kept from scripts and from other sites, and ends after 14 days."""
    with httpx.Client(base_url=world.address, headers=OWN) as client:
        cookie = sign_in(client, "mine", PASSWORD).headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/", "max-age=1209600"):
        assert part in cookie


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "é", "../..", "a" * 4000])
def test_forged_cookies(world: World, token: str) -> None:
    """A cookie that was not dealt is as good as none."""
    answer = httpx.get(world.address + REPORT, headers=[(b"cookie", f"{COOKIE}={token}".encode("latin-1"))])
    assert (401, "Bearer") == (answer.status_code, answer.headers["www-authenticate"])
    assert answer.json()["error"].startswith("Sign in")


def test_sessions_that_ended(world: World) -> None:
    """A session that is past its time is as good as none."""
    with world.signed_in(world.theirs) as client:
        with closing(sqlite3.connect(world.receiver.store)) as connection, connection:
            connection.execute("UPDATE session SET expires = 1")
        assert 401 == client.get(REPORT).status_code


def test_wrong_names_and_passwords(world: World) -> None:
    """Neither a wrong name nor a wrong password is told apart."""
    with httpx.Client(base_url=world.address, headers={"X-Forwarded-For": "198.51.100.2"}) as client:
        answers = [sign_in(client, *given) for given in (("theirs", "wrong"), ("nobody", PASSWORD))]
    assert {(401, '{"error":"Name or password is not right."}')} == {(each.status_code, each.text) for each in answers}


def test_too_many_tries(fresh: tuple[Receiver, httpx.Client]) -> None:
    """After five wrong passwords the next try must wait, even with the right one; each is counted by its outcome."""
    receiver, client = fresh
    assert [401] * FREE_TRIES == [sign_in(client, "admin", str(number)).status_code for number in range(FREE_TRIES)]
    answer = sign_in(client, "admin", one_time_password(receiver))
    assert (429, "1") == (answer.status_code, answer.headers["retry-after"])
    assert {"error": "Too many wrong passwords; try again in 1 second."} == answer.json()
    metrics = client.get("/metrics").text
    assert f'homing_sign_ins_total{{outcome="password_wrong"}} {FREE_TRIES}.0' in metrics
    assert 'homing_sign_ins_total{outcome="locked_out"} 1.0' in metrics


def test_present_passwords_cannot_be_guessed(fresh: tuple[Receiver, httpx.Client]) -> None:
    """Whoever found an open session cannot find out its password by changing it."""
    receiver, client = fresh
    assert 200 == sign_in(client, "admin", one_time_password(receiver)).status_code
    answers = [change(client, str(number), PASSWORD) for number in range(FREE_TRIES + 1)]
    assert [*[400] * FREE_TRIES, 429] == [answer.status_code for answer in answers]


def test_the_session_before_ends(world: World) -> None:
    """Signing in again in one browser leaves one session, not two."""
    with world.signed_in(world.mine) as client:
        before = client.cookies[COOKIE]
        until(lambda: sign_in(client, "mine", PASSWORD).status_code == 200, "Signing in again")
        assert before != client.cookies[COOKIE]
    assert 401 == httpx.get(world.address + REPORT, cookies={COOKIE: before}).status_code


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b'{"name":"mine","password":"x"}', 415),
        ("application/x-www-form-urlencoded", b"name=mine", 415),
        ("application/json", b"", 400),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b'{"name":"mine"}', 400),
        ("application/json", b'{"name":1,"password":"x"}', 400),
        ("application/json", b'{"name":"\xff","password":"x"}', 400),
        ("application/json", b'{"name":"\\ud800","password":"x"}', 400),
        ("application/json", b'{"x":' + b"[" * 50_000, 400),
        ("application/json", b'{"name":"' + b"x" * 201 + b'","password":"x"}', 400),
        ("application/json", b" " * 70_000, 413),
    ],
)
def test_bodies_that_will_not_do(world: World, kind: str, body: bytes, status: int) -> None:
    """A body that is not the documented JSON is refused with a sentence."""
    answer = httpx.post(f"{world.address}/api/v1/password", content=body, headers={"Content-Type": kind})
    assert status == answer.status_code
    assert ["error"] == list(answer.json())
