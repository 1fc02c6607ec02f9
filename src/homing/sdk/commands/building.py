"""Commands for whoever builds an application: `build-info`, `sentry-release`."""

import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Final

from homing.clock import SystemClock
from homing.errors import HomingError, SettingsError
from homing.sdk.build import BuildInfo, build_before, gather_build, release_of
from homing.sdk.commands.command import Context
from homing.sdk.commands.talk import Answer, Table
from homing.settings import child_environment, environment_values, variables_file

SENTRY: Final = ("SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")
"""Document 003: what `.env` holds at build time."""

PROGRAM: Final = "sentry-cli"


def build_info(context: Context) -> Answer:
    """Write a build's values to a file, for the program to read."""
    args, out = context.args, context.args.out
    given = {name: getattr(args, name, None) or "" for name in BuildInfo._fields}
    if not given["version"]:
        raise SettingsError(["--version must say what is built."])
    before = build_before(Path(out)) if out else None
    made = gather_build(Path(args.root), clock=SystemClock(), given=given, before=before)
    if out:
        made.write(out)
    return Answer(made._asdict(), [Table(list(made._asdict().items())), *([f"Written to {out}."] if out else [])])


def sentry_release(context: Context) -> Answer:
    """Tell Sentry of a release, and upload source maps, with the `sentry-cli` that is installed."""
    args = context.args
    release = args.release or (release_of(args.app, args.version) if args.app and args.version else "")
    values = {**variables_file(Path(args.env_file)), **environment_values(SENTRY)}
    problems = [
        f"{name} is set neither in the environment nor in {args.env_file}." for name in SENTRY if not values.get(name)
    ]
    if not release or release.startswith("-") or not release.isprintable():
        problems.append("--release, or --app and --version, must say what is released.")
    program = which(PROGRAM)
    if program is None:
        problems.append(f"It is not enabled: install {PROGRAM}.")
    if problems or program is None:
        raise SettingsError(problems)
    # The token goes by the environment: a command line can be seen by everybody on the machine.
    own = child_environment(**{name: values[name] for name in SENTRY})
    steps = _steps(release, args.sourcemaps)
    for step in steps:
        done = subprocess.run([program, *step], env=own, check=False, stdout=sys.stderr)  # noqa: S603 - our own words
        if done.returncode:
            raise HomingError(f"{PROGRAM} {' '.join(step)} ended with {done.returncode}.")
    return Answer({"release": release, "steps": [list(step) for step in steps]}, [f"Sentry knows of {release}."])


def _steps(release: str, sourcemaps: str | None) -> list[tuple[str, ...]]:
    maps: list[tuple[str, ...]] = []
    if sourcemaps:
        maps = [("sourcemaps", "inject", sourcemaps), ("sourcemaps", "upload", "--release", release, sourcemaps)]
    return [("releases", "new", release), *maps, ("releases", "finalize", release)]
