"""The page about PostHog, Sentry and Prometheus says what the code does.

`python -m tests.docs.test_integrations` writes its table anew.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from homing.sdk.integrations.face import Integrations
from homing.sdk.integrations.keys import ENVIRONMENT_VARIABLES, ROWS
from homing.sdk.integrations.metrics import MOST_ROUTES, OTHER
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from tests.docs.pages import part, rewrite, table, text_of
from tests.functional.receiver import environment, free_port, until
from tests.functional.sdk.listener import listener

PAGE: Final = "integrations.md"
PART: Final = "keys"
SCRIPT: Final = Path(sys.modules[Integrations.__module__].__file__ or "").with_name("browser.js")

SERVE: Final = """
import uvicorn
uvicorn.run(app, host="127.0.0.1", port={port}, log_level="warning")
"""


def rows_of_keys() -> str:
    """Return the table of keys."""
    rows = [(f"`{row.name}`", f"`{_shown(row.default)}`", row.help) for row in ROWS]
    return table(("below `telemetry`", "default", "what it is for"), rows)


def _shown(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def example(language: str) -> str:
    """Return the page's example in a language."""
    found = re.search(rf"```{language}\n(.*?)```", text_of(PAGE), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_keys() -> None:
    """Keys stand in their table as they are in the code, and no other does."""
    assert rows_of_keys() == part(PAGE, PART)


def test_words() -> None:
    """Names, numbers and labels in the text are those of the code and of the script."""
    text = " ".join(text_of(PAGE).split())
    variables = ", else ".join(f"`{name}`" for name in ENVIRONMENT_VARIABLES)
    for words in (f"environment is {variables}, else `unknown`", f"At most {MOST_ROUTES} routes", f"to `{OTHER}`"):
        assert words in text
    script = SCRIPT.read_text(encoding="utf-8")
    for word in ("data-homing=ask", '"accept"', '"reject"', '"homing.consent"', "window.posthog", "window.Sentry"):
        assert word in script
    assert set(re.findall(r"homing\.(accept|reject)\(\)", text)) <= set(re.findall(r"function (\w+)\(\)", script))


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_the_example_runs(tmp_path: Path, enabled: str) -> None:
    """It serves pages with what the settings file says, and metrics; without telemetry pages hold nothing."""
    # 003-14 003-15 003-18
    with listener() as there:
        host = there.url.partition("://")[2]
        text = example("yaml").replace("https://key@sentry.example.com", f"http://key@{host}")
        (tmp_path / "flowforge.yml").write_text(text.replace("enabled: true", f"enabled: {enabled}", 1))
        port = free_port()
        variables = {**environment(), "HOME": str(tmp_path), **dict.fromkeys((*CI_VARIABLES, REFUSAL), "")}
        code = example("python") + SERVE.format(port=port)
        process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=variables)
        try:
            page, metrics = ask(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(20)
    is_on = enabled == "true"
    assert [is_on, is_on] == [
        "https://posthog.example.com" in page.headers["Content-Security-Policy"],
        "phc_your_key" in page.text,
    ]
    count = 'http_request_duration_seconds_count{method="GET",route="/projects/{id}",status_code="200"} 1.0'
    assert count in metrics.text


def ask(url: str) -> tuple[httpx.Response, httpx.Response]:
    """Ask for a page, once there is somebody, and for the metrics."""
    with httpx.Client(base_url=url, timeout=10, trust_env=False) as client:
        until(lambda: _answers(client), "an answer")
        return client.get("/projects/7"), client.get("/metrics")


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/metrics").is_success
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    rewrite(PAGE, {PART: rows_of_keys})
