"""Sends through PostHog's own package, for applications that have it: the extra `posthog`.

The package gets the very events that our own transport would send; what it adds to them is taken out again. It does not
try again by itself, nor at the end of the program: when, whether and how long, is the policy's to say.
"""

from typing import Any, Final

from homing.sdk.transports.base import LIMIT_SECONDS, TOO_SLOW, Deadline, Reply, Request

MISSING: Final = "Not enabled: install homing[posthog]."
OTHER_FORM: Final = "Nothing was sent: the package of PostHog takes events of the form posthog only."
PATH: Final = "/batch/"
EVENT: Final = "$homing"
"""Under what an event passes through the package unseen."""


class PostHogTransport:
    """Hands events to the package; it has one client, and with it one thread, for each host and key."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._errors: list[Exception] = []

    def send(self, request: Request, deadline: Deadline) -> Reply:
        """Hand over the events of one request, and return what became of the last of them."""
        import json

        body = json.loads(request.body)
        if not isinstance(body, dict) or not {"api_key", "batch"} <= body.keys():
            return Reply(None, OTHER_FORM)
        try:
            client = self._client(request.endpoint.url.removesuffix(PATH), body["api_key"])
        except ImportError:
            return Reply(None, MISSING)
        self._errors.clear()
        for event in body["batch"]:
            client.capture(event["event"], distinct_id=event["distinct_id"], properties={EVENT: event})
        client.flush(deadline.left())
        if deadline.is_over:
            return Reply(None, TOO_SLOW)
        return _reply(self._errors[-1]) if self._errors else Reply(200)

    def _client(self, host: str, key: str) -> Any:
        if (host, key) not in self._clients:
            import atexit

            from posthog import Posthog

            client = Posthog(
                key,
                host=host,
                on_error=lambda error, _batch: self._errors.append(error),
                before_send=lambda message: message["properties"][EVENT],
                max_retries=0,
                timeout=LIMIT_SECONDS,
                capture_mode="v0",
            )
            # At the end of the program it would wait for a receiver that does not answer.
            atexit.unregister(getattr(client, "_atexit", None))  # type: ignore[arg-type]
            self._clients[host, key] = client
        return self._clients[host, key]


def _reply(error: Exception) -> Reply:
    """Return what an error of the package says."""
    status, again = getattr(error, "status", None), getattr(error, "retry_after", None)
    if isinstance(status, int):
        return Reply(status, again_seconds=int(again) if again is not None else None)
    return Reply(None, f"The package of PostHog failed: {type(error).__name__}.")
