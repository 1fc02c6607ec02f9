"""What every command needs: the settings, the store and the owner it is about."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import click

from homing.clock import Clock, SystemClock
from homing.errors import NotFound, StartError
from homing.server.accounts.veils import Veils
from homing.server.config import load
from homing.server.stores.base import App, Control, Owner, Store
from homing.server.stores.registry import exists, open_store, options_of
from homing.settings import Resolved

as_json: Final = click.option("--json", "json_", is_flag=True, help="Print JSON.")
of_store: Final = click.option("--store", metavar="URL", help="The store, when settings name another.")
of_owner: Final = click.option("--owner", metavar="NAME", help="The owner; the first one when left out.")


class Workplace(NamedTuple):
    """An opened store and its surroundings."""

    settings: Resolved
    store: Store
    control: Control
    clock: Clock


def open_workplace(store: str | None) -> Workplace:
    """Open the store that settings or `store` name; raise `StartError` when there is none yet."""
    settings = load({"store": store})
    if not exists(settings["store"]):
        message = f"There is no store at {settings['store']}; run homing serve once, or name another with --store."
        raise StartError(message)
    clock = SystemClock()
    opened = open_store(settings["store"], clock, options=options_of(settings))
    return Workplace(settings, opened.store, opened.control, clock)


def owner_named(place: Workplace, name: str | None) -> Owner:
    """Return the owner of that name, the first one when none is given."""
    owners = place.control.owners()
    if not owners:
        message = "There is no owner yet; run homing serve once."
        raise StartError(message)
    return owners[0] if name is None else _named("owner", owners, name)


def app_named(place: Workplace, owner: Owner, *, name: str | None) -> App:
    """Return an owner's app by name, the only one when none is given; raise `NotFound` when there is no such one."""
    apps = place.control.apps(owner.id)
    if name is None and len(apps) != 1:
        names = ", ".join(each.name for each in apps)
        raise NotFound(f"Name one of the apps: {names}." if apps else "There is no app yet; homing app add makes one.")
    found: App = apps[0] if name is None else _named("app", apps, name)
    return found


def open_app(given: Mapping[str, Any]) -> tuple[Workplace, App]:
    """Open the store and find the app that a command's `store`, `owner` and `name` say."""
    place = open_workplace(given["store"])
    return place, app_named(place, owner_named(place, given["owner"]), name=given["name"])


def stored_names(place: Workplace, owner: int, *, instance_id: str) -> list[str]:
    """Return the ids that an instance may be stored under: the hash of one that tells too much, and the id itself."""
    veil = Veils(place.control, place.clock).of(owner)
    return list(dict.fromkeys((veil.instance(instance_id), instance_id)))


def _named(what: str, things: list[Any], name: str) -> Any:
    for thing in things:
        if thing.name == name:
            return thing
    message = f"There is no {what} {name!r}."
    raise NotFound(message)
