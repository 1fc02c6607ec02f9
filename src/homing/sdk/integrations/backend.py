"""Errors of the back end go to Sentry, by its own package."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from homing.sdk.integrations.frontend import Release

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope


def begin(dsn: str, release: Release, *, may_send: Callable[[], bool]) -> str:
    """Start Sentry's client and say `enabled`, or why it is not. It sends only what it may at that moment."""
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
