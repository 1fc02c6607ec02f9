"""A program that is really built: its wheel has the values, shows them and sends them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from homing import BuildInfo
from homing.settings import bare_environment
from tests.shape.source import ROOT

PROJECT: Final = """
[build-system]
requires = ["hatchling", "homing"]
build-backend = "hatchling.build"

[project]
name = "acme"
version = "0.1.0"

[tool.hatch.build.targets.wheel]
packages = ["src/acme"]

[tool.hatch.build.hooks.homing]
path = "src/acme/build-info.json"
mode = "licenced"
"""

MAIN: Final = """
import argparse, sys
from pathlib import Path
from homing import BuildInfo, Telemetry

build = BuildInfo.read(Path(__file__).with_name("build-info.json"))
parser = argparse.ArgumentParser(prog="acme")
parser.add_argument("--version", action="version", version=f"acme {build}")
parser.parse_args()
telemetry = Telemetry(
    app="acme", version=build.version, policy="sirveo", endpoint="http://127.0.0.1:9", build=build, directory=sys.prefix
)
print(telemetry.preview()[0].body.decode())
"""


def run(*command: str, place: Path, paths: tuple[Path, ...] = ()) -> str:
    """Run a program of ours, which finds packages in those places first."""
    variables = bare_environment(PYTHONPATH=":".join(map(str, paths)), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def built(source: Path, target: str, *, homing: Path) -> Path:
    """Build something of the sources, in this environment: nothing is fetched."""
    run(sys.executable, "-m", "hatchling", "build", "--target", target, place=source, paths=(homing,))
    [made] = (source / "dist").glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


def unpacked(wheel: Path, to: Path) -> Path:
    """Install a wheel: ours have files of Python only."""
    shutil.unpack_archive(wheel, to, "zip")
    return to


@pytest.fixture(scope="module")
def homing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Homing as makers install it, with the entry point for hatchling."""
    place = tmp_path_factory.mktemp("homing")
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place))
    run(*command, place=ROOT, paths=(ROOT / "src",))
    return unpacked(next(place.glob("*.whl")), place / "installed")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A maker's project under version control, where the file of the build is ignored."""
    place = tmp_path / "sources"
    (place / "src" / "acme").mkdir(parents=True)
    (place / "pyproject.toml").write_text(PROJECT)
    (place / "src" / "acme" / "__init__.py").write_text("")
    (place / "src" / "acme" / "__main__.py").write_text(MAIN)
    (place / ".gitignore").write_text("build-info.json\ndist/\n")
    who = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
    for command in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message", "first")):
        run("git", *command, place=place)
    run("git", "tag", "v0.1.0", place=place)
    return place


def test_a_wheel_has_the_values(tmp_path: Path, sources: Path, homing: Path) -> None:
    """What --version prints is what the body has, and both are of the build."""  # 001-16
    installed = unpacked(built(sources, "wheel", homing=homing), tmp_path / "installed")
    build = BuildInfo.read(installed / "acme" / "build-info.json")
    commit = run("git", "rev-parse", "--short=7", "HEAD", place=sources).strip()
    assert ("0.1.0", commit, "licenced", "v0.1.0") == (build.version, build.commit, build.mode, build.release)
    paths = (installed, homing)
    told = run(sys.executable, "-m", "acme", "--version", place=tmp_path, paths=paths)
    assert f"acme {build}".split() == told.split()
    body: dict[str, Any] = json.loads(run(sys.executable, "-m", "acme", place=tmp_path, paths=paths))
    sent = {name: value for name, value in body.items() if name.startswith("build_")}
    assert {f"build_{name}": value for name, value in build._asdict().items() if name != "release"} == sent


def test_a_wheel_of_packed_sources(tmp_path: Path, sources: Path, homing: Path) -> None:
    """They have no history, and their wheel has the commit and the time of their packing all the same."""
    packed = built(sources, "sdist", homing=homing)
    shutil.unpack_archive(packed, tmp_path, filter="data")
    [place] = tmp_path.glob("acme-0.1.0")
    before = BuildInfo.read(place / "src" / "acme" / "build-info.json")
    installed = unpacked(built(place, "wheel", homing=homing), tmp_path / "installed")
    assert before == BuildInfo.read(installed / "acme" / "build-info.json")
    assert ("v0.1.0", 7) == (before.release, len(before.commit))


def test_a_path_is_needed(sources: Path, homing: Path) -> None:
    """Whoever forgets it is told what to write."""
    text = PROJECT.replace('path = "src/acme/build-info.json"\n', "")
    (sources / "pyproject.toml").write_text(text)
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel")
    variables = bare_environment(PYTHONPATH=str(homing))
    done = subprocess.run(command, cwd=sources, env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert 0 != done.returncode
    assert 'needs a path, like path = "src/acme/build-info.json"' in done.stderr
