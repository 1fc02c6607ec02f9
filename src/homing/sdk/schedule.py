"""When the next ping is due."""

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from homing.clock import Clock

DAY_SECONDS: Final = 86_400
MINUTE_SECONDS: Final = 60


class Times(NamedTuple):
    """The seconds of one destination: before the first ping, between two, and after a failure if that differs.

    `jitter` is the largest part of an interval that is added by chance; with `has_random_minute` pings leave at a
    minute of the UTC day that is picked at each start.
    """

    first: float
    interval: int
    failure: int | None = None
    jitter: float = 0.0
    has_random_minute: bool = False


class Schedule:
    """Counts on two clocks and believes the one that is through first.

    The monotonic clock may rest while the machine sleeps, the wall clock may be put back: neither delays a ping.
    Neither knows of time zones.
    """

    def __init__(self, clock: "Clock", times: Times) -> None:
        self._clock = clock
        self._times = times
        self._minute = clock.chance(DAY_SECONDS // MINUTE_SECONDS) if times.has_random_minute else 0
        self._set(times.first)

    @property
    def due(self) -> int:
        """When the next ping is due, in milliseconds since 1970-01-01 UTC."""
        return self._wall

    def wait(self) -> float:
        """Return the seconds until a ping is due, 0 when it is."""
        by_wall = (self._wall - self._clock.now()) / 1000
        by_steady = self._steady - self._clock.monotonic()
        return max(0.0, min(by_wall, by_steady))

    def resume(self, success: int | None) -> None:
        """Go on from a success of an earlier run: the next ping is due an interval after it, or as soon as at a start.

        A time in the future, which only a clock that jumped can bring, blocks nothing.
        """
        age = self._times.interval if success is None else (self._clock.now() - success) / 1000
        if 0 <= age < self._times.interval:
            self._set(max(self._times.first, self._times.interval - age))

    def restart(self) -> None:
        """Count one interval from now on, whatever became of the attempt that is beginning."""
        times = self._times
        if times.has_random_minute:
            self._set(self._until_minute())
        else:
            self._set(times.interval + self._clock.chance(int(times.interval * times.jitter) + 1))

    def shorten(self) -> None:
        """After a failure, try again when that is due."""
        if self._times.failure is not None:
            self._set(min(self._times.failure, self.wait()))

    def _until_minute(self) -> float:
        """Return the seconds to the next time that the picked minute begins."""
        now = self._clock.now() / 1000
        passed = (now - self._minute * MINUTE_SECONDS) % DAY_SECONDS
        return DAY_SECONDS - passed

    def _set(self, seconds: float) -> None:
        self._wall = self._clock.now() + int(seconds * 1000)
        self._steady = self._clock.monotonic() + seconds
