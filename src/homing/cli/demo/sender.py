"""A program that embeds the sending side, and does nothing else. The demo runs several of them.

It ends when its standard input does: the receiver that started it holds the other end, and lets go of it however it
ends itself.
"""

import argparse
import select
import sys
from pathlib import Path

from homing import Row, Telemetry
from homing.sdk.payload import TEXT
from homing.sdk.policy import HOMING


def telemetry(given: argparse.Namespace) -> Telemetry:
    """Return the telemetry of the program that the arguments describe; whether it is on, the environment says."""
    state = Row(
        "dimensions.update_state", TEXT, "Shows whether updates are taken up.", "latest", lambda _moment: given.state
    )
    return Telemetry(
        app=given.app,
        version=given.version,
        # The demo has said already what its programs do, and they are to do it in their first run.
        policy=HOMING._replace(has_notice=False),
        endpoint=given.endpoint,
        key=given.key,
        rows=(state,),
        values={"dimensions.channel": given.channel},
        first_seconds=0,
        directory=given.directory,
    )


def main() -> None:
    """Send every few seconds until nobody holds the other end of standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("app", "version", "channel", "state", "endpoint", "key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--directory", required=True, type=Path)
    parser.add_argument("--seconds", required=True, type=float)
    given = parser.parse_args()
    with telemetry(given) as sending:
        while not select.select([sys.stdin], [], [], given.seconds)[0]:
            sending.send_now()


if __name__ == "__main__":
    main()
