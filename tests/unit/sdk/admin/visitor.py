"""Somebody who speaks WSGI to what is mounted, with the manners of a browser."""

import html
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from homing import Telemetry, TelemetryAdmin
from homing.sdk.admin.faces import Mounted

HOST: Final = "acme.example.com"
PREFIX: Final = "/deep/down"
API: Final = "/api/admin/settings/telemetry"
HERE: Final = {"HTTP_SEC_FETCH_SITE": "same-origin"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def words(self) -> str:
        """What is to be read on the page."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    def tag(self, what: str) -> str:
        """Return the one element that has something in its first tag."""
        [found] = re.findall(rf"<[^>]*{what}[^>]*>", self.text)
        return str(found)


class Visitor:
    """Asks one mounted thing."""

    def __init__(self, mounted: Mounted) -> None:
        self._mounted = mounted

    def ask(self, method: str, path: str, body: bytes = b"", /, **extra: Any) -> Answer:  # wide: a request
        """Return the answer to any request."""
        where, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": PREFIX,
            "PATH_INFO": where,
            "QUERY_STRING": query,
            "HTTP_HOST": HOST,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **extra,
        }
        head: list[Any] = []
        parts = self._mounted.wsgi(environ, lambda *given: head.extend(given))
        return Answer(int(head[0][:3]), dict(head[1]), b"".join(parts))

    def get(self, path: str = "/") -> Answer:
        """Return a page."""
        return self.ask("GET", path)

    def post(self, form: Mapping[str, str] | list[tuple[str, str]], path: str = "/", /, **extra: Any) -> Answer:
        """Send a form from a page of the same origin."""
        kind = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(form).encode(), **{**kind, **HERE, **extra})

    def put(self, value: Any, **extra: Any) -> Answer:
        """Send settings as JSON."""
        return self.ask("PUT", API, json.dumps(value).encode(), CONTENT_TYPE="application/json", **extra)

    def test(self) -> Answer:
        """Ask for a test."""
        return self.ask("POST", f"{API}/test", CONTENT_TYPE="application/json")


def always(verdict: object) -> Callable[[object], object]:
    """Return a callback that says the same of everybody."""
    return lambda _asked: verdict


def admin(telemetry: Telemetry) -> Visitor:
    """Return an administrator called ada at the pages of a telemetry."""
    return Visitor(TelemetryAdmin(telemetry, is_admin=always("ada"), home="/home"))
