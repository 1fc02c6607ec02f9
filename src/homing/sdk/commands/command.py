"""What a command is, and how one is run: whatever happens, there is a sentence and an exit code."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from homing.errors import HomingError, SettingsError
from homing.sdk.commands.talk import FAILED, MISUSED, Answer, Talk

if TYPE_CHECKING:
    from homing.sdk.telemetry import Telemetry


class Context(NamedTuple):
    """What a command is given: its arguments, its voice, and the application's telemetry, made when it is asked for."""

    args: Namespace
    talk: Talk
    make: "Callable[[], Telemetry]"


class Argument(NamedTuple):
    """One argument of a command: its names, and what argparse is told of it."""

    names: tuple[str, ...]
    told: Mapping[str, Any]


class Command(NamedTuple):
    """One command; `asks` says that it asks before it changes something, unless it is given -y.

    `is_quiet` says that it neither sends nor shows what would be sent, and so can do without receiver and version.
    """

    name: str
    help: str
    run: Callable[[Context], Answer]
    arguments: tuple[Argument, ...] = ()
    asks: bool = False
    is_quiet: bool = False


def run(command: Command, context: Context) -> int:
    """Run a command and return its exit code; nothing is raised, and no traceback is shown."""
    talk = context.talk
    try:
        return talk.tell(command.run(context))
    except SettingsError as error:
        return talk.complain(error.problems, MISUSED)
    except BrokenPipeError:
        # Who reads has seen enough; what is left in the buffer must not fail at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the host's code takes part
        return talk.complain([_sentence(error)], FAILED)


def _sentence(error: BaseException) -> str:
    match error:
        case HomingError():
            return str(error)
        case KeyboardInterrupt():
            return "It was interrupted."
        case OSError():
            return f"{error.filename or 'It failed'}: {error.strerror or error}."
        case _:
            return f"It failed with {type(error).__name__}: {error}"
