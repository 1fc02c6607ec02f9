"""The receiver's own telemetry: off unless its operator switches it on, and only to where the operator says."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

import homing
from homing.errors import SettingsError
from homing.sdk.policy import SIRVEO, Name, Policy
from homing.settings import Resolved

CUSTOM: Final = "custom"
FLUSH_SECONDS: Final = 2.0

POLICY: Final[Policy] = SIRVEO._replace(
    names=(
        Name("mode", ("HOMING_TELEMETRY_MODE",)),
        Name("endpoint", ("HOMING_TELEMETRY_URL",)),
        Name("bearer", ("HOMING_TELEMETRY_AUTH",)),
        Name("interval", ("HOMING_TELEMETRY_FREQUENCY",)),
        Name("identifier", ("HOMING_TELEMETRY_IDENTIFIER",)),
    ),
    user_agent="Homing/{sdk}",
    # The receiver waits for its own last event before it stops serving.
    flush_seconds=FLUSH_SECONDS,
)
"""Document 001's, with variables of Homing's own, and no maker to send to."""

log: Final = structlog.get_logger("homing.telemetry")


class _Lines(logging.Handler):
    """Hands the lines of the SDK on to the receiver's log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        log.log(record.levelno, record.getMessage())


class Embedded:
    """Telemetry of the receiver itself. Where it is off nothing of it is there: no thread, no file, no socket."""

    def __init__(self, settings: Resolved, path: Path) -> None:
        self._settings = settings
        self._path = path
        self._stop: Callable[[], None] | None = None
        check(settings)

    def start(self) -> None:
        """Begin, if it is switched on; call once the receiver listens, it may be what is sent to."""
        if self._settings["telemetry_mode"] != CUSTOM:
            return
        from homing.sdk.notice import LOGGER
        from homing.sdk.stores import JsonStore
        from homing.sdk.telemetry import Telemetry

        kept = JsonStore(self._path.with_name(f"{self._path.name}.telemetry.json"))
        made = Telemetry(app="homing", version=homing.__version__, policy=POLICY, database=kept)
        logger = logging.getLogger(LOGGER)
        logger.addHandler(_Lines())
        logger.setLevel(self._settings["log_level"].upper())
        logger.propagate = False
        self._stop = made.stop
        # In the main thread it would watch the signals, which are the receiver's.
        threading.Thread(target=made.start, name="embedded", daemon=True).start()

    def stop(self) -> None:
        """Send the last event and end, where it was begun."""
        if self._stop is not None:
            self._stop()


def check(settings: Resolved) -> None:
    """Raise `SettingsError` where the settings cannot be gone by."""
    problems = [
        f"{name} is read from the environment alone: set HOMING_{name.upper()}."
        for name in ("telemetry_mode", "telemetry_url")
        if settings.layer(name) == "file"
    ]
    if settings["telemetry_mode"] == CUSTOM and not settings["telemetry_url"]:
        problems.append("telemetry_mode is custom, so telemetry_url must be set.")
    if problems:
        raise SettingsError(problems)
