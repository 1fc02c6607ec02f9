"""The page about what is mounted says what the code does."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from homing.sdk.admin import api, exchange, frame
from homing.sdk.admin.actions import MOST_ERROR
from tests.docs.pages import rows_of, text_of
from tests.unit.sdk.doubles import telemetry

PAGE = text_of("admin.md")
HOST = "http://acme.example.com"
WORDS = " ".join(PAGE.split())


def snippet(number: int) -> dict[str, Any]:
    """Run an example of the page, and return its names."""
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[number], names)  # noqa: S102 - the page is ours
    return names


def asked(number: int, place: Path, request: httpx.Request, *, verdict: object) -> httpx.Response:
    """Return what the application that an example makes answers."""
    sending = telemetry(place, enabled=None)
    if number == 0:
        return asyncio.run(over_asgi(snippet(0)["application"](sending, lambda _scope: verdict), request))
    app = snippet(1)["application"](sending, lambda _environ: verdict, None)
    with httpx.Client(transport=httpx.WSGITransport(app=app)) as client:
        return client.send(request)


async def over_asgi(app: Any, request: httpx.Request) -> httpx.Response:
    """Return the answer of an application of ASGI."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
        return await client.send(request)


@pytest.mark.parametrize("number", [0, 1], ids=["ASGI", "WSGI"])
def test_the_examples(tmp_path: Path, number: int) -> None:
    """Both mount the pages and the step, closed to strangers and open to administrators."""
    for verdict, status in ((None, 401), ("ada", 200)):
        for path in ("/admin/telemetry/", "/admin/telemetry/server", f"/admin/telemetry{api.PATH}", "/setup/"):
            request = httpx.Request("GET", f"{HOST}{path}")
            assert status == asked(number, tmp_path, request, verdict=verdict).status_code
    choice = httpx.Request("POST", f"{HOST}/setup/", data={"do": "choose"}, headers={"Origin": HOST})
    chosen = asked(number, tmp_path, choice, verdict="ada")
    assert (303, "/welcome") == (chosen.status_code, chosen.headers["Location"])
    told = asked(number, tmp_path, httpx.Request("GET", f"{HOST}/admin/telemetry{api.PATH}"), verdict="ada")
    assert told.json()["promptDismissed"]


def test_the_names_of_the_json(tmp_path: Path) -> None:
    """Each stands in the table, and no other; what may be saved is named."""
    table = PAGE.partition("| name | what it is |")[2].partition("\n\n")[0]
    named = {name for row in rows_of(f"| name | what it is |{table}") for name in re.findall(r"`(\w+)`", row[0])}
    assert set(api.told(telemetry(tmp_path))) == named
    taken = WORDS.partition("`PUT` takes ")[2].partition(" where the policy has them")[0]
    assert {*api.NAMES, api.DISMISSED} == set(re.findall(r"`(\w+)`", taken))
    assert f"`PUT {api.PATH}`" in PAGE
    assert f"`POST {api.TEST_PATH}`" in PAGE


def test_numbers() -> None:
    """Limits and headers in the text are those of the code."""
    assert f"A body may have {exchange.MOST_BODY // 1024} KiB" in WORDS
    assert f"at most {MOST_ERROR} characters" in WORDS
    lines = len(frame.asset("page.js").body.decode().splitlines())
    told = re.search(r"The script, (\d+) lines", WORDS)
    assert told is not None
    assert abs(int(told[1]) - lines) <= 5
    for name in ("nosniff", "no-store"):
        assert name in dict(exchange.HEADERS).values()
        assert f"`{name}`" in WORDS
