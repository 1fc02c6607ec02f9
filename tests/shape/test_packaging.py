"""What is installed: everything that is needed, and nothing that is not."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.shape.source import ROOT

PIN: Final = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)")


def project() -> dict[str, Any]:
    """Read the project's table."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def wanted() -> list[str]:
    """Read what the extras ask for."""
    return [requirement for extra in project()["optional-dependencies"].values() for requirement in extra]


def pins() -> dict[str, str]:
    """Read the constraints: versions by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = filter(None, map(PIN.fullmatch, lines))
    return {each["name"]: each["version"] for each in found}


def needed(requirements: list[str], seen: set[str]) -> Iterator[str]:
    """Name the distributions that requirements bring along on this machine, as installed here."""
    for requirement in map(Requirement, requirements):
        extras = requirement.extras or {""}
        name = canonicalize_name(requirement.name)
        key = f"{name}{sorted(extras)}"
        if key in seen:
            continue
        seen.add(key)
        yield name
        further = importlib.metadata.requires(name) or []
        yield from needed([each for each in further if _applies(Requirement(each), extras)], seen)


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras})


def test_the_base_install_needs_nothing() -> None:
    """The sending side brings no package along."""
    assert [] == project()["dependencies"]


def test_every_package_is_pinned() -> None:
    """The constraints hold each package the extras need, with a version that the extras allow."""
    direct = wanted()
    assert set(needed(direct, set())) - set(pins()) == set()
    refused = [each for each in map(Requirement, direct) if pins()[canonicalize_name(each.name)] not in each.specifier]
    assert refused == []


def test_nothing_else_is_pinned() -> None:
    """Each line pins one package, once, in order, and somebody needs it: on this version of Python or another."""
    installed = {canonicalize_name(each.name) for each in importlib.metadata.distributions()}
    assert (set(pins()) & installed) - set(needed(wanted(), set())) == set()
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert [f"{name}=={version}" for name, version in sorted(pins().items())] == lines


def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    """Migrations, templates and the typing mark are in the wheel, and every dependency belongs to an extra."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if name.startswith("homing/")}
        metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("/METADATA"))).decode()
    source = ROOT / "src"
    files = [path for path in (source / "homing").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert names == {path.relative_to(source).as_posix() for path in files}
    assert [] == [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]


def test_the_base_install_starts_without_packages() -> None:
    """What needs no extra is imported with the standard library alone."""
    names = "homing, homing.clock, homing.errors, homing.outcomes, homing.ping, homing.settings, homing.testing"
    code = f"import sys; sys.path.insert(0, 'src'); import {names}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
