"""The applications of `examples/`, run as anybody would: a process each, with a browser's manners to speak to it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.functional.receiver import environment, free_port, until
from tests.shape.source import ROOT

NAMES: Final = ("starlette_app", "flask_app", "django_app")
ADMIN: Final = "/admin/telemetry/"
SETUP: Final = "/setup/"
API: Final = f"{ADMIN}api/admin/settings/telemetry"
END_SECONDS: Final = 20.0


class Example(NamedTuple):
    """An application that runs."""

    url: str
    directory: Path

    @property
    def marker(self) -> Path:
        """The file that says that it is set up."""
        return self.directory / "set-up"


@contextmanager
def example(name: str, directory: Path, *, endpoint: str, **settings: object) -> Iterator[Example]:
    """Run an example until the block is over; settings are variables of Homing's own policy."""
    port = free_port()
    options = {"--port": port, "--endpoint": endpoint, "--directory": directory}
    command = [
        sys.executable,
        str(ROOT / "examples" / f"{name}.py"),
        *(str(each) for pair in options.items() for each in pair),
    ]
    variables = {**environment(**settings), **dict.fromkeys((REFUSAL, *CI_VARIABLES), "")}
    with (
        (directory.parent / f"{name}.log").open("w+") as log,
        subprocess.Popen(command, env=variables, stdout=log, stderr=log) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: _answers(url) or process.poll() is not None, "The example's first answer")
            yield Example(url, directory)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(END_SECONDS)
        log.seek(0)
        said = log.read()
    assert "Traceback" not in said, said


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success or True
    except httpx.HTTPError:
        return False


def sign_in(client: httpx.Client) -> None:
    """Sign in as the demo's administrator, with whatever hidden field the form has."""
    form = client.get("/sign-in").text
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', form))
    answer = client.post("/sign-in", data={**hidden, "name": "ada", "password": "demo"})
    assert answer.is_redirect, answer.text


def settings(client: httpx.Client) -> dict[str, Any]:
    """Return the settings as the API tells them."""
    answer = client.get(API)
    assert 200 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()
    return found
