"""What a program was built from."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from homing import BuildInfo, SettingsError
from homing.clock import parse_time
from homing.sdk.build import EPOCH, FIELDS, gather_build, values_of
from homing.sdk.content import FORMS
from homing.sdk.payload import FITS
from homing.testing import FixedClock
from tests.unit.sdk.doubles import telemetry

BUILD: Final = BuildInfo("0.1.0", "4379644", "2024-02-16T23:06:23+02:00", "licenced", "windows", "amd64", "v0.1.0")


def git(place: Path, *command: str) -> str:
    """Run Git as somebody who has no settings."""
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    command = ("git", "-C", str(place), *who, *command)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.txt").write_text("a")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def found(root: Path, before: BuildInfo | None = None, **given: str) -> BuildInfo:
    """Return the values of a build at the beginning of the year 2024."""
    return gather_build(root, clock=FixedClock(1_704_067_200_000), given=given, before=before)


def test_what_is_found_out(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit and release are Git's, the time has an offset, the machine has Go's names."""
    monkeypatch.delenv(EPOCH, raising=False)
    whole = git(sources, "rev-parse", "HEAD")
    made = found(sources, version="1.2.3")
    assert ("1.2.3", whole[:7], whole, "release") == (made.version, made.commit, made.release, made.mode)
    assert ("2024-01-01T00:00:00+00:00", 1_704_067_200_000) == (made.time, parse_time(made.time))
    assert made.os in ("linux", "darwin")
    assert made.arch in ("amd64", "arm64")
    git(sources, "tag", "v1.2.3")
    (sources / "a.txt").write_text("b")
    changed = found(sources)
    assert ("v1.2.3", f"{whole[:7]}-dirty") == (changed.release, changed.commit)


def test_what_is_given_counts(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options stand above what is found out, and a build that can be repeated gives its time."""
    monkeypatch.setenv(EPOCH, "86400")
    assert "1970-01-02T00:00:00+00:00" == found(sources).time
    assert BUILD == found(sources, **BUILD._asdict())
    with pytest.raises(SettingsError, match="mode must be text"):
        found(sources, mode="a\nb")


def test_packed_sources(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where there is no history, an earlier build says what was the commit; without one nobody does."""
    (sources / "PKG-INFO").write_text("")
    kept = found(sources, before=BUILD, version="0.1.0")
    assert (BUILD.commit, BUILD.release, BUILD.time) == (kept.commit, kept.release, kept.time)
    assert ("", "") == (found(sources).commit, found(sources).release)
    assert "" == found(tmp_path_factory.mktemp("nothing")).commit


def test_files(tmp_path: Path) -> None:
    """What is written is read again; what is no such file is said in a sentence."""
    path = tmp_path / "acme" / "build-info.json"
    BUILD.write(path)
    assert BUILD == BuildInfo.read(path)
    for text in ("", "[]", "{}", '{"version": 1}', "1"):
        path.write_text(text)
        with pytest.raises(SettingsError, match="holds no values of a build"):
            BuildInfo.read(path)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        BuildInfo.read(tmp_path / "none.json")


def test_for_people() -> None:
    """It can be printed as the answer to --version."""
    told = "0.1.0 (release v0.1.0, commit 4379644, built 2024-02-16T23:06:23+02:00, mode licenced, for windows/amd64)"
    assert told == str(BUILD)
    assert "1.2.3" == str(BuildInfo("1.2.3"))


def test_the_fields_are_there() -> None:
    """Each value has its field in some form, which the application may fill."""
    rows = {row.name: row for form in FORMS.values() for row in form().rows}
    assert sorted(BuildInfo._fields) == sorted(FIELDS.values())
    told = values_of(BUILD, rows)
    assert sorted(FIELDS) == sorted(told)
    assert all(rows[name].may_be_told and FITS[rows[name].type](value) for name, value in told.items())


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("sirveo", {name: getattr(BUILD, value) for name, value in FIELDS.items() if name.startswith("build_")}),
        ("slackonos", {"release": "v0.1.0"}),
        ("homing", {}),
    ],
)
def test_what_is_sent_of_it(tmp_path: Path, policy: str, expected: dict[str, Any]) -> None:
    """A form has the values that it has fields for; values that the application gives itself stand above."""
    body = json.loads(telemetry(tmp_path, policy=policy, build=BUILD).preview()[0].body)
    fields = body["batch"][0]["properties"] if policy == "slackonos" else body
    assert expected == {name: fields[name] for name in expected}
    if policy == "sirveo":
        own = telemetry(tmp_path, policy=policy, build=BUILD, values={"build_mode": "debug"}).preview()[0]
        assert ("debug", "4379644") == (json.loads(own.body)["build_mode"], json.loads(own.body)["build_commit"])


def test_a_wrong_one_is_told(tmp_path: Path) -> None:
    """It is an argument like others."""
    with pytest.raises(SettingsError, match="build must be a BuildInfo or None"):
        telemetry(tmp_path, build="0.1.0")
