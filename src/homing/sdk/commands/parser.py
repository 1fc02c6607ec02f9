"""The commands as rows, and argparse's parsers made of them."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from homing.sdk.commands import changing, looking, sending
from homing.sdk.commands.command import Argument, Command, Context, run
from homing.sdk.commands.talk import Talk

if TYPE_CHECKING:
    from homing.sdk.telemetry import Telemetry


class Parsers(Protocol):
    """What `ArgumentParser.add_subparsers` returns."""

    def add_parser(self, name: str, **told: Any) -> ArgumentParser:
        """Add a command."""


TO: Final = Argument(("--destination",), {"metavar": "NAME", "help": "Which destination it is for: default or custom."})

COMMANDS: Final = (
    Command("status", "Say whether telemetry is on, who decided, and what came of it.", looking.status, is_quiet=True),
    Command("enable", "Show what will be sent, switch telemetry on, and keep who agreed.", changing.enable, asks=True),
    Command("disable", "Switch telemetry off, in every process at once.", changing.disable, is_quiet=True),
    Command(
        "setconfig",
        "Save one setting, as in: setconfig telemetryEnabled false",
        changing.setconfig,
        (
            Argument(("setting",), {"metavar": "NAME", "help": "The setting, as the settings file calls it."}),
            Argument(("value",), {"metavar": "VALUE", "help": "Its value."}),
        ),
        asks=True,
        is_quiet=True,
    ),
    Command("preview", "Show what would be sent now, byte for byte.", looking.preview),
    Command("show-last", "Show what was last sent, by whatever process.", looking.show_last, is_quiet=True),
    Command("send", "Send one ping now.", sending.send),
    Command("test", "Send one ping now, and fail for any problem there is.", sending.test),
    Command(
        "reset-id",
        "Make a new id: the installation counts as another one.",
        changing.reset_id,
        asks=True,
        is_quiet=True,
    ),
    Command(
        "export",
        "Add what would be sent to a file, for sites without a network.",
        sending.export,
        (Argument(("out",), {"metavar": "FILE", "help": "The file; a line is added to one that is there."}), TO),
    ),
    Command(
        "delete-my-data",
        "Switch telemetry off, and have erased what was sent.",
        changing.delete_my_data,
        asks=True,
    ),
    Command(
        "seed",
        "Save first settings, where there are none yet.",
        changing.seed,
        (
            Argument(("--config",), {"metavar": "FILE", "help": "A set-up file; the environment stands above it."}),
            Argument(("--profile",), {"metavar": "FILE", "help": "An install profile, unless the set-up file has it."}),
        ),
        asks=True,
        is_quiet=True,
    ),
)
"""What an application's operators can do."""


def add_telemetry_commands(subparsers: Parsers, make: "Callable[[], Telemetry]") -> None:
    """Add the operator's commands to what `add_subparsers()` returned.

    `make` returns the application's telemetry, not started; it is called when a command runs. Each command sets `func`:
    `sys.exit(args.func(args))` runs it. It returns 0, 1 when it failed, or 2 when settings or arguments are wrong, and
    raises nothing.
    """
    add_commands(subparsers, COMMANDS, make=make)


def add_commands(subparsers: Parsers, commands: Iterable[Command], *, make: "Callable[[], Telemetry]") -> None:
    """Add some commands."""
    for command in commands:
        parser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        for argument in command.arguments:
            parser.add_argument(*argument.names, **argument.told)
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON.")
        if command.asks:
            parser.add_argument("-y", "--yes", action="store_true", help="Ask nothing.")
        parser.set_defaults(func=partial(_run, command, parser.prog, make))


def _run(command: Command, name: str, make: "Callable[[], Telemetry]", args: Namespace) -> int:
    talk = Talk(name, is_json=args.as_json, is_sure=getattr(args, "yes", False))
    return run(command, Context(args, talk, make))
