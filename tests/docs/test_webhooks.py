"""docs/webhooks.md against the commands, the outcomes and the settings it tells of."""

import re
import shlex

from homing.cli.commands import cli
from homing.cli.embedding import POLICY
from homing.outcomes import OUTCOMES
from homing.server.stores.base import Webhook
from tests.docs.pages import rows_of, text_of

PAGE = text_of("webhooks.md")
ROWS = {row[0].strip("`"): row for row in rows_of(PAGE)}


def test_commands() -> None:
    """Every command of the page can be understood, and every command of webhooks is on it."""
    lines = [shlex.split(line)[1:] for line in re.findall(r"^homing webhook .+$", PAGE, re.MULTILINE)]
    group = cli.get_command(cli.make_context("homing", ["webhook", "list", "x"]), "webhook")
    assert group is not None
    assert {"add", "list", "change", "delete"} == {line[1] for line in lines}
    for line in lines:
        command = getattr(group, "commands")[line[1]]  # noqa: B009 - the type of a group is not that of a command
        command.make_context(line[1], line[2:])


def test_switches() -> None:
    """Every switch of a webhook has its row."""
    assert {"persistent", "includes_input", "active"} <= ROWS.keys() & set(Webhook._fields)


def test_outcomes() -> None:
    """The outcomes that webhooks alone have are among those of the page."""
    names = {name for name in OUTCOMES if name.startswith("webhook_")}
    assert names == {name for name in ROWS if name.startswith("webhook_")}


def test_variables() -> None:
    """Every variable of the receiver's own telemetry has its row."""
    told = {name for name in ROWS if name.startswith("HOMING_TELEMETRY_")}
    assert {variable for name in POLICY.names for variable in name.variables} == told
