"""Errors of the back end go to Sentry, by its own package."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from homing.clock import Clock
from homing.sdk.integrations.frontend import Release

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope


REMEMBERED_SECONDS: Final = 1.0
"""How long an answer holds: an application in trouble has many errors, and each would ask its database."""


class Leave:
    """Asks whether something may be sent, and remembers the answer for a second."""

    def __init__(self, ask: Callable[[], bool], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._here = threading.local()
        self._known = (False, clock.monotonic())

    def __call__(self) -> bool:
        """Tell whether something may be sent; not what is said while that is asked."""
        if getattr(self._here, "is_asking", False):
            # The database's driver has logged an error itself: that would ask it again, and again.
            return False
        may_send, until = self._known
        if self._clock.monotonic() >= until:
            self._here.is_asking = True
            try:
                may_send = self._ask()
            finally:
                self._here.is_asking = False
            self._known = (may_send, self._clock.monotonic() + REMEMBERED_SECONDS)
        return may_send


def begin(dsn: str, release: Release, *, may_send: Callable[[], bool]) -> str:
    """Start Sentry's client and say `enabled`, or why it is not. It sends only what it may at that time."""
    try:
        import sentry_sdk
        from sentry_sdk.transport import HttpTransport
    except ImportError:
        return "not enabled: install homing[sentry]"

    class Gate(HttpTransport):
        """Lets nothing pass once telemetry is switched off: neither errors nor what the client says of itself."""

        def capture_envelope(self, envelope: "Envelope") -> None:
            if may_send():
                super().capture_envelope(envelope)

    try:
        sentry_sdk.init(dsn=dsn, release=release.name, environment=release.environment, transport=Gate)
    except Exception as error:  # noqa: BLE001 - whatever its client finds wrong must not harm the host
        return f"not enabled: {type(error).__name__}: {error}"
    return "enabled"
