"""The pages about ids and about update checks say what the code does, and their examples run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from homing import Telemetry, Update
from homing.sdk.identity import COPIED, INSTANCE_FILE, MACHINE_FILE, RENEWED_FILE
from homing.sdk.machine import MOST_MACHINES
from homing.sdk.policy import POLICIES, IdKept
from homing.sdk.transports.answers import MOST_BODY
from homing.sdk.transports.base import LIMIT_SECONDS
from homing.sdk.update import DEVICE_HEADER, ROLLOUT_FILE
from homing.sdk.update_forms import FORMS
from tests.docs.pages import rows_of, text_of
from tests.docs.test_sdk import run
from tests.functional.sdk.listener import listener
from tests.functional.sdk.test_postgres import SELECT, UPDATE
from tests.functional.sdk.test_update import LATEST, answer
from tests.postgres import postgres

IDENTITY, UPDATES, DECISION = "identity.md", "updates.md", "decisions/0014-when-an-installation-is-a-copy.md"


def code(page: str, number: int, language: str = "python") -> str:
    """Return an example of a page."""
    return str(re.findall(rf"```{language}\n(.*?)```", text_of(page), re.DOTALL)[number])


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a real PostgreSQL."""
    with postgres() as found:
        yield found


def test_the_example_of_a_database(tmp_path: Path, address: str) -> None:
    """The server's id stands where the page says, its SQL changes it, and the reset makes another one."""
    example = code(IDENTITY, 0).replace("dbname=acme", address)
    run(example, tmp_path)
    with psycopg.connect(address) as connection:
        [first] = connection.execute(SELECT.encode()).fetchone() or [None]
        for statement in code(IDENTITY, 0, "sql").strip().split("\n\n"):
            connection.execute(statement.encode())
        [second] = connection.execute(SELECT.encode()).fetchone() or [None]
    assert None not in (first, second)
    third, renewal = run(f"{example}{code(IDENTITY, 1)}", tmp_path).split(" ", 1)
    assert 3 == len({first, second, third})
    assert "why='reset', who='ada'" in renewal


def test_the_statements_are_the_document_s() -> None:
    """The page shows what the tests run."""
    assert f"{SELECT};\n\n{UPDATE}\n" == code(IDENTITY, 0, "sql")


def test_words_about_ids() -> None:
    """Places, files and limits are those of the code."""
    text, decision = text_of(IDENTITY), " ".join(text_of(DECISION).split())
    kept = {IdKept.FILE: 1, IdKept.DATABASE: 2, IdKept.SETTINGS: 3}
    rows = dict(zip(kept, rows_of(text)[:3], strict=True))
    for policy in POLICIES.values():
        assert f"`{policy.name}`" in rows[policy.id_kept][1]
    for words in (f"`{INSTANCE_FILE}`", f"`{MACHINE_FILE}`", f"`{COPIED}`", "`status().renewed`"):
        assert words in text
    assert f"are remembered, {MOST_MACHINES} of them" in decision
    assert {"homing"} == {policy.name for policy in POLICIES.values() if policy.notices_copies}
    assert f"| `{RENEWED_FILE}` |" in text_of("sdk.md")


def test_the_example_of_a_check(tmp_path: Path) -> None:
    """It says that there is a newer release, and carries an id once telemetry is on."""
    with listener(answer(LATEST)) as there:
        example = code(UPDATES, 0).replace("https://updates.example.com", there.url)
        example = example.replace("https://telemetry.example.com", there.url)
        said = [run(example, tmp_path), run(example, tmp_path, telemetry_enabled="true")]
        asked = [received for received in there.received if received.line.startswith("GET")]
    assert [True, True] == [LATEST["update_url_dmg"] in each for each in said]
    assert [False, True] == [DEVICE_HEADER in received.headers for received in asked]


def test_the_example_that_feeds_telemetry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the last check saw stands in the next heartbeat."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    body = {"updateAvailable": True, "latest": {"version": "1.1.83"}}
    with listener(answer(body)) as there:
        names: dict[str, Any] = {}
        exec(f"from homing import *\n{code(UPDATES, 1)}".replace("https://www.seqdesk.com", there.url), names)  # noqa: S102 - the page is ours
        telemetry: Telemetry = names["telemetry"]
        [before] = telemetry.preview()
        names["updates"].check()
        [after] = telemetry.preview()
    assert {"available": False, "latestVersion": None} == json.loads(before.body)["update"]
    assert {"available": True, "latestVersion": "1.1.83"} == json.loads(after.body)["update"]


def test_words_about_updates() -> None:
    """Fields, forms and limits are those of the code."""
    text = text_of(UPDATES)
    rows = rows_of(text)
    many = len(Update._fields)
    assert [f"`{field}`" for field in Update._fields] == [row[0] for row in rows[:many]]
    asked = {
        f"`{name}`": f"`GET {form.path}?{''.join(f'{each}=&' for each in form.parameters)[:-1]}`"
        for name, form in FORMS.items()
    }
    assert asked == {row[0]: row[1] for row in rows[many:]}
    for words in (f"takes {LIMIT_SECONDS:g} seconds", f"{MOST_BODY // 1024} KiB", f"`{ROLLOUT_FILE}`", DEVICE_HEADER):
        assert words in " ".join(text.split())
