"""App keys: made, recognised, and what each scope may do."""

from hashlib import sha256
from typing import Final, Literal

from homing.clock import Clock
from homing.server.stores.base import App, AppKey, Control, NewKey

Scope = Literal["send", "read"]

SCOPES: Final[tuple[Scope, ...]] = ("send", "read")
"""`send` keys travel inside applications and only let pings in; `read` keys open reports."""

KEY_BYTES: Final = 18
HINT_LENGTH: Final = 4


def key_digest(key: str) -> bytes:
    """Return the SHA-256 a key is recognised by. A key is random, so it needs no salt and no slow hash."""
    return sha256(key.encode()).digest()


def make_key(control: Control, clock: Clock, *, app: App, scope: Scope) -> tuple[AppKey, str]:
    """Give an app a new key; return its row and the key itself, which for a `read` key is stored nowhere."""
    plain = f"hm_{scope}_{clock.token(KEY_BYTES)}"
    kept = plain if scope == "send" else None
    made = NewKey(scope, key_digest(plain), kept, plain[-HINT_LENGTH:])
    row = control.add_key(app.id, made, now=clock.now())
    return row, plain
