"""When the next ping is due."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from homing.clock import Clock

LEAST_HOURS: Final = 1
MOST_HOURS: Final = 168
USUAL_HOURS: Final = 24
FIRST_SECONDS: Final = 30.0
HOUR_SECONDS: Final = 3600


class Schedule:
    """Counts on two clocks and believes the one that is through first.

    The monotonic clock may rest while the machine sleeps, the wall clock may be put back: neither delays a ping.
    """

    def __init__(self, clock: "Clock", *, first_seconds: float, hours: int) -> None:
        self._clock = clock
        self._hours = hours
        self._set(first_seconds)

    @property
    def due(self) -> int:
        """When the next ping is due, in milliseconds since 1970-01-01 UTC."""
        return self._wall

    def wait(self) -> float:
        """Return the seconds until a ping is due, 0 when it is."""
        by_wall = (self._wall - self._clock.now()) / 1000
        by_steady = self._steady - self._clock.monotonic()
        return max(0.0, min(by_wall, by_steady))

    def restart(self) -> None:
        """Count one interval from now on, whatever became of the attempt that is beginning."""
        self._set(self._hours * HOUR_SECONDS)

    def _set(self, seconds: float) -> None:
        self._wall = self._clock.now() + int(seconds * 1000)
        self._steady = self._clock.monotonic() + seconds
