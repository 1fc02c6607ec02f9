"""A request and a response as values, and the rules that hold for all of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

MOST_BODY: Final = 64 * 1024
MOST_FIELDS: Final = 100

READING: Final = frozenset({"GET", "HEAD"})

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
HTML: Final = "text/html; charset=utf-8"

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # Not no-referrer: browsers would then send Origin as null, even to where the page came from.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
"""What every answer has."""


class Request(NamedTuple):
    """A request: `path` is what follows the mount's own `prefix`, headers have names in lower case."""

    method: str
    prefix: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """What the body says it is."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_writing(self) -> bool:
        """Whether it may change something."""
        return self.method not in READING

    def asked(self, name: str) -> str:
        """Return a parameter of the query; empty where there is none, or where the query cannot be read."""
        try:
            return _fields(self.query).get(name, [""])[0]
        except ValueError:
            return ""


class Response(NamedTuple):
    """An answer."""

    status: int
    body: bytes = b""
    media_type: str = HTML
    headers: Sequence[tuple[str, str]] = ()

    @property
    def head(self) -> list[tuple[str, str]]:
        """All headers."""
        own = [("Content-Type", self.media_type), ("Content-Length", str(len(self.body)))]
        return [*own, *HEADERS, *self.headers]


class Malformed(ValueError):
    """A body that cannot be read; the text is a sentence."""


def is_from_here(request: Request, origins: Sequence[str]) -> bool:
    """Tell whether a page of the same origin sent it, or no page at all.

    There is no token: a token needs a session, and the session is the host's. Every browser of today says by itself
    where a request that may change something comes from. Sec-Fetch-Site is not to be had by any page and survives a
    proxy that renames the host, so it decides where it is; else Origin does. What has neither comes from an old browser
    or from none: it must be JSON, which a page of another site cannot send without a question to us that gets no yes.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if origin is None:
        return request.media_type == JSON
    host = request.headers.get("host", "")
    return origin in origins or (bool(host) and urlsplit(origin).netloc.lower() == host.lower())


def read_form(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form; raise `Malformed`."""
    if request.media_type != FORM:
        raise Malformed("The body must be a form.")
    try:
        return _fields(request.body.decode("ascii"))
    except ValueError:
        raise Malformed("The form cannot be read.") from None


def read_json(request: Request) -> dict[str, Any]:
    """Return the object in the body; raise `Malformed`."""
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Malformed("The body must be JSON.") from None
    if not isinstance(found, dict):
        raise Malformed("The body must be an object.")
    return found


def as_json(status: int, value: Mapping[str, Any]) -> Response:
    """Return an answer in JSON."""
    return Response(status, json.dumps(value, ensure_ascii=False).encode(), JSON)


def see(location: str) -> Response:
    """Send the browser on to another page."""
    return Response(303, headers=(("Location", location),))


def _fields(text: str) -> dict[str, list[str]]:
    return parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
