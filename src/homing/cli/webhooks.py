"""The commands of inbound webhooks: `homing webhook …`."""

from typing import Any, Final, NamedTuple

import click

from homing.cli import output
from homing.cli.opening import Workplace, as_json, of_owner, of_store, open_app
from homing.cli.welcome import address_of
from homing.errors import NotFound
from homing.server.accounts.webhooks import EVENT, KEY, add_webhook, change_webhook, path_of
from homing.server.stores.base import App, Webhook

COLUMNS: Final = ("key", "event", "persistent", "includes_input", "active", "url")

of_persistent: Final = click.option("--persistent/--passing", default=None, help="Keep the event, or only count it.")
of_input: Final = click.option(
    "--input/--no-input", "includes_input", default=None, help="Keep what was sent with it, or not."
)


class _Place(NamedTuple):
    """The store, and the app that a command is about."""

    work: Workplace
    app: App

    def row(self, webhook: Webhook) -> dict[str, Any]:
        """Return a webhook as it is printed."""
        url = f"{address_of(self.work.settings)}{path_of(webhook)}"
        return {**{name: getattr(webhook, name) for name in COLUMNS[:-1]}, "url": url}

    def of(self, key: str) -> Webhook:
        """Return the app's webhook of that key."""
        found = [each for each in self.work.control.webhooks() if (each.app, each.key) == (self.app.id, key)]
        if not found:
            message = f"{self.app.name} has no webhook {key!r}."
            raise NotFound(message)
        return found[0]


@click.group()
def webhook() -> None:
    """Look after inbound webhooks: addresses at which any JSON is taken in as an event."""


@webhook.command("add")
@click.argument("name", metavar="APP")
@click.argument("key", default=KEY)
@click.option("--event", default=EVENT, show_default=True, help="What the events are called.")
@of_persistent
@of_input
@of_owner
@of_store
@as_json
def webhook_add(**given: Any) -> None:
    """Give APP a webhook KEY, and print its address."""
    place = _place(given)
    chosen = _chosen(given)
    made = add_webhook(place.work.control, place.work.clock, app=place.app.id, key=given["key"], **chosen)
    row = place.row(made)
    output.say(row, f"Added the webhook {made.key}. POST any JSON to {row['url']}", json_=given["json_"])


@webhook.command("list")
@click.argument("name", metavar="APP")
@of_owner
@of_store
@as_json
def webhook_list(**given: Any) -> None:
    """List the webhooks of APP with their addresses."""
    place = _place(given)
    found = [place.row(each) for each in place.work.control.webhooks() if each.app == place.app.id]
    output.rows(found, COLUMNS, json_=given["json_"])


@webhook.command("change")
@click.argument("name", metavar="APP")
@click.argument("key")
@click.option("--event", help="What the events are called.")
@of_persistent
@of_input
@click.option("--on/--off", "active", default=None, help="Take events in, or refuse them.")
@of_owner
@of_store
@as_json
def webhook_change(**given: Any) -> None:
    """Change the webhook KEY of APP, or switch it on or off. Its address stays."""
    place = _place(given)
    changed = place.of(given["key"])._replace(**_chosen(given))
    change_webhook(place.work.control, changed)
    output.say(place.row(changed), f"Changed the webhook {changed.key}.", json_=given["json_"])


@webhook.command("delete")
@click.argument("name", metavar="APP")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@of_owner
@of_store
@as_json
def webhook_delete(**given: Any) -> None:
    """Delete the webhook KEY of APP; its address is refused from then on."""
    place = _place(given)
    found = place.of(given["key"])
    if not given["yes"]:
        click.confirm(f"Delete the webhook {found.key}? Its address is not dealt again.", abort=True, err=True)
    place.work.control.drop_webhook(found.id)
    output.say({"deleted": found.key}, f"Deleted the webhook {found.key}.", json_=given["json_"])


def _place(given: dict[str, Any]) -> _Place:
    return _Place(*open_app(given))


def _chosen(given: dict[str, Any]) -> dict[str, Any]:
    names = ("event", "persistent", "includes_input", "active")
    return {name: given[name] for name in names if given.get(name) is not None}
