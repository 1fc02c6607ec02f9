"""Where requests lead: paths to dialects, and keys to apps."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from homing.server.dialects.base import Answer, Dialect, Hook
from homing.server.ingest.veil import Veil

PREFIX: Final = "/in/"
HOOKS: Final = "/hooks/"
"""What the paths of webhooks begin with; the key and the token follow."""

ROOT: Final = "/"
"""The dashboard's first page stands there too."""

REMEMBERED_PATHS: Final = 4096
LONG_PATH: Final = 250
"""Longer ones are not remembered: strangers choose them."""


class Target(NamedTuple):
    """An app as the lane knows it.

    `veil` hides its instance ids that tell too much. `keeps_addresses` says whether keyed hashes of addresses are kept;
    None leaves it to the dialect.
    """

    app: int
    retired: bool
    dimensions: frozenset[str]
    retention_days: int
    veil: Veil
    demands_bearer: bool = False
    keeps_addresses: bool | None = None
    hook: Hook | None = None


class Route(NamedTuple):
    """Where a path leads: a dialect, and the app key, the app's name or the webhook that the path implies.

    `quiet` is the answer where the path brings no pings. `is_shared` says that only POST is for the lane.
    """

    dialect: Dialect
    key: str | None
    app_name: str | None
    quiet: Answer | None = None
    is_shared: bool = False
    hook: str | None = None


class Routes:
    """The table of exact paths: each dialect's own, those below `/in/<app key>`, and those bound to one app.

    Whatever lies below `/hooks/` is for the dialect of webhooks.
    """

    def __init__(self, dialects: Sequence[Dialect], bound: Mapping[str, str], *, hooks: Dialect | None = None) -> None:
        self._dialects = dialects
        self._hooks = hooks
        self._native = {path: dialect for dialect in dialects for path in dialect.paths}
        self._fixed = {path: Route(each, None, None) for each in dialects for path in each.open_paths}
        self._fixed |= {
            path: Route(each, None, bound[each.name], is_shared=path == ROOT)
            for each in dialects
            for path in each.paths
            if bound.get(each.name)
        }
        self._find_again = lru_cache(REMEMBERED_PATHS)(self._find)

    def find(self, path: str) -> Route | None:
        """Return where a path leads; None when it is none of ingest's."""
        return self._find_again(path) if len(path) <= LONG_PATH else self._find(path)

    def _find(self, path: str) -> Route | None:
        if path.startswith(PREFIX):
            key, slash, rest = path[len(PREFIX) :].partition("/")
            native = (slash + rest) or ROOT
            dialect = self._native.get(native) if key or native != ROOT else None
            return self._quiet(native) if dialect is None else Route(dialect, key, None)
        if self._hooks is not None and path.startswith(HOOKS):
            return Route(self._hooks, None, None, hook=path[len(HOOKS) :])
        return self._fixed.get(path) or self._quiet(path)

    def _quiet(self, path: str) -> Route | None:
        answers = ((each, each.quiet(path)) for each in self._dialects)
        return next((Route(each, None, None, answer) for each, answer in answers if answer is not None), None)
