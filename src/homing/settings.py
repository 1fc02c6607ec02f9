"""Settings as rows, and the resolver that says for every value which layer it came from.

A row says what a setting is called, what it may be, what it is for and what holds when nobody sets it. Help texts, docs
and checks are made from the rows. Layers are given strongest first; a value nobody can read is a problem, and all
problems are reported together.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from homing.errors import SettingsError

TRUE_WORDS: Final = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS: Final = frozenset({"0", "false", "no", "off"})
MASK: Final = "••••••••"

NEEDED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
"""What `bare_environment` keeps."""

DURATION: Final = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")

VARIABLE: Final = re.compile(
    r"""\s*(?:export\s+)?(?P<name>\w+)\s*=\s*(?:(?P<quote>["'])(?P<text>.*)(?P=quote)|(?P<plain>[^"'#\s].*?)?)(?:\s+\#.*)?\s*"""
)

Parser = Callable[[Any], Any]


class Setting(NamedTuple):
    """One row: `name` in snake case, `parse` turns raw text into the value or raises `ValueError` with a reason."""

    name: str
    default: Any
    parse: Parser
    help: str
    secret: bool = False


class Layer(NamedTuple):
    """One source of raw values; `label` turns a setting's name into what people call it there."""

    name: str
    raw: Mapping[str, Any]
    label: Callable[[str], str]


class Value(NamedTuple):
    """A setting's value and the layer it came from; a secret does not show itself."""

    value: Any
    layer: str
    secret: bool = False

    @property
    def shown(self) -> str:
        """The value as it may be shown to people."""
        return MASK if self.secret and self.value else str(self.value)

    def __repr__(self) -> str:
        return f"Value({self.shown!r}, layer={self.layer!r})"


@dataclass(frozen=True)
class Resolved:
    """The outcome of resolving: a `Value` by setting name, and one sentence for each problem."""

    values: Mapping[str, Value]
    problems: Sequence[str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    def layer(self, name: str) -> str:
        """Return the name of the layer that decided."""
        return self.values[name].layer

    def checked(self) -> "Resolved":
        """Return itself; raise `SettingsError` with every problem when there is one."""
        if self.problems:
            raise SettingsError(self.problems)
        return self


def resolve(rows: Iterable[Setting], layers: Sequence[Layer]) -> Resolved:
    """Take each row's value from the first layer that has one.

    An unreadable value becomes a problem and the row's default holds.
    """
    values: dict[str, Value] = {}
    problems: list[str] = []
    for row in rows:
        values[row.name] = _resolve_one(row, layers, problems)
    return Resolved(MappingProxyType(values), tuple(problems))


def _resolve_one(row: Setting, layers: Sequence[Layer], problems: list[str]) -> Value:
    for layer in layers:
        raw = layer.raw.get(row.name)
        if raw is None or raw == "":
            continue
        try:
            return Value(row.parse(raw), layer.name, row.secret)
        except ValueError as reason:
            # An address may hold a password.
            seen = "" if row.secret or "@" in str(raw) else f" {str(raw)[:80]!r}:"
            problems.append(f"{layer.label(row.name)}:{seen} {reason}.")
            break
    return Value(row.default, "default", row.secret)


def unknown_names(rows: Iterable[Setting], layer: Layer) -> list[str]:
    """Return one sentence for each name in a layer that no row has: most often a spelling mistake."""
    known = {row.name for row in rows}
    return [f"{layer.label(name)}: there is no such setting." for name in layer.raw if name not in known]


def environment_layer(prefix: str) -> Layer:
    """Return the process's variables that begin with `prefix`, under the names of settings."""
    found = {key[len(prefix) :].lower(): value for key, value in os.environ.items() if key.startswith(prefix)}
    return Layer("environment", found, lambda name: prefix + name.upper())


def environment_values(names: Iterable[str]) -> dict[str, str]:
    """Return the variables of these names that are set to something."""
    return {name: value for name in names if (value := os.environ.get(name, ""))}


def variables_file(path: Path) -> dict[str, str]:
    """Return the variables of a file like `.env`, none where it is missing; raise `SettingsError`.

    A line is `NAME=value`, perhaps behind `export`; quotes around a value are not part of it, nor is what stands behind
    ` #`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError([f"The file {path} cannot be read: {reason}."]) from error
    found = (VARIABLE.fullmatch(line) for line in lines)
    return {each["name"]: each["plain"] or each["text"] or "" for each in found if each}


def file_layer(path: Path) -> Layer:
    """Return the values of a TOML file; raise `SettingsError` when it cannot be read."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"The settings file {path} cannot be read: {error.strerror}."]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"The settings file {path} is not valid TOML: {error}."]) from error
    return Layer("file", raw, lambda name: f"{path}: {name}")


def child_environment(**extra: str) -> dict[str, str]:
    """Return the variables to start a process of our own with."""
    return {**os.environ, **extra}


def bare_environment(**extra: str) -> dict[str, str]:
    """Return the variables that Python needs to start, and nothing that tells where or by whom it was started."""
    return {name: os.environ[name] for name in NEEDED if name in os.environ} | extra


def switch(raw: Any) -> bool:
    """Read a switch: 1, true, yes, on or 0, false, no, off in any case."""
    word = str(raw).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    message = "is neither on nor off"
    raise ValueError(message)


def is_yes(raw: Any) -> bool:
    """Tell whether a switch says on; what cannot be read says no yes."""
    try:
        return switch(raw)
    except ValueError:
        return False


def whole(low: int, high: int) -> Parser:
    """Return a parser of whole numbers from `low` to `high`."""

    def parse(raw: Any) -> int:
        try:
            number = int(str(raw))
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            message = f"must be a whole number from {low} to {high}"
            raise ValueError(message)
        return number

    return parse


def duration(low: int, high: int) -> Parser:
    """Return a parser of durations like `8h` or `1h30m`, in seconds; a bare number is none."""

    def parse(raw: Any) -> int:
        found = DURATION.fullmatch(str(raw).strip())
        parts = [int(part or 0) for part in found.groups()] if found and found.group() else [0, 0, low - 1]
        seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
        if not low <= seconds <= high:
            message = f"must be a duration like 8h or 1h30m, from {low // 3600}h to {high // 3600}h"
            raise ValueError(message)
        return seconds

    return parse


def one_of(*words: str) -> Parser:
    """Return a parser that accepts just these words."""

    def parse(raw: Any) -> str:
        if str(raw) not in words:
            message = f"must be one of {', '.join(words)}"
            raise ValueError(message)
        return str(raw)

    return parse


def words(raw: Any) -> tuple[str, ...]:
    """Read a list, or text with commas between its items."""
    items = raw if isinstance(raw, list) else str(raw).split(",")
    return tuple(str(item).strip() for item in items if str(item).strip())
