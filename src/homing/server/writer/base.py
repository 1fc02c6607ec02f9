"""What the desk needs of whoever writes."""

from collections.abc import Callable
from typing import Protocol

from homing.server.stores.base import Batch
from homing.server.writer.scribe import Recorded

Told = Callable[[Recorded], None]
"""Told once what became of a batch, on the event loop."""


class Writer(Protocol):
    """Makes batches durable. Called on the event loop alone."""

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """Write what was put off, and end."""

    @property
    def alive(self) -> bool:
        """Whether it is there to write."""

    @property
    def restarts(self) -> int:
        """How often it died."""

    def write(self, batch: Batch, told: Told) -> None:
        """Make a batch durable, then tell. A small one may be told of before larger ones that were given earlier."""
