"""Keeps the number of values, and of request combinations, of one (app, day) within its limits.

Which values a day has is stored with the commit that brought them, so that every writer agrees. The recorder clears
what is remembered here as soon as it may be wrong: when a commit failed, and when somebody else wrote meanwhile.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, insert, select

from homing.ping import KIND, OTHER, Ping
from homing.server.counting.labels import shown_by
from homing.server.counting.segment import Profile, profile_of
from homing.server.stores.sql.schema import day_value
from homing.server.stores.sql.text import json_list, json_of

MOST_VALUES: Final = 500
MOST_COMBINATIONS: Final = 5_000
COMBINATIONS: Final = "(requests)"
"""The name under which a day's request combinations stand among its values. No dimension can have it."""

_PROFILES: Final = 20_000
"""How many profiles are remembered, of all days together: what makes them differ is chosen by strangers."""

_DAYS: Final = 64

Day = tuple[int, int]


class _Held:
    """What one (app, day) is known to have."""

    def __init__(self) -> None:
        self.values: dict[str, set[str]] = {}
        self.profiles: dict[tuple[str, bytes], Profile] = {}


class ValueLimits:
    """Gives each ping the profile it is counted under, with `(other)` in place of what exceeds a limit."""

    def __init__(self, values: int = MOST_VALUES, combinations: int = MOST_COMBINATIONS) -> None:
        self._most = values
        self._combinations = combinations
        self._days: dict[Day, _Held] = {}
        self._profiles = 0

    def clear(self) -> None:
        """Forget everything remembered."""
        self._days.clear()
        self._profiles = 0

    def profile(self, connection: Connection, ping: Ping, *, day: int) -> Profile:
        """Return what the ping counts under that day; stores values that the day did not have before."""
        held = self._days.get((ping.app, day))
        if held is None:
            held = self._load(connection, (ping.app, day))
        # One text is found faster than a tuple of names and values.
        key = (ping.kind, json_of(ping.dimensions))
        found = held.profiles.get(key)
        if found is None:
            found = held.profiles[key] = self._admit(connection, ping, day)
        return found

    def _load(self, connection: Connection, day: Day) -> _Held:
        while len(self._days) >= _DAYS:
            del self._days[next(iter(self._days))]
        held = self._days[day] = _Held()
        rows = connection.execute(select(day_value).where(day_value.c.app == day[0], day_value.c.day == day[1]))
        for row in rows:
            held.values.setdefault(row.dimension, set()).add(row.value)
        return held

    def _admit(self, connection: Connection, ping: Ping, day: int) -> Profile:
        counted = self._within(connection, ping, day, {**ping.dimensions, KIND: ping.kind})
        made = profile_of(counted.pop(KIND), counted)
        combination = json_list(made.combination)
        if self._keep(connection, (ping.app, day), COMBINATIONS, combination, self._combinations) == OTHER:
            made = made._replace(combination=(OTHER,) * len(made.combination))
        made = made._replace(shown=shown_by(ping.dimensions))
        if self._profiles >= _PROFILES:
            for each in self._days.values():
                each.profiles.clear()
            self._profiles = 0
        self._profiles += 1
        return made

    def _within(self, connection: Connection, ping: Ping, day: int, wanted: Mapping[str, str]) -> dict[str, str]:
        key = (ping.app, day)
        return {name: self._keep(connection, key, name, value, self._most) for name, value in wanted.items()}

    def _keep(self, connection: Connection, day: Day, name: str, value: str, most: int) -> str:
        have = self._days[day].values.setdefault(name, set())
        if value in have:
            return value
        if len(have) >= most:
            value = OTHER
            if value in have:
                return value
        have.add(value)
        row = {"app": day[0], "day": day[1], "dimension": name, "value": value}
        connection.execute(insert(day_value), row)
        return value
