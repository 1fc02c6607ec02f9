"""Sends through PostHog's own package, for applications that have it: the extra `posthog`.

The package gets the very events that our own transport would send; what it adds to them is taken out again. It does not
try again by itself, nor at the end of the program: when, whether and how long, is the policy's to say. It follows no
redirect, and begins no request once its time is over; one that is under way then cannot be cut off.
"""

from collections.abc import Callable
from typing import Any, Final

from homing.sdk.transports.base import LIMIT_SECONDS, Deadline, Reply, Request

MISSING: Final = "Not enabled: install homing[posthog]."
OTHER_FORM: Final = "Nothing was sent: the package of PostHog takes events of the form posthog only."
PATH: Final = "/batch/"
EVENT: Final = "$homing"
"""Under what an event passes through the package unseen."""


class PostHogTransport:
    """Hands events to the package; it has one client, and with it one thread, for each host and key.

    `note` is what people are told who look at a request.
    """

    note: Final = (
        "PostHog's own package makes the request: the order of its bytes, its User-Agent and the certificates that it "
        "believes are the package's."
    )

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._session: Any = None

    def send(self, request: Request, deadline: Deadline) -> Reply:
        """Hand over the events of one request, and return what became of the last of them."""
        import json

        body = json.loads(request.body)
        if not isinstance(body, dict) or not {"api_key", "batch"} <= body.keys():
            return Reply(None, OTHER_FORM)
        place = request.endpoint.url.removesuffix(PATH), body["api_key"]
        try:
            client = self._client(*place)
        except ImportError:
            return Reply(None, MISSING)
        errors: list[Exception] = []
        for consumer in client.consumers:
            consumer.request = self._posting(*place, deadline)
            consumer.on_error = lambda error, _batch: errors.append(error)
        if not deadline.is_over:
            for event in body["batch"]:
                client.capture(event["event"], distinct_id=event["distinct_id"], properties={EVENT: event})
            client.flush(deadline.left())
        if deadline.is_over or client.queue.unfinished_tasks:
            # What it still has must never leave: it waits in our own outbox, or somebody has said no.
            self._clients.pop(place)
            for consumer in client.consumers:
                consumer.pause()
            return Reply(None, deadline.reason)
        return _reply(errors[-1]) if errors else Reply(200)

    def _client(self, host: str, key: str) -> Any:
        if (host, key) not in self._clients:
            import atexit
            import logging

            from posthog import Posthog

            # Where the host has no log, what goes wrong would be written to its standard error.
            logging.getLogger("posthog").addHandler(logging.NullHandler())
            client = Posthog(
                key,
                host=host,
                before_send=lambda message: message["properties"][EVENT],
                max_retries=0,
                timeout=LIMIT_SECONDS,
                capture_mode="v0",
            )
            # At the end of the program it would wait for a receiver that does not answer.
            at_exit: Any = getattr(client, "_atexit", None)
            atexit.unregister(at_exit)
            self._clients[host, key] = client
        return self._clients[host, key]

    def _posting(self, host: str, key: str, deadline: Deadline) -> Callable[[Any], None]:
        """Return what posts a batch as the package does, within the deadline, and where it was told to alone."""
        from posthog.request import batch_post

        if self._session is None:
            self._session = _straight_session()
        session = self._session

        def post(batch: Any) -> None:
            batch_post(key, host, timeout=min(deadline.left(), LIMIT_SECONDS), session=session, batch=batch)

        return post


def _straight_session() -> Any:
    """Return a session that follows no redirect: the body would go to another host, with the key in it."""
    from requests import Session

    class Straight(Session):
        def request(self, *given: Any, **named: Any) -> Any:
            return super().request(*given, **{**named, "allow_redirects": False})

    return Straight()


def _reply(error: Exception) -> Reply:
    """Return what an error of the package says."""
    status, again = getattr(error, "status", None), getattr(error, "retry_after", None)
    if isinstance(status, int):
        return Reply(status, again_seconds=int(again) if again is not None else None)
    return Reply(None, f"The package of PostHog failed: {type(error).__name__}.")
