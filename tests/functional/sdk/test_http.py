"""Requests over real sockets."""

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from bench.endpoints import black_hole, refused, slow_drip
from homing import Telemetry
from homing.clock import SystemClock
from homing.sdk.endpoint import parse
from homing.sdk.policy import POLICIES
from homing.sdk.transports.base import Deadline, Reply, Request
from homing.sdk.transports.http import HttpTransport
from tests.functional.sdk.listener import OK, listener, tunnel

LIMIT = 0.4
SLOW = "There was no answer within 5 seconds."


def send(url: str, seconds: float = 5.0, *, context: ssl.SSLContext | None = None) -> Reply:
    """Send one small request."""
    request = Request(parse(f"{url}/x?y=1"), {"X-Own": "yes"}, b'{"a":1}')
    return HttpTransport(context=context).send(request, Deadline(SystemClock(), seconds))


def test_the_request() -> None:
    """Line, headers and body arrive as they were given."""
    with listener() as there:
        assert Reply(200) == send(there.url)
        [received] = there.received
    assert ("POST /x?y=1 HTTP/1.1", b'{"a":1}') == (received.line, received.body)
    assert {
        "Host": there.url.removeprefix("http://"),
        "Content-Type": "application/json",
        "Content-Length": "7",
        "Connection": "close",
        "X-Own": "yes",
    } == received.headers


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reply(204)),
        (b"HTTP/1.0 500\r\n", Reply(500)),
        (b"HTTP/1.1 503 Busy\r\nretry-AFTER:  120 \r\nX: y\r\n\r\n", Reply(503, again_seconds=120)),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n", Reply(429)),
        (b"HTTP/1.1 200 OK\r\nRetry-After: 120\r\n\r\n", Reply(200)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 OK\r\n", Reply(202)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nnever ending", Reply(200)),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Reply(None, "The answer cannot be read: it is not HTTP.")),
        (b"x" * 20_000, Reply(None, "The answer cannot be read: its head is too long.")),
        (b"", Reply(None, "The connection was closed without an answer.")),
    ],
    ids=[
        "204",
        "old",
        "busy",
        "a date",
        "not busy",
        "interim",
        "endless body",
        "another protocol",
        "no line",
        "nothing",
    ],
)
def test_answers(answer: bytes, reply: Reply) -> None:
    """The status is read and nothing else."""  # 001-14
    with listener(answer) as there:
        assert reply == send(there.url)


def test_redirects_are_not_followed() -> None:
    """What is secret never reaches another host: the answer is a failure."""
    with listener() as other:
        answer = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {other.url}/\r\n\r\n".encode()
        with listener(answer) as there:
            reply = send(there.url)
        assert (Reply(307), "The answer was 307.", []) == (reply, reply.problem, other.received)


def test_one_limit_for_all() -> None:
    """A full queue and an answer byte by byte cost no more than the limit, a refusal next to nothing."""  # 001-14
    for endpoint, wanted in ((black_hole, SLOW), (slow_drip, SLOW), (refused, "The connection was refused.")):
        with endpoint() as url:
            began = time.monotonic()
            assert Reply(None, wanted) == send(url, LIMIT)
            assert time.monotonic() - began < LIMIT + 0.5


def test_further_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a host has several addresses, the next one is tried."""
    plain = socket.getaddrinfo

    def two(*given: Any, **named: Any) -> list[Any]:
        return [*plain("127.0.0.2", 9, **named), *plain(*given, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with listener() as there:
        assert Reply(200) == send(there.url)
        monkeypatch.undo()


def test_unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is not found is said to be so."""

    def fail(*_given: Any, **_named: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert Reply(None, "The host's name was not found.") == send("http://telemetry.invalid")


def test_a_name_found_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the look-up outlasts the limit, no connection is made any more."""
    plain = socket.getaddrinfo

    def late(*given: Any, **named: Any) -> list[Any]:
        time.sleep(LIMIT)
        return plain(*given, **named)

    with listener() as there:
        monkeypatch.setattr(socket, "getaddrinfo", late)
        assert Reply(None, SLOW) == send(there.url, LIMIT / 2)
        monkeypatch.undo()
        assert [] == there.received


def serving(certificate: Path) -> ssl.SSLContext:
    """Return the server's side of encryption."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_strange_certificate(certificate: Path) -> None:
    """A certificate that the system does not believe ends it before anything is said."""
    with listener(OK, serving(certificate)) as there:
        reply = send(there.url)
        assert [] == there.received
    assert reply.problem is not None
    assert reply.problem.startswith("The certificate was not accepted: self")


def test_encrypted(certificate: Path) -> None:
    """With a certificate that is believed the request arrives; under another name it does not."""
    context = ssl.create_default_context(cafile=certificate)
    with listener(OK, serving(certificate)) as there:
        assert Reply(200) == send(there.url, context=context)
        other = send(there.url.replace("localhost", "127.0.0.1"), context=context)
        assert 1 == len(there.received)
    assert "The certificate was not accepted: " in str(other.problem)


def test_encryption_that_never_comes() -> None:
    """A host that takes the connection and says nothing costs no more than the limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert Reply(None, SLOW) == send(f"https://127.0.0.1:{silent.getsockname()[1]}", LIMIT)
        assert time.monotonic() - began < LIMIT + 0.5


def test_a_plain_proxy() -> None:
    """It is given the whole address and its own password, and passes the answer on."""
    with listener() as proxy:
        named = {"http_proxy": proxy.url.replace("http://", "http://ada:pass@")}
        request = Request(parse("http://away.example.com/x"), {}, b"{}")
        assert Reply(200) == HttpTransport(named=named).send(request, Deadline(SystemClock()))
        [received] = proxy.received
    assert "POST http://away.example.com/x HTTP/1.1" == received.line
    assert ("away.example.com", "Basic YWRhOnBhc3M=") == (
        received.headers["Host"],
        received.headers["Proxy-Authorization"],
    )


def test_a_tunnel(certificate: Path) -> None:
    """Through a proxy the receiver is encrypted to, and the proxy's password stays with the proxy."""
    context = ssl.create_default_context(cafile=certificate)
    with listener(OK, serving(certificate)) as there, tunnel(there.url) as proxy:
        named = {"https_proxy": proxy.url.replace("http://", "http://ada:pass@")}
        request = Request(parse("https://away.example.com/x"), {"X-Own": "yes"}, b"{}")
        assert Reply(200) == HttpTransport(context=context, named=named).send(request, Deadline(SystemClock()))
        assert "CONNECT away.example.com:443 HTTP/1.1" == proxy.head.splitlines()[0]
        assert "Proxy-Authorization: Basic YWRhOnBhc3M=" in proxy.head
        assert "Proxy-Authorization" not in there.received[0].headers


def test_proxies_that_refuse() -> None:
    """What a proxy says no to, and a proxy of another kind, is no connection; nothing goes past it."""
    request = Request(parse("https://away.example.com/x"), {}, b"{}")
    with listener(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        reply = HttpTransport(named={"https_proxy": proxy.url}).send(request, Deadline(SystemClock()))
    assert Reply(None, "There was no connection: the proxy answered 407.") == reply
    reply = HttpTransport(named={"https_proxy": "socks5://127.0.0.1:9"}).send(request, Deadline(SystemClock()))
    assert Reply(None, "There was no connection: the proxy's address must begin with http://.") == reply


def test_certificates_of_ones_own(certificate: Path, tmp_path: Path) -> None:
    """A file of certificates makes a receiver believed that the system does not know."""
    with listener(OK, serving(certificate)) as there:
        for ca_file, wanted in ((None, None), (certificate, 200)):
            given: Any = {"app": "acme", "version": "1", "endpoint": there.url, "key": "k", "directory": tmp_path}
            with Telemetry(**given, enabled=True, ca_file=ca_file) as sending:
                assert wanted == sending.send_now(10).last_status


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_form_arrives(tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The preview and what arrives differ in nothing but the ping's own id and time."""
    monkeypatch.chdir(tmp_path)
    with listener() as there:
        key = "k" if POLICIES[policy].wire in ("native", "posthog") else ""
        sending = Telemetry(
            app="acme", version="1.0", policy=policy, endpoint=there.url, key=key, enabled=True, directory=tmp_path
        )
        with sending:
            status = sending.send_now(10)
            assert (200, None) == (status.last_status, status.last_error)
            [preview] = sending.preview()
            [last] = sending.show_last()
            bodies = [received.body for received in there.received]
        assert last.body == bodies[-1]
        assert len(preview.body) == len(last.body)
