"""Shows the product: a receiver whose store is filled at its first start, and programs that send to it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from homing.cli import output
from homing.cli.demo.filling import fill, store_path
from homing.cli.demo.fleet import APP, WHOLE_DAYS, fleet_until
from homing.cli.demo.releases import releases
from homing.cli.demo.senders import Senders, Target, endpoint, programs
from homing.cli.welcome import address_of, first_key, introduction
from homing.clock import SystemClock, day_of, iso_day
from homing.errors import SettingsError, StartError
from homing.server.accounts.accounts import FirstOwner
from homing.server.app import Receiver
from homing.server.config import load
from homing.server.logs import configure
from homing.server.serve import serve
from homing.server.stores.registry import SQLITE, Opened
from homing.settings import Resolved

RETENTION_DAYS: Final = 92


def run_demo(given: dict[str, Any], instances: int) -> None:
    """Serve the demo with the settings given on the command line; raise `HomingError` when that cannot be."""
    settings = demo_settings(given)
    configure(settings["log_level"], settings["log_format"])
    clock = SystemClock()
    today = day_of(clock.now())
    known = releases(today - WHOLE_DAYS, today)
    with Senders(store_path(settings).parent / "senders", programs(known)) as senders:
        show = _Show(settings, clock, senders, instances)
        serve(settings, show.announce, prepare=show.prepare)


def demo_settings(given: dict[str, Any]) -> Resolved:
    """Return the settings with a store beside the usual one; raise `SettingsError` when another one is given."""
    if given.get("store"):
        raise SettingsError(["--demo has a store of its own; leave --store out."])
    usual = store_path(load(given))
    own = usual.parent / "demo" / "homing.db"
    return load({**given, "store": f"{SQLITE}{own}", "retention_days": RETENTION_DAYS})


class _Show:
    """What happens before and when the receiver listens."""

    def __init__(self, settings: Resolved, clock: SystemClock, senders: Senders, instances: int) -> None:
        self._settings = settings
        self._clock = clock
        self._senders = senders
        self._instances = instances
        self._path = store_path(settings)
        self._first: FirstOwner | None = None

    def prepare(self) -> None:
        """Fill the store where there is none yet; end the program when it is told to stop meanwhile."""
        if self._path.exists():
            return
        now = self._clock.now()
        fleet = fleet_until(day_of(now), size=self._instances)
        span = f"{iso_day(fleet.first)} to {iso_day(fleet.last)}"
        with output.progress(f"Filling {span}", len(fleet.days)) as advance, _told_to_stop() as is_stopped:
            self._first = fill(self._settings, fleet, now=now, advance=advance, is_stopped=is_stopped)
        if self._first is None:
            click.echo("Stopped: nothing of the demo was kept, the next start fills it anew.", err=True)
            raise click.exceptions.Exit

    def announce(self, receiver: Receiver, opened: Opened) -> None:
        """Say what there is to see, and start the programs."""
        oldest = next((each.name for each in opened.control.apps()), None)
        if oldest != APP:
            raise StartError(f"The store {self._path} holds no demo; move it elsewhere and start again.")
        if self._first is None:
            click.echo(
                f"The demo in {self._path.parent} was filled before. Delete that directory to begin anew.", err=True
            )
        first = self._first or receiver.accounts.first_owner(self._settings["owner"])
        app, key = first_key(opened.control, self._clock, owner=first.owner.id)
        address = address_of(self._settings)
        lines = (*introduction(address, first, app=app, key=key), "", *_story(address, self._instances, self._path))
        click.echo("\n".join(lines))
        self._senders.start(Target(endpoint(self._settings["host"], self._settings["port"]), key))


def _story(address: str, instances: int, path: Path) -> tuple[str, ...]:
    return (
        f"This is a demo. {instances:,} installations of an app called {APP} are made up, with two months of history.",
        "Three programs on this machine embed the SDK and phone home every few seconds.",
        "",
        f"Open {address}, sign in with the owner's name and the password above, and choose a password of your own.",
        f"Count on the command line:  homing report --store {SQLITE}{path} --range month",
        "",
        f"Stop with Ctrl-C. To be rid of the demo, delete {path.parent}.",
    )


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], bool]]:
    """Note SIGINT and SIGTERM inside the block instead of ending."""
    told: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda came, _frame: told.append(came)) for number in numbers]
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
