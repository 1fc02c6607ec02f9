"""The command `homing`."""

import importlib.util
import signal
import sys
from typing import Final

_NEEDED: Final = ("click", "rich", "uvicorn")


def main() -> None:
    """Run the command line; without the extra `server`, say how to install it."""
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        sys.exit("The command homing needs the receiver's parts: pip install 'homing[server]'")
    # While parts are loaded there is nothing to lose: Ctrl-C ends the process as SIGTERM does, without a traceback.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from homing.cli.commands import run

    signal.signal(signal.SIGINT, before)
    run()
