"""First settings, as an installer finds them: in the environment, in a set-up file, in an install profile.

Document 000: the installer reads the same variables as the program, or its `--config` file; a profile's `telemetry`
section is written to the database, where it is a layer of its own.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from homing.errors import SettingsError
from homing.sdk.consent import layers_of, read_setting
from homing.sdk.files import read_file
from homing.sdk.policy import Policy
from homing.sdk.sources import read_environment

SECTION: Final = "installProfile"
"""Where a set-up file has the profile, unless that is a file of its own."""

FOUND_IN: Final = ("environment", "file")
MARKS: Final = ("id", "version")
"""What a profile says of itself."""


class Seed(NamedTuple):
    """A first setting: its name, its value as it is kept, the layer it becomes part of, and what gave it."""

    setting: str
    value: Any
    layer: str
    source: str


def find_seeds(policy: Policy, config: Path | str | None, *, profile: Path | str | None) -> tuple[Seed, ...]:
    """Return all first settings; raise `SettingsError` with every problem there is."""
    file = read_file(Path(config)) if config else {}
    problems: list[str] = []
    seeds = [*_settings(policy, str(config), file, problems)]
    section = read_file(Path(profile)) if profile else file.get(SECTION)
    if section is not None:
        seeds += _profile(policy, str(profile or f"{config}: {SECTION}"), section, problems)
    if problems:
        raise SettingsError(problems)
    return tuple(seeds)


def _settings(policy: Policy, name: str, file: Mapping[str, Any], problems: list[str]) -> Iterator[Seed]:
    sources = read_environment(policy)._replace(file_name=name, file=file)
    layers = [layer for layer in layers_of(policy, sources) if layer.name in FOUND_IN]
    for setting in (each.setting for each in policy.names):
        layer = next((layer for layer in layers if layer.raw.get(setting) not in (None, "")), None)
        if layer is not None:
            given = Seed(setting, layer.raw[setting], "database", layer.label(setting))
            yield from _checked(policy, given, problems)


def _profile(policy: Policy, name: str, profile: Any, problems: list[str]) -> Iterator[Seed]:
    section = profile.get("telemetry") or {} if isinstance(profile, Mapping) else None
    if "profile" not in policy.layers or not isinstance(section, Mapping):
        problems.append(f"{name}: {'is no' if 'profile' in policy.layers else 'this application knows no'} profile.")
        return
    for mark in MARKS:
        if isinstance(profile.get(mark), str):
            yield Seed(mark, profile[mark], "profile", f"{name}: {mark}")
    for called, value in section.items():
        given = Seed(policy.setting_called(called) or called, value, "profile", f"{name}: telemetry.{called}")
        if value is not None:
            yield from _checked(policy, given, problems)


def _checked(policy: Policy, given: Seed, problems: list[str]) -> Iterator[Seed]:
    try:
        yield given._replace(value=read_setting(policy, given.setting, given.value))
    except ValueError as reason:
        problems.append(f"{given.source} {reason}.")
