"""Runs the receiver from the command line, and says how to reach it."""

import shlex
from pathlib import Path
from typing import Any, Final

import click

from homing.cli.embedding import Embedded
from homing.clock import Clock, SystemClock
from homing.server.accounts.accounts import FirstOwner
from homing.server.accounts.keys import make_key
from homing.server.app import Receiver
from homing.server.config import load
from homing.server.logs import configure
from homing.server.serve import serve
from homing.server.stores.base import Control
from homing.server.stores.registry import Opened
from homing.settings import Resolved

FIRST_APP: Final = "first-app"

_HEARTBEAT: Final = (
    '{"protocolVersion":1,"instanceId":"3f1c0f0a-1111-4222-8333-444455556666","runningVersion":"1.1.82",'
    '"installedVersion":"1.1.82","installProfile":{"id":null,"version":null},'
    '"update":{"available":true,"latestVersion":"1.1.83"},"database":{"provider":"sqlite"},'
    '"runtime":{"platform":"linux","arch":"x64","nodeMajor":20}}'
)


def run_receiver(given: dict[str, Any]) -> None:
    """Serve with the settings given on the command line; raise `HomingError` when that cannot be."""
    settings = load(given)
    configure(settings["log_level"], settings["log_format"])
    embedded = Embedded(settings, Path(settings["store"].partition(":///")[2]))

    def announce(receiver: Receiver, opened: Opened) -> None:
        _announce(settings, receiver, opened)
        embedded.start()

    serve(settings, announce, ending=embedded.stop)


def _announce(settings: Resolved, receiver: Receiver, opened: Opened) -> None:
    first = receiver.accounts.first_owner(settings["owner"])
    app, key = first_key(opened.control, SystemClock(), owner=first.owner.id)
    receiver.directory.refresh()
    address = address_of(settings)
    lines = (
        *introduction(address, first, app=app, key=key),
        "",
        "Send a SeqDesk heartbeat, from another terminal:",
        "",
        f"  {_curl(address, key)}",
        "",
        "Then count:  homing report        Stop with Ctrl-C.",
    )
    click.echo("\n".join(lines))


def address_of(settings: Resolved) -> str:
    """Return the address under which people reach the receiver."""
    return settings["public_url"] or f"http://{settings['host']}:{settings['port']}"


def introduction(address: str, first: FirstOwner, *, app: str, key: str) -> tuple[str, ...]:
    """Return what everyone needs to know of a receiver that listens."""
    password = f"{first.password}   (one-time, shown this once)" if first.password else "(as set before)"
    return (
        f"Homing listens on   {address}",
        f"Owner               {first.owner.name}",
        f"Password            {password}",
        f"App                 {app}",
        f"App key             {key}",
    )


def first_key(control: Control, clock: Clock, *, owner: int) -> tuple[str, str]:
    """Return the name of the owner's first app and a key to send with, both made when there are none."""
    apps = control.apps(owner)
    app = apps[0] if apps else control.add_app(owner, FIRST_APP, now=clock.now(), dimensions=())
    for key in control.app_keys(app.id):
        if key.plain and key.is_active(clock.now()):
            return app.name, key.plain
    return app.name, make_key(control, clock, app=app, scope="send")[1]


def _curl(address: str, key: str) -> str:
    url = f"{address}/in/{key}/api/telemetry/heartbeat"
    token = "OoAnZS_nR_26p0eeGTzUAJFh9oNXdHYCz1rzA45wKPA"  # noqa: S105 - an example
    headers = f"-H 'Content-Type: application/json' -H 'X-SeqDesk-Telemetry-Token: {token}'"
    return f"curl {headers} {shlex.quote(url)} -d {shlex.quote(_HEARTBEAT)}"
