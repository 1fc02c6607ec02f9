"""An application of Starlette with telemetry's pages in it: `python examples/starlette_app.py`."""

import argparse
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from homing import Telemetry, TelemetryAdmin, TelemetrySetup

NAME, PASSWORD = "ada", "demo"

SIGN_IN = """<!doctype html><html lang="en">
<link rel="icon" href="data:,"><title>Sign in</title><h1>Sign in</h1><form method="post">
<label>Name <input name="name"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button></form>"""

HOME = """<!doctype html><html lang="en">
<link rel="icon" href="data:,"><title>Acme</title><h1>Acme</h1>
<p><a href="/admin/telemetry/">Admin → Settings → Operational telemetry</a></p>"""


def administrator(scope: Any) -> str | None:
    """Return who is signed in: telemetry's pages ask this at every request."""
    name: str | None = scope["session"].get("name")
    return name


def application(telemetry: Telemetry, marker: Path) -> Starlette:
    """Return the application; the marker is there once it is set up."""

    async def sign_in(request: Request) -> Response:
        if request.method == "POST":
            given = parse_qs((await request.body()).decode())
            if (given.get("name"), given.get("password")) == ([NAME], [PASSWORD]):
                request.session["name"] = NAME
                return RedirectResponse("/", 303)
        return HTMLResponse(SIGN_IN)

    def home(request: Request) -> Response:
        if administrator(request.scope) is None:
            return RedirectResponse("/sign-in", 303)
        return HTMLResponse(HOME) if marker.exists() else RedirectResponse("/setup/", 303)

    def finish(request: Request) -> Response:
        if administrator(request.scope) is not None:
            marker.touch()
        return RedirectResponse("/", 303)

    admin = TelemetryAdmin(telemetry, is_admin=administrator, home="/")
    setup = TelemetrySetup(telemetry, is_admin=administrator, then="/finish")
    routes = [
        Route("/", home),
        Route("/sign-in", sign_in, methods=["GET", "POST"]),
        Route("/finish", finish),
        Mount("/setup", app=setup.asgi),
        Mount("/admin/telemetry", app=admin.asgi),
    ]
    return Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, secret_key=secrets.token_hex())])


def main() -> None:
    """Run the application."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--endpoint", default="http://127.0.0.1:8400", help="where pings go")
    parser.add_argument("--key", default="demo", help="the app's key at that receiver")
    parser.add_argument("--directory", type=Path, default=Path("var/example-starlette"), help="what is remembered")
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
    print(f"http://127.0.0.1:{given.port} – sign in as {NAME} with the password {PASSWORD}", flush=True)
    with telemetry:
        uvicorn.run(application(telemetry, marker), host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
