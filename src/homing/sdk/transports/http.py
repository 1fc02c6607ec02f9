"""Sends over HTTP/1.1 with the standard library's sockets.

Every wait is for what is left of one deadline, so that a host which never answers, or answers a byte at a time, costs
no more than one that refuses. Of the answer the status is read, and when to come again where the receiver has no time;
nothing else: no redirect is followed, no body awaited.
The look-up of a name cannot be interrupted; when it comes back too late, nothing is sent.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from homing.sdk.endpoint import Endpoint
from homing.sdk.transports.base import PATIENT, SUCCESSES, TOO_SLOW, Deadline, Reply, Request
from homing.sdk.transports.proxy import Proxy, proxies, proxy_for

if TYPE_CHECKING:
    from homing.sdk.transports.answers import Answer, Question

AGAIN: Final = re.compile(rb"\r\nretry-after:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
STATUS_LINE: Final = re.compile(rb"HTTP/1\.\d (\d{3})[ \r\n]")
INTERIM: Final = range(100, 200)
MOST_HEAD: Final = 16_384
MOST_ERROR: Final = 180
"""How many characters of an error are kept."""


class HttpTransport:
    """Speaks to the receiver itself, or through a proxy.

    A `context` says which certificates are believed; the system's are, without it. `named` are the proxies.
    """

    def __init__(self, *, context: ssl.SSLContext | None = None, named: Mapping[str, str] | None = None) -> None:
        self._context = context
        self._named = named or {}

    def send(self, request: Request, deadline: Deadline) -> Reply:
        """Send one request and return the status of its answer."""
        try:
            proxy = proxy_for(request.endpoint, self._named)
            with self._connected(request.endpoint, proxy, deadline) as sock:
                sock.settimeout(deadline.left())
                sock.sendall(_whole(request, proxy))
                return _read(sock, deadline)
        except (OSError, ValueError) as error:
            return Reply(None, deadline.reason if deadline.is_over else _sentence(error))

    def ask(self, question: "Question | Request", deadline: Deadline) -> "Answer":
        """Ask once and return the answer, with at most 64 KiB of its body."""
        from homing.sdk.transports.answers import Answer, read_answer

        try:
            proxy = proxy_for(question.endpoint, self._named)
            with self._connected(question.endpoint, proxy, deadline) as sock:
                sock.settimeout(deadline.left())
                sock.sendall(_whole(question, proxy))
                return read_answer(sock, deadline)
        except (OSError, ValueError) as error:
            return Answer(None, error=deadline.reason if deadline.is_over else _sentence(error))

    @contextmanager
    def _connected(self, endpoint: Endpoint, proxy: Proxy | None, deadline: Deadline) -> Iterator[socket.socket]:
        sock = _connect(proxy.endpoint if proxy else endpoint, deadline)
        try:
            if endpoint.scheme == "https":
                if proxy:
                    _tunnel(sock, endpoint, proxy, deadline)
                sock = self._encrypted(sock, endpoint.host, deadline)
            yield sock
        finally:
            deadline.release()
            sock.close()

    def _encrypted(self, sock: socket.socket, host: str, deadline: Deadline) -> ssl.SSLSocket:
        context = self._context or ssl.create_default_context()
        deadline.release()
        encrypted = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        try:
            deadline.hold(encrypted)
            encrypted.settimeout(deadline.left())
            encrypted.do_handshake()
        except BaseException:
            deadline.release()
            encrypted.close()
            raise
        return encrypted


def usual_transport(ca_file: str | None) -> HttpTransport:
    """Return the way that the environment names; `ca_file` holds certificates to believe instead of the system's."""
    return HttpTransport(context=ssl.create_default_context(cafile=ca_file) if ca_file else None, named=proxies())


def _connect(endpoint: Endpoint, deadline: Deadline) -> socket.socket:
    """Try the host's addresses in turn, each with its share of the time that is left."""
    # As bytes the host is taken as it stands.
    found = socket.getaddrinfo(endpoint.host.encode(), endpoint.port, type=socket.SOCK_STREAM)
    last: OSError = OSError("the host has no address")
    for number, (family, kind, protocol, _name, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            deadline.hold(sock)
            sock.settimeout(deadline.left() / (len(found) - number))
            sock.connect(address)
        except OSError as error:
            last = error
            deadline.release()
            sock.close()
        else:
            return sock
    raise last


def _tunnel(sock: socket.socket, endpoint: Endpoint, proxy: Proxy, deadline: Deadline) -> None:
    """Let the proxy connect to the receiver; it sees where to, and nothing of what is said."""
    address = f"{endpoint.host}:{endpoint.port}"
    sock.settimeout(deadline.left())
    sock.sendall(_lines(f"CONNECT {address} HTTP/1.1", {"Host": address, **proxy.headers}))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < MOST_HEAD:
        sock.settimeout(deadline.left())
        more = sock.recv(4096)
        if not more:
            raise ConnectionResetError
        head += more
    status = _final_status(head)
    if status is None or status not in SUCCESSES:
        raise OSError(f"the proxy answered {status}")


def _whole(question: "Question | Request", proxy: Proxy | None) -> bytes:
    if isinstance(question, Request):
        return _head("POST", question, proxy, *_about(question)) + question.body
    return _head("GET", question, proxy)


def _about(request: Request) -> Iterator[tuple[str, str]]:
    yield "Content-Type", "application/json"
    yield "Content-Length", str(len(request.body))


def _head(method: str, request: "Request | Question", proxy: Proxy | None, *about: tuple[str, str]) -> bytes:
    endpoint = request.endpoint
    is_plain_proxy = proxy is not None and endpoint.scheme == "http"
    target = f"http://{endpoint.authority}" if is_plain_proxy else ""
    own = {"Host": endpoint.authority, **dict(about), "Connection": "close"}
    return _lines(
        f"{method} {target}{endpoint.path or '/'} HTTP/1.1",
        {**own, **(proxy.headers if proxy and is_plain_proxy else {}), **request.headers},
    )


def _lines(first: str, headers: Mapping[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items()), ""]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _read(sock: socket.socket, deadline: Deadline) -> Reply:
    head = b""
    while len(head) < MOST_HEAD:
        more = _more(sock, deadline)
        head += more
        status = _final_status(head)
        if status in PATIENT and b"\r\n\r\n" not in head:
            head = _to_the_end(head, sock, deadline)
        if status is not None:
            found = AGAIN.search(head) if status in PATIENT else None
            return Reply(status, again_seconds=int(found[1]) if found else None)
    raise ValueError("its head is too long")


def _more(sock: socket.socket, deadline: Deadline) -> bytes:
    sock.settimeout(deadline.left())
    more = sock.recv(4096)
    if not more:
        raise ConnectionResetError
    return more


def _to_the_end(head: bytes, sock: socket.socket, deadline: Deadline) -> bytes:
    """Return a head with the rest of it, as far as that comes: the status counts without it."""
    with suppress(OSError):
        while len(head) < MOST_HEAD and b"\r\n\r\n" not in head:
            head += _more(sock, deadline)
    return head


def _final_status(head: bytes) -> int | None:
    """Return the status, once its line is there; what precedes the answer (1xx) is passed over."""
    while b"\n" in head:
        found = STATUS_LINE.match(head)
        if found is None:
            raise ValueError("it is not HTTP")
        if int(found[1]) not in INTERIM:
            return int(found[1])
        head = head.partition(b"\r\n\r\n")[2]
    return None


def _sentence(error: Exception) -> str:
    """Say in one sentence why there was no answer."""
    match error:
        case ssl.SSLCertVerificationError():
            text = f"The certificate was not accepted: {error.verify_message}"
        case ssl.SSLError():
            text = f"No encrypted connection came about: {error.reason or 'it was cut off'}"
        case socket.gaierror():
            text = "The host's name was not found"
        case ConnectionRefusedError():
            text = "The connection was refused"
        case ConnectionResetError() | BrokenPipeError():
            text = "The connection was closed without an answer"
        case TimeoutError():
            return TOO_SLOW
        case OSError():
            text = f"There was no connection: {error.strerror or error}"
        case _:
            text = f"The answer cannot be read: {error}"
    return f"{text[: MOST_ERROR - 1].rstrip('.')}."
