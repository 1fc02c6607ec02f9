"""The page about the sending side says what the code does.

`python -m tests.docs.test_sdk` writes its tables anew.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from homing import Row, Status, Telemetry
from homing.sdk.content import FORMS
from homing.sdk.engine import DATABASE_FILE
from homing.sdk.identity import INSTANCE_FILE, TOKEN_FILE
from homing.sdk.payload import FITS, MOST_CHARACTERS
from homing.sdk.policy import ANY_EVENT, HOMING, HOUR, POLICIES, Interval, Policy
from homing.sdk.sources import CI_VARIABLES, REFUSAL
from homing.sdk.status import UNMADE
from homing.sdk.transports.base import LIMIT_SECONDS
from homing.sdk.turns import LEADER_FILE, SENDING_FILE
from tests.docs.pages import part, rewrite, table, text_of
from tests.functional.receiver import environment
from tests.functional.sdk.listener import listener

PAGE: Final = "sdk.md"


def rows_of_form(form: str) -> str:
    """Return the table of a form's fields."""
    return table(("field", "type", "why", "example"), [_cells(row) for row in FORMS[form]().rows])


def _cells(row: Row) -> tuple[str, ...]:
    marks = [row.type, *(["*yours*"] if row.may_be_told else []), *(["*optional*"] if row.is_optional else [])]
    marks += [f"in `{kind}` only" for kind in row.kinds]
    return f"`{row.name}`", ", ".join(marks), row.why, f"`{json.dumps(row.example)}`"


def rows_of_policies() -> str:
    """Return the table of what the policies are."""
    columns: dict[str, Callable[[Policy], str]] = {
        "at first": lambda policy: "on" if policy.at_first == "default" else "off",
        "form": lambda policy: f"`{policy.wire}`",
        "maker's address": lambda policy: f"`{policy.endpoint}`" if policy.endpoint else "yours",
        "User-Agent": lambda policy: f"`{policy.user_agent.format(version='<version>', sdk='<version of homing>')}`",
        "hours": lambda policy: _hours(policy.interval),
        "first ping": _first,
        "last ping": lambda policy: f"`{policy.kinds.end}`" if policy.kinds.end else "none",
        "remembers success": lambda policy: "yes" if policy.is_throttled else "no",
        "retries": lambda policy: str(policy.retry),
        "events of yours": _events,
        "kept for the next start": lambda policy: "yes" if policy.is_spooled else "no",
        "stops at 410": lambda policy: "yes" if policy.stops_at_gone else "no",
        "id made": lambda policy: str(policy.id_made),
        "id kept": lambda policy: f"in {policy.id_kept}",
        "notices copies": lambda policy: "yes" if policy.notices_copies else "no",
        "never contained": lambda policy: ", ".join(policy.excluded),
        "seconds at exit": lambda policy: f"{policy.flush_seconds:g}",
    }
    policies = POLICIES.values()
    return table(
        ("", *(f"`{policy.name}`" for policy in policies)),
        [(name, *(make(policy) for policy in policies)) for name, make in columns.items()],
    )


def _hours(interval: Interval) -> str:
    usual, least, most = (seconds // HOUR for seconds in interval[:3])
    bounds = "" if least == most else f", {least} to {most}"
    return f"{usual}{bounds}{', as in `1h30m`' if interval.is_duration else ''}"


def _events(policy: Policy) -> str:
    own = [name for name in policy.events if name not in policy.kinds]
    return "any" if policy.events == ANY_EVENT else ", ".join(own) or "none"


def _first(policy: Policy) -> str:
    if policy.kinds.begin:
        return f"`{policy.kinds.begin}` at the start"
    return f"{policy.start_seconds:g} seconds after the start"


def rows_of_settings() -> str:
    """Return the table of what settings are called."""
    rows = [
        (
            f"`{policy.name}`",
            f"`{name.setting}`",
            ", ".join(f"`{each}`" for each in name.variables),
            _in_file(policy, name.file),
        )
        for policy in POLICIES.values()
        for name in policy.names
    ]
    return table(("policy", "setting", "in the environment", "in the file"), rows)


def _in_file(policy: Policy, place: str) -> str:
    return f"`{place}` in {f'`{policy.file}`' if policy.file else 'the file you name'}" if place else ""


PARTS: Final[dict[str, Callable[[], str]]] = {
    "policies": rows_of_policies,
    "settings": rows_of_settings,
    **{form: partial(rows_of_form, form) for form in FORMS},
}
"""What each made part is made by."""


def first_code() -> str:
    """Return the first example of the page."""
    found = re.search(r"```python\n(.*?)```", text_of(PAGE), re.DOTALL)
    assert found is not None
    return found[1]


def run(code: str, home: Path, **settings: object) -> str:
    """Run an example at a home of its own."""
    harmless = dict.fromkeys((*CI_VARIABLES, REFUSAL, "XDG_STATE_HOME"), "")
    variables = {**environment(**settings), "HOME": str(home), **harmless}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("name", PARTS)
def test_made_parts(name: str) -> None:
    """Fields, policies and settings stand in their tables as they are in the code, and no other does."""
    assert PARTS[name]() == part(PAGE, name)


def test_examples_are_of_their_type() -> None:
    """No row shows what it would not send."""
    rows = [row for form in FORMS.values() for row in form().rows]
    assert [] == [row.name for row in rows if not FITS[row.type](row.example)]


def test_the_five_lines_send_nothing(tmp_path: Path) -> None:
    """As they stand, they print a status that says off, and leave nothing behind."""
    assert 5 == len([line for line in first_code().splitlines() if line])
    status, *_request, body = run(first_code(), tmp_path).splitlines()
    assert status.startswith("Status(enabled=False, layer='default'")
    assert UNMADE == json.loads(body)["instance_id"]
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


def test_the_values_are_found(tmp_path: Path) -> None:
    """The example of values sends what stands on disk at that moment, and of the database its kind only."""  # 000-08
    (tmp_path / "package.json").write_text('{"version": "1.1.83"}')
    found = re.search(r"```python\n([^`]*version_on_disk\(.*?)```", text_of(PAGE), re.DOTALL)
    assert found is not None
    path = f'"{tmp_path / "package.json"}"'
    code = found[1].replace('"package.json"', path)
    body = json.loads(run(f"{code}\nprint(telemetry.preview()[0].body.decode())", tmp_path))
    assert ("1.1.83", {"provider": "postgresql"}) == (body["installedVersion"], body["database"])


def test_every_method_is_there() -> None:
    """The table has each that an application may call."""
    methods = [name for name, found in vars(Telemetry).items() if callable(found) and not name.startswith("_")]
    assert [] == [name for name in methods if f"`{name}(" not in text_of(PAGE)]


def test_numbers() -> None:
    """Limits, times and what is said of privacy in the text are those of the code."""  # 000-12
    text = " ".join(text_of(PAGE).split())
    for words in (
        f"the first ping leaves {HOMING.start_seconds:g} seconds after",
        f"one every {HOMING.interval.usual // HOUR} hours",
        f"A request has {LIMIT_SECONDS:g} seconds",
        f"1 to {MOST_CHARACTERS} printable characters",
        f"| `{INSTANCE_FILE}` |",
        f"| `{TOKEN_FILE}` |",
        f"| `{DATABASE_FILE}` |",
        f"| `{LEADER_FILE}` |",
        f"| `{SENDING_FILE}` |",
        "pseudonymous, not anonymous",
    ):
        assert words in text
    assert {"enabled", "layer", "problems"} <= set(Status._fields)


if __name__ == "__main__":
    rewrite(PAGE, PARTS)
