"""Decides who may erase an instance, and has it done (docs/decisions/0015)."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Annotated, Final

import msgspec
import structlog

from homing.clock import Clock
from homing.outcomes import Refusal
from homing.server.accounts.directory import Directory
from homing.server.ingest.limits import RateLimit
from homing.server.ingest.steps import MOST_ID
from homing.server.reader.client import ReaderClient
from homing.server.stores.base import App, Receipt

PER_SECOND: Final = 1
MOST_TOKEN: Final = 200

_random: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
"""A UUID of version 4 or 7, most of which is chance (RFC 9562)."""

log: Final = structlog.get_logger("homing.erasures")


class Asked(msgspec.Struct):
    """Who is to be erased; `token` is the instance's own, where it is bound to one."""

    instance_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_ID)]
    token: Annotated[str, msgspec.Meta(max_length=MOST_TOKEN)] | None = None


class Eraser:
    """Erases instances that show that they may ask. `directory` says whose keys there are, `reader` does the work."""

    def __init__(self, directory: Directory, reader: ReaderClient, clock: Clock) -> None:
        self._directory = directory
        self._reader = reader
        self._clock = clock
        self._address = RateLimit("rate_address", PER_SECOND)
        self._app = RateLimit("rate_app", PER_SECOND)

    async def erase(self, asked: Asked, *, key: str | None, token: str | None, address: str) -> Receipt:
        """Erase an instance of the app of a key, and return the receipt; raise `Refusal`.

        `token` is the bearer token of the request, for apps that demand one.
        """
        now = self._clock.monotonic()
        self._address.check(address, now)
        app = self._app_of(key, token)
        # An id that tells too much is stored as its hash alone.
        stored = self._directory.target(app).veil.instance(asked.instance_id)
        bound = await self._reader.bindings(app.owner, stored)
        check_bindings(asked, app.id, bound=bound)
        # Counted last: what is refused to one who only knows the public key must not keep others from being erased.
        self._app.check(app.id, now)
        receipt = await self._reader.erase(app.owner, stored)
        if receipt is None:
            raise Refusal("instance_unknown")
        log.info("erased", app=app.name, apps=receipt.apps, days=receipt.days, history=receipt.history)
        return receipt

    def _app_of(self, key: str | None, token: str | None) -> App:
        if key is None:
            raise Refusal("key_missing")
        target = self._directory.by_key(key)
        if target.demands_bearer:
            self._directory.check_bearer(target, token)
        return self._directory.app(target)


def check_bindings(asked: Asked, app: int, *, bound: Mapping[int, str | None]) -> None:
    """Raise `Refusal` unless an instance may be erased by whoever asks.

    `bound` are the apps of the owner that know it, each with the hash of the token it is bound to. Where none knows it
    there is nothing to protect: it may have been erased before.
    """
    tokens = {each for each in bound.values() if each is not None}
    if tokens and app in bound:
        _check_token(asked.token, tokens)
    elif not _random.fullmatch(asked.instance_id):
        # Before it is told that the app does not know it: who guesses must not learn whether another one does.
        raise Refusal("instance_guessable")
    elif bound and app not in bound:
        raise Refusal("instance_unknown")


def _check_token(token: str | None, wanted: Iterable[str]) -> None:
    if not token:
        raise Refusal("token_missing", "This instance is bound to a token: send it as token.")
    if any(sha256(token.encode()).hexdigest() != each for each in wanted):
        raise Refusal("token_wrong")
