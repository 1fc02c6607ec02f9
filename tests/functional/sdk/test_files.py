"""Settings files whose format needs a package that is not there."""

import subprocess
import sys
from pathlib import Path

from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import environment

PROGRAM = """
import sys
sys.modules["yaml"] = None
from homing import Telemetry
with Telemetry(app="acme", version="1.2.3", policy="flowfuse", directory="own") as telemetry:
    status = telemetry.status()
print(status.enabled, status.layer, *status.problems, sep="\\n")
"""


def test_yaml_without_its_package(tmp_path: Path) -> None:
    """It cannot be read, so telemetry is off, though on at first, and the sentence says what to install."""
    (tmp_path / "flowforge.yml").write_text("telemetry:\n  enabled: true\n")
    variables = {**environment(), **dict.fromkeys((REFUSAL, *CI_VARIABLES), "")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    sentence = f"The settings file {tmp_path / 'flowforge.yml'} is YAML, which needs the extra homing[yaml]."
    assert ["False", "file", sentence] == done.stdout.splitlines()
    assert ["flowforge.yml"] == [path.name for path in tmp_path.iterdir()]
