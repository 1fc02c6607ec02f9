"""Commands for whoever builds an application."""

import json
from pathlib import Path

import pytest

from homing import BuildInfo
from tests.unit.sdk.commands.calls import Capture, program

FAKE = """#!/bin/sh
echo "$0" "$@" "[$SENTRY_AUTH_TOKEN $SENTRY_ORG $SENTRY_PROJECT]" >> "$RECORD"
echo "said by the child"
case "$2" in finalize) exit ${FAILS:-0};; esac
"""
"""Stands in for sentry-cli: it keeps what it was given."""

VARIABLES = ("SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the program that stands in for sentry-cli was given; it is the only program there is."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "sentry-cli").write_text(FAKE)
    (place / "sentry-cli").chmod(0o755)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "record"


def test_build_info(tmp_path: Path, capsys: Capture) -> None:
    """It writes a file that a program reads, and shows what is in it."""  # 001-16
    out = tmp_path / "build-info.json"
    words = ("--version", "0.1.0", "--mode", "licenced", "--commit", "4379644", "--root", str(tmp_path))
    said = program(capsys, "build-info", "--out", str(out), *words)
    build = BuildInfo.read(out)
    assert (0, "0.1.0", "licenced", "4379644") == (said.code, build.version, build.mode, build.commit)
    assert f"time\t{build.time}\n" in said.out
    assert build._asdict() == json.loads(program(capsys, "build-info", "--json", *words, "--time", build.time).out)
    said = program(capsys, "build-info", "--out", str(out))
    assert (2, "python -m homing build-info: --version must say what is built.\n") == (said.code, said.err)


def test_sentry_release(tmp_path: Path, record: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token goes by the child's environment, never by its command line; the environment beats the file."""
    # 003-20
    (tmp_path / ".env").write_text(
        "# at build time\nSENTRY_AUTH_TOKEN='secret'\nexport SENTRY_ORG=acme\nSENTRY_PROJECT=ui\n"
    )
    monkeypatch.setenv("SENTRY_PROJECT", "front-end")
    said = program(capfd, "sentry-release", "--app", "acme", "--version", "1.2.3", "--sourcemaps", "dist", "--json")
    own, given = str(tmp_path / "bin" / "sentry-cli"), "[secret acme front-end]"
    assert [
        f"{own} releases new acme@1.2.3 {given}",
        f"{own} sourcemaps inject dist {given}",
        f"{own} sourcemaps upload --release acme@1.2.3 dist {given}",
        f"{own} releases finalize acme@1.2.3 {given}",
    ] == record.read_text().splitlines()
    assert (0, "acme@1.2.3") == (said.code, json.loads(said.out)["release"])
    assert ("secret" in said.out + said.err, "said by the child" in said.err) == (False, True)


def test_a_program_that_fails(tmp_path: Path, record: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one sentence, without the token."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("FAILS", "3")
    said = program(capfd, "sentry-release", "--release", "v1")
    told = "python -m homing sentry-release: sentry-cli releases finalize v1 ended with 3."
    assert (1, told) == (said.code, said.err.splitlines()[-1])
    assert ("secret" in said.out + said.err, 2) == (False, len(record.read_text().splitlines()))
    assert tmp_path.exists()


@pytest.mark.parametrize("missing", [*VARIABLES, "sentry-cli", "release", ".env"])
def test_what_is_missing(
    tmp_path: Path, record: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """It is one sentence, and nothing is run."""  # 003-20
    for name in VARIABLES:
        monkeypatch.setenv(name, "" if name == missing else "secret")
    if missing == "sentry-cli":
        monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    if missing == ".env":
        (tmp_path / ".env").mkdir()
    said = program(capfd, "sentry-release", *([] if missing == "release" else ["--release", "v1"]))
    [line] = said.err.splitlines()
    assert (2, False) == (said.code, record.exists())
    assert line.startswith("python -m homing sentry-release: ")
    assert missing in line
    assert "secret" not in line
