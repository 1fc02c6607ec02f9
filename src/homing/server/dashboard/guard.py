"""Who may see a page and act on it: the session, the origin of a request, and what browsers are told to forbid."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from litestar import Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from litestar.types import Guard, Message, Scope

from homing.server.api.callers import AnyRequest, Services, known_owner
from homing.server.api.errors import answer_error, trouble_of
from homing.server.dashboard.pages import Visitor, page

SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
PASSWORD: Final = "/password"  # noqa: S105 - a path
HOME: Final = "/"
API: Final = "/api/"

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
}
"""What every page says and every redirect to one, an error too."""

HEADINGS: Final = {
    400: "This cannot be understood",
    403: "Not allowed",
    404: "Nothing is here",
    405: "Nothing is here",
    413: "Too much was sent",
    429: "Too many requests",
    503: "Not available at the moment",
}
"""What is wrong in a few words, by status."""

NOWHERE: Final = frozenset({404, 405})
MOST_PATH: Final = 2000
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SEE_OTHER: Final = 303
_UNAUTHORIZED: Final = 401


class Elsewhere(Exception):
    """The visitor must go to another page first."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


async def visitor(request: AnyRequest, services: NamedDependency[Services]) -> Visitor:
    """Return who looks; raise `Elsewhere` to sign in, or to change the one-time password."""
    owner = await known_owner(request, services)
    if owner is None:
        raise Elsewhere(onward(SIGN_IN, path_of(request)))
    if owner.must_change:
        raise Elsewhere(onward(PASSWORD, path_of(request)))
    found = Visitor(owner, tuple(services.directory.apps(owner.id)))
    # For the page that tells of an error, should there be one.
    request.state.visitor = found
    return found


def path_of(request: AnyRequest) -> str:
    """Return the path and query to come back to; home for what only a form can ask for."""
    if request.method not in SAFE_METHODS:
        return HOME
    query: bytes = request.scope["query_string"]
    return quote(request.scope["path"]) + (f"?{query.decode('latin-1')}" if query else "")


def onward(path: str, back: str) -> str:
    """Return the address of a page that leads back to another one."""
    return path if back == HOME else f"{path}?next={quote(back, safe='/')}"


def local_path(text: str) -> str:
    """Return the path and query that a link or form wants to lead back to; home for whatever could lead elsewhere."""
    local = text.startswith("/") and not text.startswith("//") and "\\" not in text
    if not local or len(text) > MOST_PATH or not text.isprintable():
        return HOME
    return HOME if urlsplit(text).path in {SIGN_IN, SIGN_OUT} else text


def own_origin(public_url: str) -> Guard:
    """Return the guard that refuses whatever would change something and was sent by another site's page.

    Browsers say where a request comes from: in `Sec-Fetch-Site`, or where there is no HTTPS, in `Origin`.
    """
    public = urlsplit(public_url).netloc

    def check(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        method = AnyRequest(connection.scope).method
        if method not in SAFE_METHODS and not is_own(connection.headers, public):
            raise PermissionDeniedException(
                "This form was not sent by a page of this receiver. Behind a proxy that changes the Host header, "
                "set HOMING_PUBLIC_URL."
            )

    return check


def is_own(headers: Headers, public: str) -> bool:
    """Tell whether a request was sent by one of our pages; `public` is the host and port of the public address."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        origin = urlsplit(headers.get("origin", "")).netloc
    except ValueError:
        return False
    return bool(origin) and origin in {headers.get("host"), public}


def tells_of(request: AnyRequest, name: str) -> bool:
    """Tell whether a page is to say what was just done: only one of our own forms leads there, not a link elsewhere."""
    return name in request.query_params and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


async def secure(message: Message, _scope: Scope) -> None:
    """Add to an answer what it tells the browser to forbid."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if message["status"] == _SEE_OTHER or headers.get("content-type", "").startswith("text/html"):
        for name, value in HEADERS.items():
            headers.setdefault(name, value)


def answer_anything(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer an error outside of pages: people get a page, programs JSON."""
    wants_page = not request.url.path.startswith(API) and "text/html" in request.headers.get("accept", "")
    return answer_page(request, error) if wants_page else answer_error(request, error)


def answer_page(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer whatever a page's handler raised."""
    if isinstance(error, Elsewhere):
        return _lead(request, error.path)
    status, sentence, headers = trouble_of(error)
    if status in NOWHERE and sentence == HTTPStatus(status).phrase:
        sentence = "The address may be mistyped, or what it led to is gone."
    heading = HEADINGS.get(status, "Something went wrong")
    known: Visitor | None = request.state.get("visitor")
    return page("problem.html", known, status=status, headers=headers, heading=heading, sentence=sentence)


def _lead(request: AnyRequest, path: str) -> Response[Any]:
    # Followed by a script, a redirect would put the other page into a part of this one.
    if "hx-request" in request.headers:
        return Response("", status_code=_UNAUTHORIZED, headers={"HX-Redirect": path})
    return Redirect(path, status_code=_SEE_OTHER)
