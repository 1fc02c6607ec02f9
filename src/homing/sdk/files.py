"""Reads settings files in the formats that documents use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from homing.errors import SettingsError

FORMATS: Final[Mapping[str, str]] = {".json": "JSON", ".yml": "YAML", ".yaml": "YAML"}
"""What is in a file, by the end of its name; else it is TOML."""


def read_file(path: Path) -> dict[str, Any]:
    """Return what stands in a settings file; raise `SettingsError` with a sentence when it cannot be read."""
    form = FORMATS.get(path.suffix.lower(), "TOML")
    try:
        found = _parsed(path.read_text(encoding="utf-8"), form)
    except OSError as error:
        raise SettingsError([f"The settings file {path} cannot be read: {error.strerror}."]) from error
    except ImportError as error:
        raise SettingsError([f"The settings file {path} is YAML, which needs the extra homing[yaml]."]) from error
    except ValueError as error:
        raise SettingsError([f"The settings file {path} is not valid {form}: {error}."]) from error
    if not isinstance(found, dict):
        raise SettingsError([f"The settings file {path} holds no names with values."])
    return found


def _parsed(text: str, form: str) -> Any:
    if form == "TOML":
        import tomllib

        return tomllib.loads(text)
    if form == "JSON":
        import json

        return json.loads(text)
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    # A file of comments alone says nothing.
    return {} if found is None else found
