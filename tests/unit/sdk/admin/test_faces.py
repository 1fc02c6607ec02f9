"""ASGI and WSGI: two faces of the same answers."""

import asyncio
import io
import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from homing import SqliteStore, TelemetryAdmin, TelemetrySetup
from homing.sdk.admin.exchange import HEADERS, MOST_BODY
from tests.unit.sdk.admin.visitor import API, HERE, HOST, PREFIX, Visitor, admin, always
from tests.unit.sdk.doubles import telemetry

BREAK = b"do=save&shown=enabled"
"""The beginning of a form that would say yes if it went on."""

PATHS = ("/", "", "/server", "/page.css", "/page.js", "/nowhere", API, f"{API}/test")


async def over_asgi(app: Any, scope: dict[str, Any], chunks: Iterable[bytes] = (b"",)) -> list[dict[str, Any]]:
    """Return what an application of ASGI sends."""
    sent: list[dict[str, Any]] = []
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting) or body == BREAK}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    usual = {
        "type": "http",
        "method": "GET",
        "root_path": PREFIX,
        "query_string": b"",
        "headers": [(b"host", HOST.encode())],
    }
    await app({**usual, **scope}, receive, send)
    return sent


def asked(app: Any, path: str, /, **scope: Any) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer over ASGI."""
    chunks = scope.pop("chunks", (b"",))
    start, body = asyncio.run(over_asgi(app, {"path": f"{PREFIX}{path}", **scope}, chunks))
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_strangers(tmp_path: Path, path: str, method: str) -> None:
    """Who is no administrator gets 401 whatever is asked, and learns nothing; the body is not even read."""

    class Unread(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise AssertionError("It was read.")

    with telemetry(tmp_path, app="secretname") as sending:
        for made in (TelemetryAdmin, TelemetrySetup):
            for verdict in (False, None, ""):
                pages = made(sending, is_admin=always(verdict))
                answer = Visitor(pages).ask(method, path, **{"wsgi.input": Unread(), "CONTENT_LENGTH": "9"}, **HERE)
                assert (401, "Session") == (answer.status, answer.headers["WWW-Authenticate"])
                assert 401 == asked(pages.asgi, path, method=method)[0]
                assert "secretname" not in answer.text
                assert sending.status().instance not in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_both_faces_answer_alike(tmp_path: Path, path: str) -> None:
    """Status, headers and body are the same, and the strict headers are on every answer."""
    sending = telemetry(tmp_path, enabled=None, rows=())
    pages = TelemetryAdmin(sending, is_admin=always(verdict=True))
    one, other = Visitor(pages).get(path), asked(pages.asgi, path)
    assert (one.status, len(one.body)) == (other[0], len(other[2]))
    assert {name.lower(): value for name, value in one.headers.items()} == other[1]
    assert set(HEADERS) <= set(one.headers.items())
    head = Visitor(pages).ask("HEAD", path)
    assert (one.status if path != f"{API}/test" else 405, b"") == (head.status, head.body)


def test_the_strict_headers() -> None:
    """No script and no style but our own, no frame around, nothing guessed, nothing kept."""
    found = dict(HEADERS)
    policy = dict(part.split(" ", 1) for part in found["Content-Security-Policy"].split("; "))
    assert ("'none'", "'self'", "'self'", "'none'") == tuple(
        policy[name] for name in ("default-src", "script-src", "style-src", "frame-ancestors")
    )
    assert "unsafe" not in found["Content-Security-Policy"]
    assert ("nosniff", "no-store") == (found["X-Content-Type-Options"], found["Cache-Control"])


def test_who_it_was(tmp_path: Path) -> None:
    """The callback's name is kept with the consent, over both faces; behind ASGI it may be a coroutine."""

    async def grace(scope: Any) -> str:
        await asyncio.sleep(0)
        return str(scope["user"])

    for number, expected in enumerate(("ada", "grace", "an administrator")):
        place = tmp_path / str(number)
        sending = telemetry(place, enabled=None)
        if expected == "grace":
            pages = TelemetryAdmin(sending, is_admin=grace)
            head = [(b"content-type", b"application/json")]
            answer = asked(pages.asgi, API, method="PUT", headers=head, user="grace", chunks=[b'{"enab', b'led":true}'])
            assert 200 == answer[0]
        else:
            verdict = expected if expected == "ada" else True
            Visitor(TelemetryAdmin(sending, is_admin=always(verdict))).put({"enabled": True})
        assert expected == SqliteStore(place / "telemetry.db").load()["consent"]["who"]


def test_saving_does_not_stop_the_loop(tmp_path: Path) -> None:
    """What may wait for the network runs in another thread than the host's loop."""
    threads: list[threading.Thread] = []

    class Watched(TelemetryAdmin):
        def answer(self, request: Any, who: str) -> Any:
            threads.append(threading.current_thread())
            return super().answer(request, who)

    assert 200 == asked(Watched(telemetry(tmp_path), is_admin=always(verdict=True)).asgi, "/")[0]
    assert threading.main_thread() not in threads


def test_bodies_are_bounded(tmp_path: Path) -> None:
    """A body that is too large is refused, and not read to its end."""
    sending = telemetry(tmp_path, enabled=None)
    pages = TelemetryAdmin(sending, is_admin=always(verdict=True))
    endless = iter([b"x" * 10_000] * 1000)
    kind = {"CONTENT_TYPE": "application/json"}
    answer = Visitor(pages).ask("PUT", API, b" " * (MOST_BODY + 1), **kind)
    assert (413, "The body may have at most 64 KiB.") == (answer.status, answer.json["error"])
    answer = Visitor(pages).ask(
        "PUT", API, **{**kind, "CONTENT_LENGTH": "9" * 30, "wsgi.input": io.BytesIO(b" " * 99_999)}
    )
    assert 413 == answer.status
    status, _, _ = asked(
        pages.asgi, API, method="PUT", headers=[(b"content-type", b"application/json")], chunks=list(endless)
    )
    assert 413 == status
    assert not sending.status().enabled


def test_bodies_that_break_off(tmp_path: Path) -> None:
    """Half a form does nothing: without its end it would say no."""
    sending = telemetry(tmp_path, enabled=None)
    sending.save({"enabled": True}, who="ada")
    pages = TelemetryAdmin(sending, is_admin=always(verdict=True))
    answer = Visitor(pages).post([], CONTENT_LENGTH="99", **{"wsgi.input": io.BytesIO(BREAK)})
    assert (400, True) == (answer.status, "broke off" in answer.text)
    head = [(b"sec-fetch-site", b"same-origin"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"path": f"{PREFIX}/", "method": "POST", "headers": head}
    assert [] == asyncio.run(over_asgi(pages.asgi, scope, [BREAK]))
    assert sending.status().enabled


@pytest.mark.parametrize(
    ("last", "location"),
    [("über uns", "%C3%BCber%20uns/"), ("javascript:x", "javascript%3Ax/"), ("a\r\nb", "a%0D%0Ab/")],
)
def test_prefixes_with_odd_signs(tmp_path: Path, last: str, location: str) -> None:
    """The way to the same place with its slash is an address, whatever the host calls the place."""
    pages = TelemetryAdmin(telemetry(tmp_path), is_admin=always(verdict=True))
    for name in (f"/deep/{last}", f"/deep/{last}".encode().decode("latin-1")):
        assert location == Visitor(pages).ask("GET", "", SCRIPT_NAME=name).headers["Location"]
    assert location == asked(pages.asgi, "", root_path=f"/{last}", path=f"/{last}")[1]["location"]


def test_bodies_without_a_length(tmp_path: Path) -> None:
    """They are read where the server ends them, and are empty where nobody would."""
    pages = TelemetryAdmin(telemetry(tmp_path, enabled=None), is_admin=always(verdict=True))
    given = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(b'{"enabled":true}')}
    assert 400 == Visitor(pages).ask("PUT", API, **given).status
    assert 200 == Visitor(pages).ask("PUT", API, **{**given, "wsgi.input_terminated": True}).status


def test_any_prefix(tmp_path: Path) -> None:
    """Pages name each other without the prefix; one without its slash is led to itself; the JSON may stand alone."""
    sending = telemetry(tmp_path)
    page = admin(sending).get("/")
    assert PREFIX not in page.text
    assert {"page.css", "page.js", "./", "server", "/home", "#main"} == {
        part.split('"')[1] for part in page.text.replace("src=", "href=").split("href=")[1:]
    }
    bare = admin(sending).get("")
    assert (303, "down/") == (bare.status, bare.headers["Location"])
    pages = TelemetryAdmin(sending, is_admin=always(verdict=True))
    alone = asked(pages.asgi, "", root_path=API, path=API)
    assert "instanceId" in json.loads(alone[2])
    # A host that takes its prefix off the path.
    assert 200 == asked(pages.asgi, "", path="/server")[0]


def test_servers_know_what_it_is(tmp_path: Path) -> None:
    """Uvicorn takes it without being told which version of ASGI it is."""
    pages = TelemetryAdmin(telemetry(tmp_path), is_admin=always(verdict=True))
    config = uvicorn.Config(pages.asgi, log_config=None, lifespan="off")
    config.load()
    assert "asgi3" == config.interface
    assert 200 == asked(config.loaded_app, "/", server=("127.0.0.1", 1), client=None)[0]


def test_only_http(tmp_path: Path) -> None:
    """Servers that offer more are told that there is nothing."""
    pages = TelemetryAdmin(telemetry(tmp_path), is_admin=always(verdict=True))
    for kind in ("lifespan", "websocket"):
        with pytest.raises(RuntimeError, match=kind):
            asyncio.run(over_asgi(pages.asgi, {"type": kind}))
