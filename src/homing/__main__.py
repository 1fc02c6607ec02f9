"""Runs `python -m homing`."""

import sys

if __name__ == "__main__":
    from homing.sdk.commands.main import main

    sys.exit(main())
