"""`python -m homing`: the operator's commands for an application that is named by options, and the builder's."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import homing
from homing.sdk.commands import building
from homing.sdk.commands.command import Argument, Command
from homing.sdk.commands.parser import COMMANDS, add_commands
from homing.sdk.files import read_file
from homing.sdk.policy import HOMING, NOWHERE, POLICIES

if TYPE_CHECKING:
    from homing.sdk.telemetry import Telemetry

NAME: Final = "python -m homing"
UNKNOWN: Final = "unknown"

OPTIONS: Final = (
    Argument(("--app",), {"metavar": "NAME", "default": "", "help": "The application."}),
    Argument(("--version",), {"metavar": "VERSION", "default": "", "help": "Its version."}),
    Argument(("--policy",), {"choices": sorted(POLICIES), "help": "How its telemetry behaves."}),
    Argument(("--endpoint",), {"metavar": "URL", "default": "", "help": "The maker's receiver."}),
    Argument(("--key",), {"metavar": "KEY", "default": "", "help": "The app's key there."}),
    Argument(("--file",), {"metavar": "FILE", "help": "The settings file."}),
    Argument(("--directory",), {"metavar": "FOLDER", "help": "Where telemetry keeps its files."}),
    Argument(("--ca-file",), {"metavar": "FILE", "help": "Certificates to believe instead of the system's."}),
)
"""What names the application: the arguments of `Telemetry`, before or after the command."""

BUILDING: Final = (
    Command(
        "build-info",
        "Write what a program is built from to a file.",
        building.build_info,
        (
            Argument(("--out",), {"metavar": "FILE", "help": "The file, as JSON; otherwise it is only shown."}),
            Argument(("--root",), {"metavar": "FOLDER", "default": ".", "help": "The sources, under Git."}),
            Argument(("--commit",), {"metavar": "TEXT", "help": "The commit, where Git does not know."}),
            Argument(("--release",), {"metavar": "TEXT", "help": "The tag or commit of the release."}),
            Argument(("--time",), {"metavar": "TIME", "help": "The time, in RFC 3339."}),
            Argument(("--mode",), {"metavar": "TEXT", "help": "How it is built; release, if nobody says."}),
            Argument(("--os",), {"metavar": "NAME", "help": "The system it is built for, as Go calls it."}),
            Argument(("--arch",), {"metavar": "NAME", "help": "The processor it is built for, as Go calls it."}),
        ),
    ),
    Command(
        "sentry-release",
        "Tell Sentry of a release, with the sentry-cli that is installed.",
        building.sentry_release,
        (
            Argument(("--release",), {"metavar": "NAME", "help": "The release; otherwise app@version."}),
            Argument(("--env-file",), {"metavar": "FILE", "default": ".env", "help": "Where the three variables are."}),
            Argument(("--sourcemaps",), {"metavar": "FOLDER", "help": "Source maps to upload."}),
        ),
    ),
)
"""What an application's builders can do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = ArgumentParser(add_help=False, allow_abbrev=False)
    for option in OPTIONS:
        options.add_argument(*option.names, **option.told)
    named, rest = options.parse_known_args(arguments)
    parser = ArgumentParser(prog=NAME, parents=[options], allow_abbrev=False, description="Telemetry's command line.")
    parser.add_argument("-V", action="version", version=f"homing {homing.__version__}", help="Print Homing's version.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", prog=NAME)
    for command in (*COMMANDS, *BUILDING):
        add_commands(commands, [command], make=partial(_telemetry, named, is_quiet=command.is_quiet))
    args = parser.parse_args(rest, named)
    code: int = args.func(args)
    return code


def _telemetry(named: Namespace, *, is_quiet: bool) -> "Telemetry":
    from homing.sdk.telemetry import Telemetry

    config = getattr(named, "config", None)
    # An installer has one file, which may also say what is installed.
    found = read_file(Path(config)) if config else {}
    given: dict[str, Any] = {name: getattr(named, name) or found.get(name, "") for name in ("app", "version", "policy")}
    if is_quiet:
        given["version"] = given["version"] or UNKNOWN
        # The name only says where the files are.
        given["app"] = given["app"] or (UNKNOWN if named.directory else "")
    return Telemetry(
        **{**given, "policy": given["policy"] or HOMING.name},
        endpoint=named.endpoint or (NOWHERE if is_quiet else ""),
        key=named.key,
        file=named.file,
        directory=named.directory,
        ca_file=named.ca_file,
    )
