"""Embeds a build's values when hatchling builds: `[tool.hatch.build.hooks.homing]` in the maker's `pyproject.toml`.

The file is written into the source tree, so that it is in wheels, in editable installs and in packed sources; a wheel
that is built from packed sources keeps their commit. Only hatchling imports this.
"""

from pathlib import Path
from typing import Any, Final

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl

from homing.clock import SystemClock
from homing.sdk.build import BuildInfo, build_before, gather_build

PATH: Final = "path"


class BuildHook(BuildHookInterface[BuilderConfig]):
    """Writes the values to `path`; other names of the section stand above what is found out."""

    PLUGIN_NAME = "homing"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's words
        """Write the file, and have it packed though Git may ignore it."""
        given = {name: str(value) for name, value in self.config.items() if name in BuildInfo._fields}
        path = self.config.get(PATH)
        if not isinstance(path, str) or not path:
            raise ValueError('[tool.hatch.build.hooks.homing] needs a path, like path = "src/acme/build-info.json".')
        root = Path(self.root)
        told = {"version": self.metadata.version, **given}
        made = gather_build(root, clock=SystemClock(), given=told, before=build_before(root / path))
        made.write(root / path)
        build_data["artifacts"].append(f"/{path}")


@hookimpl
def hatch_register_build_hook() -> type[BuildHook]:
    """Tell hatchling of the hook."""
    return BuildHook
