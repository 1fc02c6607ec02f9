"""The commands of apps and their keys: `homing app …`."""

from types import MappingProxyType
from typing import Any, Final

import click

from homing.cli import output
from homing.cli.opening import as_json, of_owner, of_store, open_app, open_workplace, owner_named
from homing.clock import iso_time
from homing.errors import AccountError
from homing.server.accounts.apps import add_app, demand_bearer, keep_addresses, restore_app, retire_app
from homing.server.accounts.keys import OVERLAPS, SCOPES, end_key, keep_key, make_key, rotate_key
from homing.server.stores.base import AppKey

KEEP: Final = MappingProxyType({"on": True, "off": False, "auto": None})
"""Whether hashes of addresses are kept, as one says it."""


@click.group()
def app() -> None:
    """Add, list and retire apps, and look after their keys."""


@app.command("add")
@click.argument("name")
@click.option("--dimension", "dimensions", multiple=True, help="A dimension the app declares beside the built-in ones.")
@of_owner
@of_store
@as_json
def app_add(*, name: str, dimensions: tuple[str, ...], owner: str | None, store: str | None, json_: bool) -> None:
    """Add an app NAME, and give it a key to send with."""
    place = open_workplace(store)
    who = owner_named(place, owner)
    made = add_app(place.control, place.clock, owner=who, name=name, dimensions=dimensions)
    _row, plain = make_key(place.control, place.clock, app=made, scope="send")
    told = f"Added the app {name}. Its key to send with: {plain}"
    output.say({"app": name, "key": plain}, told, json_=json_)


@app.command("list")
@of_owner
@of_store
@as_json
def app_list(*, owner: str | None, store: str | None, json_: bool) -> None:
    """List the apps of an owner."""
    place = open_workplace(store)
    apps = place.control.apps(owner_named(place, owner).id)
    now = place.clock.now()
    active = [key.app for key in place.control.app_keys() if key.is_active(now)]
    rows = [
        {
            "app": each.name,
            "state": "retired" if each.retired else "active",
            "keys": active.count(each.id),
            "bearer": "demanded" if each.demands_bearer else "not demanded",
            "dimensions": ", ".join(each.dimensions),
        }
        for each in apps
    ]
    output.rows(rows, ("app", "state", "keys", "bearer", "dimensions"), json_=json_)


@app.command("key")
@click.argument("name")
@click.option("--add", "scope", type=click.Choice(SCOPES), help="Give the app a new key of this scope.")
@click.option("--rotate", metavar="NUMBER", type=int, help="Give the app a new key in place of that one, which ends.")
@click.option("--revoke", metavar="NUMBER", type=int, help="Let the key of that number end.")
@click.option("--keep", metavar="NUMBER", type=int, help="Take the end of a key back while it has not ended.")
@click.option(
    "--ends", type=click.Choice(list(OVERLAPS)), help="When it ends: rotated after 7d, revoked now, unless said."
)
@of_owner
@of_store
@as_json
def app_key(**given: Any) -> None:
    """List the keys of the app NAME, or add, rotate, revoke or keep one."""
    chosen = [name for name in ("scope", "rotate", "revoke", "keep") if given[name] is not None]
    if len(chosen) > 1:
        message = "Choose one of --add, --rotate, --revoke and --keep."
        raise AccountError(message)
    place, found = open_app(given)
    what, json_ = (place.control, place.clock), given["json_"]
    days = OVERLAPS[given["ends"] or ("7d" if given["rotate"] is not None else "now")]
    if given["scope"]:
        _tell_made(make_key(*what, app=found, scope=given["scope"]), json_=json_)
    elif given["rotate"] is not None:
        _tell_made(rotate_key(*what, app=found, number=given["rotate"], days=days), json_=json_)
    elif given["revoke"] is not None:
        _tell_end(end_key(*what, app=found, number=given["revoke"], days=days), place.clock.now(), json_=json_)
    elif given["keep"] is not None:
        kept = keep_key(*what, app=found, number=given["keep"])
        output.say({"kept": kept.id}, f"Key {kept.id} goes on.", json_=json_)
    else:
        rows = [_key_row(key) for key in place.control.app_keys(found.id)]
        output.rows(rows, ("number", "scope", "key", "created", "used", "ends"), json_=json_)


def _tell_made(made: tuple[AppKey, str], *, json_: bool) -> None:
    row, plain = made
    once = "" if row.plain else " It is shown this once."
    output.say({"number": row.id, "scope": row.scope, "key": plain}, f"Key {row.id}: {plain}{once}", json_=json_)


def _tell_end(key: AppKey, now: int, *, json_: bool) -> None:
    ends = iso_time(now if key.ends is None else key.ends)
    told = f"Revoked key {key.id}." if not key.is_active(now) else f"Key {key.id} ends at {ends}; --keep takes it back."
    output.say({"revoked": key.id, "ends": ends}, told, json_=json_)


def _key_row(key: AppKey) -> dict[str, Any]:
    return {
        "number": key.id,
        "scope": key.scope,
        "key": key.plain or f"…{key.hint}",
        "created": iso_time(key.created),
        "used": None if key.used is None else iso_time(key.used),
        "ends": None if key.ends is None else iso_time(key.ends),
    }


@app.command("bearer")
@click.argument("name")
@click.argument("demanded", type=click.Choice(["on", "off"]))
@of_owner
@of_store
@as_json
def app_bearer(**given: Any) -> None:
    """Let the app NAME demand a bearer token of everyone who sends (on), or be open to its send keys (off)."""
    place, found = open_app(given)
    changed = demand_bearer(place.control, place.clock, app=found, demanded=given["demanded"] == "on")
    told = "demands a bearer token" if changed.demands_bearer else "is open to its send keys"
    output.say({"app": changed.name, "bearer": given["demanded"]}, f"{changed.name} {told}.", json_=given["json_"])


@app.command("retire")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@of_owner
@of_store
@as_json
def app_retire(**given: Any) -> None:
    """Let the app NAME take no more pings: its addresses answer 410. Everything counted stays."""
    place, found = open_app(given)
    if not given["yes"]:
        typed = click.prompt(f"Its installations will be told to stop. Type {found.name} to retire it", err=True)
        if typed != found.name:
            message = f"That is not {found.name!r}: nothing was changed."
            raise AccountError(message)
    retire_app(place.control, app=found)
    output.say({"app": found.name, "state": "retired"}, f"Retired {found.name}.", json_=given["json_"])


@app.command("restore")
@click.argument("name")
@of_owner
@of_store
@as_json
def app_restore(**given: Any) -> None:
    """Let the retired app NAME take pings again."""
    place, found = open_app(given)
    restore_app(place.control, app=found)
    output.say({"app": found.name, "state": "active"}, f"{found.name} takes pings again.", json_=given["json_"])


@app.command("addresses")
@click.argument("name")
@click.argument("keep", type=click.Choice(sorted(KEEP)), required=False)
@of_owner
@of_store
@as_json
def app_addresses(**given: Any) -> None:
    """Say whether keyed hashes of senders' addresses are kept for the app NAME, or change it.

    With auto they are for FlowFuse, and for nothing else.
    """
    place, found = open_app(given)
    if given["keep"] is not None:
        found = keep_addresses(place.control, app=found, keeps=KEEP[given["keep"]])
    word = next(each for each, value in KEEP.items() if value == found.keeps_addresses)
    told = f"Hashes of addresses for {found.name}: {word}."
    output.say({"app": found.name, "addresses": word}, told, json_=given["json_"])
