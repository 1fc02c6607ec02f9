"""Apps: what they may be called, and what dimensions they may declare."""

import re
from collections.abc import Sequence
from typing import Final

from homing.clock import Clock
from homing.errors import AccountError
from homing.server.stores.base import App, Control, Owner

MOST_DIMENSIONS: Final = 50
"""Each ping is looked through for all of them, and each day keeps the values of each."""

_name: Final = re.compile(r"[^\W_][\w .()+-]{0,99}")
_dimension: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")


def add_app(control: Control, clock: Clock, *, owner: Owner, name: str, dimensions: Sequence[str] = ()) -> App:
    """Add an app to an owner; raise `AccountError` for a name that will not do, `NameTaken` for one in use."""
    if not _name.fullmatch(name):
        message = "An app's name begins with a letter or digit, and has letters, digits, spaces and .()_+- up to 100."
        raise AccountError(message)
    own = tuple(dict.fromkeys(dimensions))
    if len(own) > MOST_DIMENSIONS:
        message = f"An app declares at most {MOST_DIMENSIONS} dimensions of its own."
        raise AccountError(message)
    for dimension in own:
        if not _dimension.fullmatch(dimension):
            message = f"A dimension's name is like database_provider, up to 50 characters, not {dimension!r}."
            raise AccountError(message)
    return control.add_app(owner.id, name, now=clock.now(), dimensions=own)


def retire_app(control: Control, *, app: App) -> App:
    """Let an app take no more pings; what was counted stays."""
    control.change_app(app.id, switch="retired", on=True)
    return app._replace(retired=True)


def restore_app(control: Control, *, app: App) -> App:
    """Let a retired app take pings again."""
    control.change_app(app.id, switch="retired", on=False)
    return app._replace(retired=False)


def demand_bearer(control: Control, clock: Clock, *, app: App, demanded: bool) -> App:
    """Let an app demand a bearer token, or not; raise `AccountError` when it has none that could be sent."""
    now = clock.now()
    tokens = (key for key in control.app_keys(app.id) if key.scope == "bearer" and key.is_active(now))
    if demanded and next(tokens, None) is None:
        message = "Make a bearer key first: without one nothing could be sent any more."
        raise AccountError(message)
    control.change_app(app.id, switch="demands_bearer", on=demanded)
    return app._replace(demands_bearer=demanded)


def keep_addresses(control: Control, *, app: App, keeps: bool | None) -> App:
    """Keep keyed hashes of senders' addresses, or not; None leaves it to the dialect."""
    control.change_app(app.id, switch="keeps_addresses", on=keeps)
    return app._replace(keeps_addresses=keeps)
