"""The page on events."""

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

from homing import Telemetry
from homing.sdk import events, outbox
from homing.sdk.policy import HOMING
from homing.sdk.transports.base import UNSURE
from homing.testing import capture
from tests.docs.pages import part, rewrite, table, text_of

PAGE = "events.md"


def losses() -> str:
    """Return the table of reasons."""
    return table(("reason", "why"), [(f"`{reason}`", sentence) for reason, sentence in events.LOSSES.items()])


def snippets() -> list[str]:
    """Return the examples in order."""
    return re.findall(r"```python\n(.*?)```", text_of(PAGE), re.DOTALL)


def execute(code: str, names: dict[str, Any]) -> None:
    """Run an example, which may await."""
    made = compile(code, PAGE, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = eval(made, names)  # noqa: S307 - the page is ours
    if found is not None:
        asyncio.run(found)


def test_reasons() -> None:
    """They stand there as in the code."""
    assert losses() == part(PAGE, "losses")


def test_numbers() -> None:
    """Bounds and times are those of the code."""
    text = " ".join(text_of(PAGE).split())
    for words in (
        f"at most {events.MOST_DEPTH} levels deep and {events.MOST_BYTES} bytes long",
        f"{outbox.BATCH} events go in one request",
        f"the first of them has waited {outbox.FLUSH_SECONDS:g} seconds",
        "after 30 seconds, then 2 minutes, 10 minutes and each hour",
        f"Up to {outbox.MOST_TOLD} events wait for their thread, and up to {outbox.MOST_PINGS}, of 4 MiB,",
        f"for {outbox.MOST_DAYS} days",
        "no answer, or 408, 425, 429 or 5xx",
    ):
        assert words in text
    assert ((30, 120, 600, 3600), 4 * 1024 * 1024) == (outbox.AGAIN_SECONDS, outbox.MOST_BYTES)
    assert {408, 425, 429, *range(500, 600)} == UNSURE
    assert events.is_allowed(HOMING, "report exported")


def test_telling(tmp_path: Path) -> None:
    """The first example arrives as it stands there."""
    given: dict[str, Any] = {"app": "acme", "version": "1", "endpoint": "https://t.example.com", "key": "k"}
    with capture() as caught, Telemetry(**given, enabled=True, directory=tmp_path) as telemetry:
        execute(snippets()[0], {"telemetry": telemetry})
        telemetry.send_now(10)
    [event] = caught.events("report exported")
    assert ("csv", 1200) == (event["format"], event["rows"])


def test_posthog(tmp_path: Path, monkeypatch: Any) -> None:
    """The functions of the document, with the package as the transport: each event once."""  # 004-14
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    names: dict[str, Any] = {}
    with capture() as caught:
        execute(snippets()[1], names)
        execute(snippets()[2], names)
    assert ["heartbeat", "shutdown", "startup"] == sorted(ping["event"] for ping in caught.pings)


def test_in_your_tests(tmp_path: Path) -> None:
    """The test that is shown passes."""
    names: dict[str, Any] = {"Telemetry": Telemetry}
    execute(snippets()[3], names)
    names["test_an_export_is_told"](tmp_path)


if __name__ == "__main__":
    rewrite(PAGE, {"losses": losses})
