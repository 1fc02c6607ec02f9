"""The back end's integrations in programs of their own: what they send and show, and what a missing package does."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import brotli  # type: ignore[import-untyped]  # it has no types
import pytest

from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import environment
from tests.functional.sdk.listener import Listener, listener

UNPACK: Final[Mapping[str, Callable[[bytes], bytes]]] = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}
"""Sentry's client takes the best that is installed."""

PROGRAM: Final = """
import json, sys
{before}
from homing import Integrations, Telemetry
telemetry = Telemetry(
    app="flowforge", version="2.33.2", policy="flowfuse", directory={directory!r}, file={directory!r} + "/flowforge.yml"
)
integrations = Integrations(telemetry)
{after}
"""

FAILING: Final = """
print(integrations.start_backend().part("backend.sentry").reason)
import sentry_sdk
{before}
try:
    1 / 0
except ZeroDivisionError:
    sentry_sdk.capture_exception()
sentry_sdk.flush(10)
"""

ITEMS: Final = """
import io
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("items/<int:number>", lambda request, number: HttpResponse(str(number)))]
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)
app = integrations.wsgi(get_wsgi_application())

def ask(where):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": where, "SERVER_NAME": "a", "SERVER_PORT": "80"}
    answer = app({**environ, "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http"}, lambda *_: None)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return body.decode()

for where in ("/items/7", "/items/8", "/nowhere"):
    ask(where)
print(ask("/metrics"))
"""

HIDE: Final = """
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ImportError(f"No module named {{name!r}}")

sys.meta_path.insert(0, Hidden())
"""


def run(place: Path, section: Any, after: str, *, before: str = "", **variables: str) -> str:
    """Run a program whose settings file has this section, and return what it says."""
    (place / "flowforge.yml").write_text(json.dumps({"telemetry": section}))
    code = PROGRAM.format(directory=str(place), before=before, after=after)
    harmless = dict.fromkeys((REFUSAL, *CI_VARIABLES, "SENTRY_ENV", "NODE_ENV", "HTTP_PROXY", "http_proxy"), "")
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(
        command, env={**environment(), **harmless, **variables}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def sentry(there: Listener) -> dict[str, Any]:
    """Return a section that has a project at a listener."""
    return {"backend": {"sentry": {"dsn": there.url.replace("://", "://abc@") + "/1"}}}


def items(there: Listener) -> list[tuple[str, Any]]:
    """Return what stands in the envelopes that were received, each with its type."""
    found = []
    for received in there.received:
        assert "POST /api/1/envelope/ HTTP/1.1" == received.line
        lines = UNPACK[received.headers.get("Content-Encoding", "")](received.body).splitlines()
        found += [
            (json.loads(head)["type"], json.loads(body)) for head, body in zip(lines[1::2], lines[2::2], strict=True)
        ]
    return found


@pytest.mark.parametrize(
    ("variables", "name"),
    [({"SENTRY_ENV": "staging", "NODE_ENV": "production"}, "staging"), ({"NODE_ENV": "test"}, "test"), ({}, "unknown")],
)
def test_an_error_arrives(tmp_path: Path, variables: dict[str, str], name: str) -> None:
    """Sentry's own package delivers an envelope with the release and the environment."""  # 003-14 003-15 003-19
    with listener() as there:
        said = run(tmp_path, sentry(there), FAILING.format(before=""), **variables)
        [event] = [body for kind, body in items(there) if kind == "event"]
    assert "enabled\n" == said
    assert ("flowforge@2.33.2", name) == (event["release"], event["environment"])
    assert "ZeroDivisionError" == event["exception"]["values"][0]["type"]


@pytest.mark.parametrize("section", [{"enabled": False}, {}])
def test_off(tmp_path: Path, section: dict[str, Any]) -> None:
    """Switched off in the file, or without a DSN, nothing is sent to anybody."""  # 003-15
    with listener() as there:
        own = {**sentry(there), **section} if section else {}
        assert "not enabled" in run(tmp_path, own, FAILING.format(before=""))
        assert [] == there.received


def test_off_by_saving(tmp_path: Path) -> None:
    """Once an administrator has switched telemetry off, nothing more is sent."""
    off = 'telemetry.save({"enabled": False}, who="admin")'
    with listener() as there:
        assert "enabled\n" == run(tmp_path, sentry(there), FAILING.format(before=off))
        assert [] == there.received


CLOSING: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
"""Sentry's client would keep the connection open otherwise, and the listener serves one after the other."""

CHATTY: Final = """
import logging
logging.getLogger("driver").addHandler(logging.NullHandler())
loads = []

class Chatty:
    def load(self):
        loads.append(1)
        logging.getLogger("driver").error("The connection is slow.")
        return {{}}

    def save(self, name, value):
        pass

telemetry = Telemetry(
    app="a", version="1", policy="flowfuse", directory={directory!r}, file=telemetry.about().file_name,
    database=Chatty(),
)
integrations = Integrations(telemetry)
integrations.start_backend()
import sentry_sdk
loads.clear()
for number in range(10):
    sentry_sdk.capture_message(f"told {{number}}")
sentry_sdk.flush(10)
print(len(loads) <= 1)
"""


def test_a_database_that_logs_errors(tmp_path: Path) -> None:
    """What its driver says while it is asked asks it no more, and it is asked once for many errors."""
    with listener(CLOSING) as there:
        assert "True\n" == run(tmp_path, sentry(there), CHATTY.format(directory=str(tmp_path)))
        told = [body["message"] for kind, body in items(there) if kind == "event" and "message" in body]
    assert [f"told {number}" for number in range(10)] == sorted(told)


def test_missing_packages(tmp_path: Path) -> None:
    """Each is named with what to install, and the program goes on."""
    section = {"backend": {"sentry": {"dsn": "https://abc@sentry.example.com/1"}, "prometheus": {"enabled": True}}}
    after = """
app = object()
print(integrations.asgi(app) is app, integrations.wsgi(app) is app)
for name in ("backend.sentry", "backend.prometheus"):
    print(integrations.start_backend().part(name))
"""
    hidden = HIDE.format(names=("sentry_sdk", "prometheus_client"))
    assert [
        "True True",
        "Part(name='backend.sentry', enabled=False, reason='not enabled: install homing[sentry]')",
        "Part(name='backend.prometheus', enabled=False, reason='not enabled: install homing[prometheus]')",
    ] == run(tmp_path, section, after, before=hidden).splitlines()


def test_packages_are_not_loaded_unasked(tmp_path: Path) -> None:
    """Who switched nothing on pays for nothing."""
    after = """
integrations.start_backend()
integrations.asgi(object())
print(sorted({"sentry_sdk", "prometheus_client", "posthog"} & set(sys.modules)))
"""
    assert "[]\n" == run(tmp_path, {}, after)


def test_routes_of_django(tmp_path: Path) -> None:
    """Django's requests are counted by route too."""  # 003-18
    said = run(tmp_path, {"backend": {"prometheus": {"enabled": True}}}, ITEMS)
    labels = '{{method="GET",route="{}",status_code="{}"}}'
    for route, status, count in (("/items/<int:number>", 200, 2), ("(other)", 404, 1)):
        assert f"http_request_duration_seconds_count{labels.format(route, status)} {count}.0\n" in said
    assert "process_cpu_seconds_total" in said
