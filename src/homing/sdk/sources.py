"""Where settings come from: the environment, a file, a database; read here, judged in `consent`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.errors import SettingsError
from homing.sdk.files import read_file
from homing.sdk.licence import Licence
from homing.sdk.policy import Policy
from homing.sdk.stores import Store
from homing.settings import environment_values

REFUSAL: Final = "DO_NOT_TRACK"
CI_VARIABLES: Final = ("CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION")
"""What services that build and test software set."""

NOTHING: Final = frozenset({"", "0", "false"})
"""What these variables say nothing with."""

SAVED: Final = "telemetry."
PROFILE: Final = "profile."
"""How the names begin in the database: of what somebody saved, and of what an install profile brought."""


class Sources(NamedTuple):
    """What every layer says, unread. `problems` are layers that are there but cannot be looked into."""

    enabled: bool | None = None
    interval: int | None = None
    variables: Mapping[str, str] = {}
    file_name: str = ""
    file: Mapping[str, Any] = {}
    database: Mapping[str, Any] = {}
    licence: Licence | None = None
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def refuses_tracking(self) -> bool:
        """Whether DO_NOT_TRACK says something."""
        return _says_something(self.variables.get(REFUSAL, ""))

    @property
    def is_ci(self) -> bool:
        """Whether this is a machine that builds and tests software."""
        return in_ci(self.variables)


def in_ci(variables: Mapping[str, str]) -> bool:
    """Tell whether variables of the environment are those of a machine that builds and tests software."""
    return any(_says_something(variables.get(name, "")) for name in CI_VARIABLES)


def read_environment(policy: Policy) -> Sources:
    """Return what the environment says."""
    own = [variable for name in policy.names for variable in name.variables]
    return Sources(variables=environment_values([*own, REFUSAL, *CI_VARIABLES]))


def with_file(sources: Sources, policy: Policy, *, path: Path | None) -> Sources:
    """Return the sources with what the file says now; what cannot be read is a problem, never an error."""
    others = _problems_without(sources, "file")
    nothing = sources._replace(file_name="", file={}, problems=others)
    if path is None or "file" not in policy.layers or _is_missing(path):
        return nothing
    try:
        return sources._replace(file_name=str(path), file=read_file(path), problems=others)
    except SettingsError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            return nothing
        found = tuple(("file", problem) for problem in error.problems)
        return sources._replace(file_name=str(path), file={}, problems=(*others, *found))


def _is_missing(path: Path) -> bool:
    # While telemetry is off no file is opened: most applications have none, and asking for that opens nothing.
    try:
        return not path.exists()
    except OSError:
        return False


def with_database(sources: Sources, store: Store | None) -> Sources:
    """Return the sources with what the database says now."""
    others = _problems_without(sources, "database")
    try:
        found = {} if store is None else store.load()
    except Exception as error:  # noqa: BLE001 - the store may be anybody's code
        problem = ("database", f"What was saved cannot be read, so telemetry is off: {error}.")
        return sources._replace(database={}, problems=(*others, problem))
    return sources._replace(database=found, problems=others)


def _problems_without(sources: Sources, layer: str) -> tuple[tuple[str, str], ...]:
    return tuple(problem for problem in sources.problems if problem[0] != layer)


def _says_something(value: str) -> bool:
    return value.strip().lower() not in NOTHING
