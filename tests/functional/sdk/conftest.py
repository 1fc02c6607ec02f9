"""An environment that forbids nothing, and nobody to speak to but this machine."""

import shutil
import subprocess
from pathlib import Path

import pytest

from homing.sdk.policy import POLICIES
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.loopback import only_loopback

__all__ = ["only_loopback"]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of telemetry's is set."""
    named = [variable for policy in POLICIES.values() for name in policy.names for variable in name.variables]
    for name in (*named, *CI_VARIABLES, REFUSAL):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed but itself, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("There is no openssl to make a certificate with.")
    folder = tmp_path_factory.mktemp("certificate")
    made = folder / "both.pem"
    names = "subjectAltName=DNS:localhost,DNS:away.example.com"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext {names}"
    subprocess.run([*command.split(), "-keyout", made, "-out", folder / "cert.pem"], check=True, capture_output=True)
    made.write_bytes(made.read_bytes() + (folder / "cert.pem").read_bytes())
    return made
