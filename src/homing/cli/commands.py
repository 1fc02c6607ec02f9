"""The commands of the receiver. Every one but `serve` is safe while a receiver runs on the same store."""

import json
import signal
import sys
from collections.abc import Sequence
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any, Final, get_args

import click

import homing
from homing.cli import output
from homing.cli.apps import app
from homing.cli.opening import (
    Workplace,
    app_named,
    as_json,
    of_owner,
    of_store,
    open_app,
    open_workplace,
    owner_named,
    stored_names,
)
from homing.cli.webhooks import webhook
from homing.clock import day_of, iso_time
from homing.errors import AccountError, HomingError, NotFound
from homing.server.counting.labels import LABELS
from homing.server.counting.sets import Plan, marked, plan
from homing.server.query.events import events
from homing.server.query.history import MOST_ENTRIES, entry_row
from homing.server.query.measure import measure, numbers
from homing.server.query.question import PARAMETERS, Query, parse
from homing.server.query.report import report
from homing.server.query.table import to_csv
from homing.server.stores.base import Instance, Sort, State

FAILED: Final = 2
HOUR_MS: Final = 3_600_000


def run() -> None:
    """Run the command line; an error of ours is one sentence and exit code 2."""
    try:
        cli(prog_name="homing")
    except HomingError as error:
        for sentence in getattr(error, "problems", (str(error),)):
            click.echo(f"homing: {sentence}", err=True)
        sys.exit(FAILED)


@click.group(commands=[app, webhook], context_settings={"help_option_names": ["-h", "--help"]})
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
        made = measure(place.store, query, name=name) if name else numbers(place.store, query)
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
    place, found = open_app(given)
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
@click.argument("name", metavar="[APP]", required=False)
@click.option("--search", default="", help="Only ids that contain this text.")
@click.option("--label", "labels", type=click.Choice(LABELS), multiple=True, help="Only those that bear this label.")
@click.option("--state", type=click.Choice(get_args(State)), help="Only those that are so now.")
@click.option("--sort", type=click.Choice(get_args(Sort)), default="last_seen", help="The order of the list.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="How many to list.")
@click.option("--release", metavar="ID", help="Forget the token an instance is bound to; the next one it sends binds.")
@of_owner
@of_store
@as_json
def instances(**given: Any) -> None:
    """List the instances of APP, or release the token of one. An owner's only app need not be named."""
    place, found = open_app(given)
    if given["release"]:
        names = stored_names(place, found.owner, instance_id=given["release"])
        if not any(place.store.release(found.id, each) for each in names):
            message = f"No instance {given['release']!r} is bound to a token."
            raise NotFound(message)
        output.say({"released": given["release"]}, f"Released {given['release']}.", json_=given["json_"])
        return
    how = {name: given[name] for name in ("state", "sort", "limit")}
    search, *_ = stored_names(place, found.owner, instance_id=given["search"])
    listed = place.store.instances(
        found.owner, found.id, search=search, asked=_bearing(found.id, given["labels"]), **how
    )
    rows = [_instance_row(item) for item in listed.items]
    output.rows(
        rows,
        ("instance_id", "version", "platform", "arch", "kind", "state", "labels", "first_seen", "last_seen"),
        json_=given["json_"],
    )
    if listed.after and not given["json_"]:
        click.echo(f"There are more; --limit shows more than {given['limit']}.", err=True)


def _bearing(app: int, labels: Sequence[str]) -> Plan | None:
    """Return the plan of those that bear all these labels, None where there are none."""
    return plan([reduce(and_, (marked(app, each) for each in labels))]) if labels else None


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
    place, found = open_app(given)
    marked = place.store.mark(found.id, given["label"], ids=given["ids"], on=not given["off"])
    unknown = len(set(given["ids"])) - marked
    told = {"label": given["label"], "on": not given["off"], "instances": marked, "unknown": unknown}
    output.say(told, f"Labelled {marked} instances; {unknown} are not known.", json_=given["json_"])


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


@cli.command("import")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--app", "name", metavar="APP", help="The app it is for; the one the file names when left out.")
@of_owner
@of_store
@as_json
def import_command(*, file: Path, name: str | None, owner: str | None, store: str | None, json_: bool) -> None:
    """Take in a FILE that an installation without a network exported. Importing it again changes nothing."""
    from homing.cli import importing

    place = open_workplace(store)
    header = importing.header_of(file)
    found = app_named(place, owner_named(place, owner), name=header.app if name is None else name)
    if found.retired:
        message = f"The app {found.name} is retired and takes no more pings."
        raise AccountError(message)
    steps = -(-importing.count_lines(file) // importing.LINES)
    with output.progress("Importing", max(steps, 1)) as advance:
        became = importing.import_file(place, found, path=file, advance=advance)
    rows = [{"outcome": each, "pings": number} for each, number in became.most_common()]
    output.rows(rows, ("outcome", "pings"), json_=json_)


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
        names = stored_names(place, who.id, instance_id=instance_id)
        receipts = [receipt for name in names if (receipt := place.store.erase(who.id, name)) is not None]
    if not receipts:
        message = f"Nothing is stored about {instance_id!r}."
        raise NotFound(message)
    told = {**receipts[0]._asdict(), "at": iso_time(receipts[0].at)}
    output.say(told, "Erased. " + ", ".join(f"{name}: {value}" for name, value in told.items()), json_=json_)
