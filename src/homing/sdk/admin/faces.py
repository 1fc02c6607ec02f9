"""The two faces of what is mounted: ASGI and WSGI."""

import asyncio
import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from homing.sdk.admin.exchange import JSON, MOST_BODY, Request, Response, as_json, is_from_here
from homing.sdk.admin.html import el, join

Allowed = Callable[[Any], Any]
"""What the host gives: asked with the ASGI scope or the WSGI environ, it returns the administrator's name, or True, or
nothing for anybody else. Behind ASGI it may be a coroutine."""

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SOMEBODY: Final = "an administrator"

STRANGER: Final = "Sign in as an administrator first."
FOREIGN: Final = "This was sent by a page of another site, so nothing was done."
BROKEN: Final = "The body broke off, so nothing was done."
TOO_LARGE: Final = f"The body may have at most {MOST_BODY // 1024} KiB."


class Mounted(ABC):
    """Something to be mounted in an application: `asgi` and `wsgi` are its faces, and `answer` is all it does."""

    def __init__(self, is_admin: Allowed, origins: Sequence[str]) -> None:
        self._is_admin = is_admin
        self._origins = tuple(origins)

    @abstractmethod
    def answer(self, request: Request, who: str) -> Response:
        """Answer an administrator's request, which comes from here."""

    @property
    def asgi(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """The application of ASGI. It serves HTTP, and raises `RuntimeError` for anything else."""

        # A function, not a method: by that servers know which version of ASGI it is.
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send)

        return serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"There is nothing here for {scope['type']}.")
        found = self._is_admin(scope)
        if inspect.isawaitable(found):
            found = await found
        request = _of_scope(scope)
        response = self._refusal(request, found)
        if response is None:
            body = await _received(receive)
            if body is None:
                return
            # Saving may wait for the network; the host's loop must not.
            response = await asyncio.to_thread(self._response, request, body, _name(found))
        head = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.head]
        await send({"type": "http.response.start", "status": response.status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve WSGI."""
        found = self._is_admin(environ)
        request = _of_environ(environ)
        response = self._refusal(request, found)
        if response is None:
            response = self._response(request, _read(environ), _name(found))
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", response.head)
        return [b"" if request.method == "HEAD" else response.body]

    def _refusal(self, request: Request, found: Any) -> Response | None:
        """Return why a request is not even read; None where it is."""
        if not found:
            scheme = (("WWW-Authenticate", "Session"),)
            return refuse(request, 401, STRANGER)._replace(headers=scheme)
        if request.is_writing and not is_from_here(request, self._origins):
            return refuse(request, 403, FOREIGN)
        return None

    def _response(self, request: Request, body: bytes | None, who: str) -> Response:
        if body is None:
            return refuse(request, 400, BROKEN)
        if len(body) > MOST_BODY:
            return refuse(request, 413, TOO_LARGE)
        return self.answer(request._replace(body=body), who)


def refuse(request: Request, status: int, sentence: str) -> Response:  # wide: to whom, which, and why
    """Return a refusal, as JSON to whoever speaks JSON, else as a page that shows nothing of the installation."""
    if "/api/" in request.path or request.media_type == JSON:
        return as_json(status, {"error": sentence})
    head = el("head", el("meta", name="color-scheme", content="light dark"), el("title", sentence))
    page = join(el("html", head, el("body", el("h1", sentence)), lang="en"))
    return Response(status, f"<!doctype html>{page}".encode())


def _name(found: Any) -> str:
    return found if isinstance(found, str) else SOMEBODY


def _of_scope(scope: Scope) -> Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    prefix = scope.get("root_path", "").rstrip("/")
    # The path has the prefix in it, says ASGI; some hosts take it off.
    path = scope["path"].removeprefix(prefix)
    return Request(scope["method"], prefix, path, scope.get("query_string", b"").decode("latin-1"), headers)


async def _received(receive: Receive) -> bytes | None:
    """Return the body, of one that is too large only as much as shows that; None when it broke off."""
    body = b""
    while len(body) <= MOST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Half a form would say other things than the whole one.
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


def _of_environ(environ: Mapping[str, Any]) -> Request:
    named = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers = {name.replace("_", "-").lower(): value for name, value in named.items()}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    prefix = _decoded(environ.get("SCRIPT_NAME", "")).rstrip("/")
    path = _decoded(environ.get("PATH_INFO", ""))
    return Request(environ["REQUEST_METHOD"], prefix, path, environ.get("QUERY_STRING", ""), headers)


def _decoded(text: str) -> str:
    """Return the text of bytes that WSGI gives as Latin 1; a host may have decoded them by itself."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _read(environ: Mapping[str, Any]) -> bytes | None:
    """Return the body, of one that is too large only as much as shows that; None when it broke off."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdecimal():
        wanted = min(int(length), MOST_BODY + 1)
        body = bytes(environ["wsgi.input"].read(wanted))
        return body if len(body) == wanted else None
    # Without a length only a server that says so ends the body by itself; from others reading would never return.
    return bytes(environ["wsgi.input"].read(MOST_BODY + 1)) if environ.get("wsgi.input_terminated") else b""
