"""The commands of the receiver. Every one but `serve` is safe while a receiver runs on the same store."""

import json
import signal
import sys
from types import MappingProxyType
from typing import Any, Final, get_args

import click

import homing
from homing.cli import output
from homing.cli.opening import Workplace, app_named, open_workplace, owner_named, stored_names
from homing.clock import day_of, iso_time
from homing.errors import HomingError, NotFound
from homing.server.accounts.apps import add_app
from homing.server.accounts.keys import SCOPES, make_key
from homing.server.counting.labels import LABELS
from homing.server.query.events import events
from homing.server.query.history import MOST_ENTRIES, entry_row
from homing.server.query.measure import measure, numbers
from homing.server.query.question import PARAMETERS, Query, parse
from homing.server.query.report import report
from homing.server.query.table import to_csv
from homing.server.stores.base import AppKey, Instance, Sort, State

FAILED: Final = 2

KEEP: Final = MappingProxyType({"on": True, "off": False, "auto": None})
"""Whether hashes of addresses are kept, as one says it."""
HOUR_MS: Final = 3_600_000

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")
of_store = click.option("--store", metavar="URL", help="The store, when settings name another.")
of_owner = click.option("--owner", metavar="NAME", help="The owner; the first one when left out.")


def run() -> None:
    """Run the command line; an error of ours is one sentence and exit code 2."""
    try:
        cli(prog_name="homing")
    except HomingError as error:
        for sentence in getattr(error, "problems", (str(error),)):
            click.echo(f"homing: {sentence}", err=True)
        sys.exit(FAILED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(homing.__version__, prog_name="homing")
def cli() -> None:
    """Receive heartbeats of software that runs on other people's machines, and count installations exactly."""


@cli.command()
@click.option("--host", help="The address to listen on.")
@click.option("--port", help="The port to listen on.")
@click.option("--config", type=click.Path(), help="A TOML file with settings.")
@click.option("--demo", is_flag=True, help="Show simulated installations, in a store of their own.")
@click.option("--demo-instances", type=click.IntRange(10, 20_000), default=2_000, hidden=True)
@of_store
def serve(*, demo: bool, demo_instances: int, **given: Any) -> None:
    """Run the receiver until it is told to stop (Ctrl-C or SIGTERM)."""
    # The receiver takes the signals over once it is loaded; until then Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if demo:
        from homing.cli.demo.show import run_demo

        run_demo(given, demo_instances)
        return
    from homing.cli.welcome import run_receiver

    run_receiver(given)


@cli.group()
def app() -> None:
    """Add and list apps, and their keys."""


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
    if json_:
        output.as_json({"app": name, "key": plain})
    else:
        click.echo(f"Added the app {name}. Its key to send with: {plain}")


@app.command("list")
@of_owner
@of_store
@as_json
def app_list(*, owner: str | None, store: str | None, json_: bool) -> None:
    """List the apps of an owner."""
    place = open_workplace(store)
    apps = place.control.apps(owner_named(place, owner).id)
    keys = place.control.app_keys()
    rows = [
        {
            "app": each.name,
            "state": "retired" if each.retired else "active",
            "keys": sum(key.app == each.id and key.revoked is None for key in keys),
            "dimensions": ", ".join(each.dimensions),
        }
        for each in apps
    ]
    _print(rows, ("app", "state", "keys", "dimensions"), json_=json_)


@app.command("key")
@click.argument("name")
@click.option(
    "--add", "scope", type=click.Choice(SCOPES), help="Give the app a new key that may send, or read reports."
)
@click.option("--revoke", metavar="NUMBER", type=int, help="Revoke the key of that number.")
@of_owner
@of_store
@as_json
def app_key(**given: Any) -> None:
    """List the keys of the app NAME, add one, or revoke one."""
    place = open_workplace(given["store"])
    found = app_named(place, owner_named(place, given["owner"]), name=given["name"])
    if given["scope"]:
        row, plain = make_key(place.control, place.clock, app=found, scope=given["scope"])
        once = "" if row.plain else " It is shown this once."
        _say({"number": row.id, "scope": row.scope, "key": plain}, f"Key {row.id}: {plain}{once}", json_=given["json_"])
        return
    if given["revoke"] is not None:
        _revoke(place, found.id, given["revoke"])
        _say({"revoked": given["revoke"]}, f"Revoked key {given['revoke']}.", json_=given["json_"])
        return
    rows = [_key_row(key) for key in place.control.app_keys(found.id)]
    _print(rows, ("number", "scope", "key", "created", "revoked"), json_=given["json_"])


@app.command("addresses")
@click.argument("name")
@click.argument("keep", type=click.Choice(sorted(KEEP)), required=False)
@of_owner
@of_store
@as_json
def app_addresses(*, name: str, keep: str | None, owner: str | None, store: str | None, json_: bool) -> None:
    """Say whether keyed hashes of senders' addresses are kept for the app NAME, or change it.

    With auto they are for FlowFuse, and for nothing else.
    """
    place = open_workplace(store)
    found = app_named(place, owner_named(place, owner), name=name)
    keeps = found.keeps_addresses if keep is None else KEEP[keep]
    if keep is not None:
        place.control.keep_addresses(found.id, keeps=keeps)
    word = next(each for each, value in KEEP.items() if value == keeps)
    _say({"app": name, "addresses": word}, f"Hashes of addresses for {name}: {word}.", json_=json_)


def _revoke(place: Workplace, number: int, key: int) -> None:
    mine = {row.id for row in place.control.app_keys(number) if row.revoked is None}
    if key not in mine or not place.control.revoke_key(key, place.clock.now()):
        message = f"The app has no active key {key}."
        raise NotFound(message)


def _key_row(key: AppKey) -> dict[str, Any]:
    return {
        "number": key.id,
        "scope": key.scope,
        "key": key.plain or f"…{key.hint}",
        "created": iso_time(key.created),
        "revoked": None if key.revoked is None else iso_time(key.revoked),
    }


def _question_options(command: Any) -> Any:
    """Give a command an option for each parameter of a question."""
    for row in reversed(PARAMETERS):
        name = f"--{row.name.replace('_', '-')}"
        command = click.option(name, f"ask_{row.name}", multiple=row.repeats, metavar="TEXT", help=row.help)(command)
    return command


@cli.command("report")
@_question_options
@click.option("--csv", "csv_", is_flag=True, help="Print CSV.")
@of_owner
@of_store
@as_json
def report_command(*, csv_: bool, owner: str | None, store: str | None, json_: bool, **asked: Any) -> None:
    """Count requests and distinct clients; of today unless told otherwise."""
    place = open_workplace(store)
    query = _query(place, owner, asked)
    with output.busy("Counting…"):
        made = report(place.store, query)
    if json_:
        output.as_json(made)
    elif csv_:
        click.echo(to_csv(made), nl=False)
    else:
        _print_report(made)


def _query(place: Workplace, owner: str | None, asked: dict[str, Any]) -> Query:
    who = owner_named(place, owner)
    apps = {each.name: each.id for each in place.control.apps(who.id)}
    return parse(who.id, apps, given=_given(asked), today=day_of(place.clock.now()))


def _given(asked: dict[str, Any]) -> dict[str, list[str]]:
    given = {name.removeprefix("ask_"): value for name, value in asked.items() if value}
    return {name: list(value) if isinstance(value, tuple) else [value] for name, value in given.items()}


def _print_report(made: dict[str, Any]) -> None:
    summary = made["summary"]
    period = made["from"] if made["from"] == made["to"] else f"{made['from']} to {made['to']}"
    output.table(tuple(summary), [summary], title=period)
    if len(made["daily"]) > 1:
        output.table(("day", "requests", "clients", "latest", "outdated"), made["daily"], title="daily")
    for name, values in made["splits"].items():
        if values:
            output.table(("value", "clients"), values, title=name)
    for note in made["notes"]:
        click.echo(note, err=True)


@cli.command("measure")
@click.argument("name", metavar="[PROPERTY]", default="")
@_question_options
@of_owner
@of_store
@as_json
def measure_command(*, name: str, owner: str | None, store: str | None, json_: bool, **asked: Any) -> None:
    """Summarise a number that the instances of one app report, such as platform.counts.users; list them without one."""
    place = open_workplace(store)
    query = _query(place, owner, asked)
    with output.busy("Looking at every instance…"):
        made = measure(place.store, query, name) if name else numbers(place.store, query)
    if json_:
        output.as_json(made)
    elif name:
        output.table(("n", "total", "median", "p95"), [made], title=f"{name} of {made['clients']} clients")
        output.table(("from", "to", "n"), made["buckets"], title="instances by number")
    else:
        output.table(("property",), [{"property": each} for each in made["properties"]])


@cli.command("events")
@_question_options
@of_owner
@of_store
@as_json
def events_command(*, owner: str | None, store: str | None, json_: bool, **asked: Any) -> None:
    """Count each kind of ping and the distinct clients it came from; of today unless told otherwise."""
    place = open_workplace(store)
    query = _query(place, owner, asked)
    with output.busy("Counting…"):
        made = events(place.store, query)
    if json_:
        output.as_json(made)
        return
    output.table(("kind", "requests", "clients"), made["events"])
    if made["more"]:
        click.echo(f"There are {made['more']} more.", err=True)


@cli.command("history")
@click.argument("name", metavar="APP")
@click.argument("instance_id", metavar="[INSTANCE]", default=None, required=False)
@click.option("--kind", help="Only this kind of ping.")
@click.option("--limit", type=click.IntRange(1, MOST_ENTRIES), default=50, help="How many entries.")
@click.option("--after", help="Where to go on: what --json gave as after.")
@of_owner
@of_store
@as_json
def history_command(**given: Any) -> None:
    """List what APP received, of one INSTANCE or of all, newest first; --json shows all of each entry."""
    place = open_workplace(given["store"])
    found = app_named(place, owner_named(place, given["owner"]), name=given["name"])
    how = {name: given[name] for name in ("instance_id", "kind", "limit", "after")}
    listed = place.store.history(found.id, **how)
    rows = [entry_row(each) for each in listed.items]
    if given["json_"]:
        output.as_json({"entries": rows, "after": listed.after})
        return
    for row in rows:
        said = {**row["dimensions"], **row["properties"]}
        row["said"] = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in said.items())
    output.table(("received", "instance_id", "kind", "said"), rows)
    if listed.after:
        click.echo(f"There are more; --after {listed.after} goes on.", err=True)


@cli.command()
@click.argument("name", metavar="APP")
@click.option("--search", default="", help="Only ids that contain this text.")
@click.option("--state", type=click.Choice(get_args(State)), help="Only those that are so now.")
@click.option("--sort", type=click.Choice(get_args(Sort)), default="last_seen", help="The order of the list.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="How many to list.")
@click.option("--release", metavar="ID", help="Forget the token an instance is bound to; the next one it sends binds.")
@of_owner
@of_store
@as_json
def instances(**given: Any) -> None:
    """List the instances of APP, or release the token of one."""
    place = open_workplace(given["store"])
    found = app_named(place, owner_named(place, given["owner"]), name=given["name"])
    if given["release"]:
        names = stored_names(place, owner_named(place, given["owner"]), instance_id=given["release"])
        if not any(place.store.release(found.id, each) for each in names):
            message = f"No instance {given['release']!r} is bound to a token."
            raise NotFound(message)
        _say({"released": given["release"]}, f"Released {given['release']}.", json_=given["json_"])
        return
    how = {name: given[name] for name in ("search", "state", "sort", "limit")}
    listed = place.store.instances(found.owner, found.id, **how)
    rows = [_instance_row(item) for item in listed.items]
    _print(
        rows,
        ("instance_id", "version", "platform", "arch", "kind", "state", "labels", "first_seen", "last_seen"),
        json_=given["json_"],
    )
    if listed.after and not given["json_"]:
        click.echo(f"There are more; --limit shows more than {given['limit']}.", err=True)


def _instance_row(item: Instance) -> dict[str, Any]:
    dimensions = dict(item.dimensions)
    times = {"first_seen": iso_time(item.first_seen), "last_seen": iso_time(item.last_seen)}
    now = {"state": item.state, "interval_hours": round(item.interval / HOUR_MS, 2), "labels": ", ".join(item.labels)}
    return {"instance_id": item.instance_id, "kind": item.kind, **dimensions, **now, **times}


@cli.command()
@click.argument("name", metavar="APP")
@click.argument("label", type=click.Choice(LABELS))
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--off", is_flag=True, help="Take the label away.")
@of_owner
@of_store
@as_json
def label(**given: Any) -> None:
    """Give instances of APP a label, or take it from them; what is said so stands whatever they send."""
    place = open_workplace(given["store"])
    found = app_named(place, owner_named(place, given["owner"]), name=given["name"])
    marked = place.store.mark(found.id, given["label"], ids=given["ids"], on=not given["off"])
    unknown = len(set(given["ids"])) - marked
    told = {"label": given["label"], "on": not given["off"], "instances": marked, "unknown": unknown}
    _say(told, f"Labelled {marked} instances; {unknown} are not known.", json_=given["json_"])


@cli.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@of_store
@as_json
def prune(*, dry_run: bool, store: str | None, json_: bool) -> None:
    """Remove days, history, ids and instances that are past their keep."""
    place = open_workplace(store)
    with output.busy("Looking for what is past its keep…"):
        removed = place.store.prune(dry_run=dry_run)._asdict()
    if json_:
        output.as_json({"dry_run": dry_run, **removed})
        return
    output.table(tuple(removed), [removed], title="would remove" if dry_run else "removed")


@cli.command()
@click.argument("instance_id", metavar="INSTANCE")
@click.option("--yes", is_flag=True, help="Do not ask.")
@of_owner
@of_store
@as_json
def erase(*, instance_id: str, yes: bool, owner: str | None, store: str | None, json_: bool) -> None:
    """Erase everything stored about INSTANCE in all apps of the owner, and refuse it from then on."""
    place = open_workplace(store)
    who = owner_named(place, owner)
    if not yes:
        click.confirm(f"Erase all data of {instance_id}? This cannot be undone.", abort=True, err=True)
    with output.busy("Erasing…"):
        names = stored_names(place, who, instance_id=instance_id)
        receipts = [receipt for name in names if (receipt := place.store.erase(who.id, name)) is not None]
    if not receipts:
        message = f"Nothing is stored about {instance_id!r}."
        raise NotFound(message)
    told = {**receipts[0]._asdict(), "at": iso_time(receipts[0].at)}
    _say(told, "Erased. " + ", ".join(f"{name}: {value}" for name, value in told.items()), json_=json_)


def _say(value: dict[str, Any], sentence: str, *, json_: bool) -> None:
    if json_:
        output.as_json(value)
    else:
        click.echo(sentence)


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, json_: bool) -> None:
    if json_:
        output.as_json(rows)
    else:
        output.table(columns, rows)
