"""App keys: made, recognised, and what each scope may do."""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Literal

from homing.clock import DAY_MS, Clock
from homing.errors import NotFound
from homing.server.stores.base import App, AppKey, Control, NewKey

Scope = Literal["send", "bearer", "read"]

SCOPES: Final[tuple[Scope, ...]] = ("send", "bearer", "read")
"""`send` keys travel inside applications and only let pings in; `read` keys open what is
counted and kept of their app.

`bearer` keys let pings in too, also where the app demands a bearer token; like `read` keys they are shown once.
"""

OVERLAPS: Final[Mapping[str, int]] = MappingProxyType({"now": 0, "1d": 1, "7d": 7, "30d": 30})
"""How many days a key goes on after it was rotated or revoked, by the name of the choice."""

KEY_BYTES: Final = 18
HINT_LENGTH: Final = 4


def key_digest(key: str) -> bytes:
    """Return the SHA-256 a key is recognised by. A key is random, so it needs no salt and no slow hash."""
    return sha256(key.encode()).digest()


def make_key(control: Control, clock: Clock, *, app: App, scope: Scope) -> tuple[AppKey, str]:
    """Give an app a new key; return its row and the key itself, which is stored nowhere unless it is a `send` key."""
    made, plain = _fresh(clock, scope)
    return control.add_key(app.id, made, now=clock.now()), plain


def _fresh(clock: Clock, scope: str) -> tuple[NewKey, str]:
    plain = f"hm_{scope}_{clock.token(KEY_BYTES)}"
    kept = plain if scope == "send" else None
    return NewKey(scope, key_digest(plain), kept, plain[-HINT_LENGTH:]), plain


def active_key(control: Control, clock: Clock, *, app: App, number: int) -> AppKey:
    """Return the key of that number; raise `NotFound` when the app has none, or it has ended."""
    for key in control.app_keys(app.id):
        if key.id == number and key.is_active(clock.now()):
            return key
    message = f"The app has no active key {number}."
    raise NotFound(message)


def end_key(control: Control, clock: Clock, *, app: App, number: int, days: int = 0) -> AppKey:
    """Let a key of an app end after so many days, 0 for now; raise `NotFound` when it has none that is active."""
    return _with_end(
        control, clock, key=active_key(control, clock, app=app, number=number), ends=clock.now() + days * DAY_MS
    )


def keep_key(control: Control, clock: Clock, *, app: App, number: int) -> AppKey:
    """Take the end of a key back; raise `NotFound` when it is not one that ends later."""
    key = active_key(control, clock, app=app, number=number)
    if key.ends is None:
        message = f"Key {number} has no end that could be taken back."
        raise NotFound(message)
    return _with_end(control, clock, key=key, ends=None)


def rotate_key(control: Control, clock: Clock, *, app: App, number: int, days: int) -> tuple[AppKey, str]:
    """Give an app a new key in place of one that ends after so many days; return what `make_key` does.

    Raises `NotFound` when the app has none of that number, or it ends already: asked twice at once one key is made.
    """
    old = active_key(control, clock, app=app, number=number)
    new, plain = _fresh(clock, old.scope)
    now = clock.now()
    made = control.replace_key(old, new, ends=now + days * DAY_MS, now=now)
    if made is None:
        message = f"Key {number} ends already: keep it, or add a key."
        raise NotFound(message)
    return made, plain


def _with_end(control: Control, clock: Clock, *, key: AppKey, ends: int | None) -> AppKey:
    if not control.end_key(key.id, ends, now=clock.now()):
        message = f"Key {key.id} has ended meanwhile."
        raise NotFound(message)
    return key._replace(ends=ends)
