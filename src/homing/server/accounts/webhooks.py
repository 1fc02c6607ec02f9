"""Inbound webhooks: made with an address that cannot be guessed, changed, and found again."""

import re
from typing import Final

from homing.clock import Clock
from homing.errors import AccountError
from homing.server.ingest.routes import HOOKS
from homing.server.ingest.steps import MOST_KIND, is_kind
from homing.server.stores.base import Control, NewWebhook, Webhook

KEY: Final = "inbound-telemetry"
EVENT: Final = "telemetry.custom"
"""What is suggested, as document 001 has it."""

TOKEN_BYTES: Final = 24
_key: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_names(key: str, event: str) -> None:
    """Raise `AccountError` for a key or an event's name that will not do."""
    if not _key.fullmatch(key):
        message = "A webhook's key begins with a letter or digit, and has letters, digits and ._- up to 100."
        raise AccountError(message)
    if not is_kind(event):
        message = f"An event's name has 1 to {MOST_KIND} characters, none of them a control character."
        raise AccountError(message)


# wide: the switches of a webhook, all of which have a usual position
def add_webhook(
    control: Control,
    clock: Clock,
    *,
    app: int,
    key: str = KEY,
    event: str = EVENT,
    persistent: bool = True,
    includes_input: bool = True,
    active: bool = True,
) -> Webhook:
    """Give an app a webhook; raise `AccountError` for names that will not do, `NameTaken` for a key in use."""
    check_names(key, event)
    new = NewWebhook(app, key, clock.token(TOKEN_BYTES), event, persistent, includes_input, active)
    return control.add_webhook(new, now=clock.now())


def change_webhook(control: Control, webhook: Webhook) -> None:
    """Store a changed webhook; raise as `add_webhook` does."""
    check_names(webhook.key, webhook.event)
    control.change_webhook(webhook)


def path_of(webhook: Webhook) -> str:
    """Return the path at which a webhook takes events in. Whoever knows it can send."""
    return f"{HOOKS}{webhook.key}/{webhook.token}"
