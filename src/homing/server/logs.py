"""Structured logs: one line an event, for people on a terminal, as JSON elsewhere. Never an address, never a secret."""

import contextlib
import io
import logging
import sys
from typing import Any

import structlog


class Stderr(io.StringIO):
    """Standard error. A line that cannot be written is lost: what it tells of, a full disk perhaps, must go on."""

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure(level: str, form: str) -> None:
    """Send log lines to standard error, from `level` up; `form` is auto, console or json."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    # The prettier tracebacks show local variables, and so addresses and passwords.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = plain if console else structlog.processors.JSONRenderer()
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if not console else _unchanged,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(Stderr()),
        cache_logger_on_first_use=False,
    )


def _unchanged(_logger: Any, _method: str, event: Any) -> Any:
    return event
