"""The page about the sending side says what the code does.

`python -m tests.docs.test_sdk` writes its tables anew.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from homing import Row, Status
from homing.sdk.content import FORMS
from homing.sdk.identity import INSTANCE_FILE, TOKEN_FILE
from homing.sdk.payload import FITS, MOST_CHARACTERS
from homing.sdk.schedule import FIRST_SECONDS, LEAST_HOURS, MOST_HOURS, USUAL_HOURS
from homing.sdk.status import UNMADE
from homing.sdk.transports.base import LIMIT_SECONDS
from tests.docs.pages import DOCS, part, table, text_of
from tests.functional.receiver import environment
from tests.functional.sdk.listener import listener

PAGE: Final = "sdk.md"


def rows_of_form(form: str) -> str:
    """Return the table of a form's fields."""
    return table(("field", "type", "why", "example"), [_cells(row) for row in FORMS[form]().rows])


def _cells(row: Row) -> tuple[str, ...]:
    kind = f"{row.type}, *yours*" if row.may_be_told else row.type
    return f"`{row.name}`", kind, row.why, f"`{json.dumps(row.example)}`"


def write() -> None:
    """Write the tables anew."""
    text = text_of(PAGE)
    for form in FORMS:
        begin, end = f"<!-- made from rows: {form} -->", f"<!-- end: {form} -->"
        text = f"{text[: text.index(begin)]}{begin}\n\n{rows_of_form(form)}\n\n{text[text.index(end) :]}"
    (DOCS / PAGE).write_text(text, encoding="utf-8")


def first_code() -> str:
    """Return the first example of the page."""
    found = re.search(r"```python\n(.*?)```", text_of(PAGE), re.DOTALL)
    assert found is not None
    return found[1]


def run(code: str, home: Path, **settings: object) -> str:
    """Run an example at a home of its own."""
    variables = {**environment(**settings), "HOME": str(home), "XDG_STATE_HOME": "", "DO_NOT_TRACK": ""}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("form", FORMS)
def test_fields(form: str) -> None:
    """Each field stands in its table with its type, reason and example, and no other does."""
    assert rows_of_form(form) == part(PAGE, form)


def test_examples_are_of_their_type() -> None:
    """No row shows what it would not send."""
    rows = [row for form in FORMS.values() for row in form().rows]
    assert [] == [row.name for row in rows if not FITS[row.type](row.example)]


def test_the_five_lines_send_nothing(tmp_path: Path) -> None:
    """As they stand, they print a status that says off, and leave nothing behind."""
    assert 5 == len([line for line in first_code().splitlines() if line])
    status, preview = run(first_code(), tmp_path).splitlines()
    assert status.startswith("Status(enabled=False, layer='default'")
    assert UNMADE == json.loads(preview)["instance_id"]
    assert [] == list(tmp_path.iterdir())


def test_the_five_lines_send(tmp_path: Path) -> None:
    """Once the operator has agreed, the same lines send."""
    with listener() as there:
        code = first_code().replace("https://telemetry.example.com", there.url)
        run(f"{code}\ntelemetry.send_now(10)", tmp_path, telemetry_enabled="true")
        [received] = there.received
    assert ("POST /v1/pings HTTP/1.1", "Bearer your-app-key") == (received.line, received.headers["Authorization"])
    assert (tmp_path / ".local/state/acme/telemetry" / INSTANCE_FILE).is_file()


def test_the_row_is_one() -> None:
    """The example of a row is of the shape that rows have."""
    found = re.search(r"```python\n(Row\(.*\))\n```", text_of(PAGE))
    assert found is not None
    row = eval(found[1], {"Row": Row, "count_users": lambda: 3})  # noqa: S307 - the page is ours
    assert (True, 3) == (FITS[row.type](row.example), row.probe(None))


def test_numbers() -> None:
    """Limits and times in the text are those of the code."""
    text = " ".join(text_of(PAGE).split())
    for words in (
        f"the first ping leaves {FIRST_SECONDS:g} seconds after",
        f"one every {USUAL_HOURS} hours",
        f"{LEAST_HOURS} to {MOST_HOURS};",
        f"A request has {LIMIT_SECONDS:g} seconds",
        f"1 to {MOST_CHARACTERS} printable characters",
        f"| `{INSTANCE_FILE}` |",
        f"| `{TOKEN_FILE}` |",
    ):
        assert words in text
    assert {"enabled", "layer", "problems"} <= set(Status._fields)


if __name__ == "__main__":
    write()
