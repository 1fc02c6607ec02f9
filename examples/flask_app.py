"""An application of Flask with telemetry's pages in it: `python examples/flask_app.py`."""

import argparse
import secrets
from pathlib import Path
from typing import Any

from flask import Flask, redirect, request, session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import run_simple
from werkzeug.wrappers import Response

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


def application(telemetry: Telemetry, marker: Path) -> DispatcherMiddleware:
    """Return the application; the marker is there once it is set up."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY=secrets.token_hex(), SESSION_COOKIE_SAMESITE="Lax")

    def administrator(environ: Any) -> str | None:
        """Return who is signed in: telemetry's pages ask this at every request."""
        with app.request_context(environ):
            name: str | None = session.get("name")
            return name

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> Response | str:
        if (request.form.get("name"), request.form.get("password")) == (NAME, PASSWORD):
            session["name"] = NAME
            return redirect("/", 303)
        return SIGN_IN

    @app.route("/")
    def home() -> Response | str:
        if "name" not in session:
            return redirect("/sign-in", 303)
        return HOME if marker.exists() else redirect("/setup/", 303)

    @app.route("/finish")
    def finish() -> Response:
        if "name" in session:
            marker.touch()
        return redirect("/", 303)

    admin = TelemetryAdmin(telemetry, is_admin=administrator, home="/")
    setup = TelemetrySetup(telemetry, is_admin=administrator, then="/finish")
    return DispatcherMiddleware(app, {"/setup": setup.wsgi, "/admin/telemetry": admin.wsgi})


def main() -> None:
    """Run the application."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--endpoint", default="http://127.0.0.1:8400", help="where pings go")
    parser.add_argument("--key", default="demo", help="the app's key at that receiver")
    parser.add_argument("--directory", type=Path, default=Path("var/example-flask"), help="what is remembered")
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
        run_simple("127.0.0.1", given.port, application(telemetry, marker), threaded=True)


if __name__ == "__main__":
    main()
