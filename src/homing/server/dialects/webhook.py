"""Inbound webhooks (document 001): any JSON becomes an event of the name that the webhook gives it."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import structlog

from homing.outcomes import Refusal, Verdict
from homing.ping import Ping
from homing.server.dialects.base import Answer, Dialect, Hook, Reading, Request, decode, refused

INSTANCE: Final = "instance_id"
PAYLOAD: Final = "payload"
MOST_INSTANCE: Final = 200
ID_DIGITS: Final = 8

log: Final = structlog.get_logger("homing.events")


class Webhook(Dialect):
    """Reads whatever is sent to a webhook's address, and answers with nothing."""

    name = "webhook"
    paths = ()

    def read(self, request: Request) -> Reading:
        """Return the one event of a request."""
        if request.hook is None or not request.hook.active:
            raise Refusal("webhook_off")
        ping = _ping(request, request.hook, decode(request.body))
        return Reading((ping,), names=(_id(request),))

    def answer(self, reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return 200 without a body, or the refusal of the event."""
        [verdict] = verdicts
        if isinstance(verdict, Refusal):
            return refused(verdict)
        [ping], [number] = reading.items, reading.names
        if isinstance(ping, Ping):
            persistent = "true" if ping.is_kept else "false"
            log.debug("[events] <- %s id=%s kind=usr persist=%s", ping.kind, number, persistent)
        return Answer(verdict.status, b"", ())


def _id(request: Request) -> str:
    return sha256(b"%d %d " % (request.app, request.received) + request.body).hexdigest()[:ID_DIGITS]


def _ping(request: Request, hook: Hook, value: Any) -> Ping:
    given = value if isinstance(value, dict) else {PAYLOAD: value}
    return Ping(
        app=request.app,
        instance=_instance(given),
        kind=hook.event,
        at=request.received,
        received=request.received,
        properties=given if hook.persistent and hook.includes_input else {},
        is_event=True,
        is_kept=hook.persistent,
    )


def _instance(given: Mapping[str, Any]) -> str | None:
    """Return the instance that a payload names; None where it names none that could be counted."""
    name = given.get(INSTANCE)
    return name if isinstance(name, str) and 0 < len(name) <= MOST_INSTANCE and name.isprintable() else None
