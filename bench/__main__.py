"""Runs one benchmark by name."""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Final

from bench import count, dialects, ingest, pages, sdk
from bench.figures import Figures

BENCHES: Final[Mapping[str, Callable[[float, Figures], None]]] = {
    "ingest": ingest.run,
    "count": count.run,
    "dialects": dialects.run,
    "pages": pages.run,
    "sdk": sdk.run,
}
SECONDS: Final = {"ingest": 240.0, "count": 240.0, "dialects": 240.0, "pages": 240.0, "sdk": 60.0}
"""About how long each takes unless told otherwise."""


def main() -> None:
    """Parse the command line, run the benchmark, and print its figures."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES), help="what to measure")
    parser.add_argument("--seconds", type=float, help="about how long to measure")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    given = parser.parse_args()
    figures = Figures()
    BENCHES[given.name](given.seconds or SECONDS[given.name], figures)
    if given.json:
        print(json.dumps(figures.values, sort_keys=True))


if __name__ == "__main__":
    main()
