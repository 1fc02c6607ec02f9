"""An application of Django with telemetry's pages in it: `python examples/django_app.py`."""

import argparse
import secrets
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from homing import Telemetry, TelemetryAdmin, TelemetrySetup

NAME, PASSWORD = "ada", "demo"

SIGN_IN = """<!doctype html><html lang="en">
<link rel="icon" href="data:,"><title>Sign in</title><h1>Sign in</h1><form method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="{}">
<label>Name <input name="name"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button></form>"""

HOME = """<!doctype html><html lang="en">
<link rel="icon" href="data:,"><title>Acme</title><h1>Acme</h1>
<p><a href="/admin/telemetry/">Admin → Settings → Operational telemetry</a></p>"""


def administrator(environ: Any) -> str | None:
    """Return who is signed in: telemetry's pages ask this at every request."""
    name: str | None = environ["acme.session"].get("name")
    return name


def mounted(app: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """Return a view that hands a request over to an application of WSGI, with Django's session."""

    def view(request: HttpRequest, rest: str | None) -> HttpResponse:
        rest = rest or ""
        environ = {
            **request.META,
            "SCRIPT_NAME": request.path.removesuffix(rest),
            "PATH_INFO": rest,
            "wsgi.input": BytesIO(request.body),
            "acme.session": request.session,
        }
        head: list[Any] = []
        body = app(environ, lambda *given: head.extend(given))
        return HttpResponse(b"".join(body), status=int(head[0][:3]), headers=dict(head[1]))

    # The pages see to it themselves that no other site's page can make a browser post to them.
    exempt: Callable[..., HttpResponse] = csrf_exempt(view)
    return exempt


def urls(telemetry: Telemetry, marker: Path) -> list[Any]:
    """Return the application's addresses; the marker is there once it is set up."""

    def sign_in(request: HttpRequest) -> HttpResponse:
        if (request.POST.get("name"), request.POST.get("password")) == (NAME, PASSWORD):
            request.session["name"] = NAME
            return HttpResponseRedirect("/")
        return HttpResponse(SIGN_IN.format(get_token(request)))

    def home(request: HttpRequest) -> HttpResponse:
        if "name" not in request.session:
            return HttpResponseRedirect("/sign-in")
        return HttpResponse(HOME) if marker.exists() else HttpResponseRedirect("/setup/")

    def finish(request: HttpRequest) -> HttpResponse:
        if "name" in request.session:
            marker.touch()
        return HttpResponseRedirect("/")

    admin = TelemetryAdmin(telemetry, is_admin=administrator, home="/")
    setup = TelemetrySetup(telemetry, is_admin=administrator, then="/finish")
    return [
        path("", home),
        path("sign-in", sign_in),
        path("finish", finish),
        re_path(r"^setup(/.*)?$", mounted(setup.wsgi)),
        re_path(r"^admin/telemetry(/.*)?$", mounted(admin.wsgi)),
    ]


def main() -> None:
    """Run the application."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8003)
    parser.add_argument("--endpoint", default="http://127.0.0.1:8400", help="where pings go")
    parser.add_argument("--key", default="demo", help="the app's key at that receiver")
    parser.add_argument("--directory", type=Path, default=Path("var/example-django"), help="what is remembered")
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    marker = given.directory / "set-up"
    telemetry = Telemetry(
        app="acme",
        version="1.2.3",
        endpoint=given.endpoint,
        key=given.key,
        directory=given.directory / "telemetry",
        initialised=marker.exists,
    )
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        ROOT_URLCONF=tuple(urls(telemetry, marker)),
        SECRET_KEY=secrets.token_hex(),
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    )
    django.setup()
    print(f"http://127.0.0.1:{given.port} – sign in as {NAME} with the password {PASSWORD}", flush=True)
    with telemetry:
        call_command("runserver", f"127.0.0.1:{given.port}", "--noreload")


if __name__ == "__main__":
    main()
