"""Another id while several processes of one instance run."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from homing import Telemetry
from tests.functional.receiver import until
from tests.functional.sdk.listener import Listener, listener
from tests.functional.sdk.test_processes import program

# Somebody who sends all the time would leave no gap to replace the id in.
ASKING = "while True: telemetry.send_now(5); time.sleep(0.05)"
TOKEN = "X-SeqDesk-Telemetry-Token"


def pairs(there: Listener) -> list[tuple[str, str]]:
    """Return id and token of each heartbeat so far."""
    return [(json.loads(received.body)["instanceId"], received.headers[TOKEN]) for received in list(there.received)]


def test_all_processes_go_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it has returned no ping leaves under an old id, and no id was ever sent with another's token."""
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"app": "acme", "version": "1.2.3", "policy": "seqdesk", "directory": tmp_path}
    with listener() as there, ExitStack() as stack:
        here = Telemetry(**given, endpoint=there.url, enabled=True)
        for _ in range(3):
            stack.enter_context(program(there, tmp_path, policy="seqdesk", work=ASKING))
        ids = []
        for _ in range(4):
            before = len(there.received)
            until(lambda many=before: len(there.received) > many + 5, "Pings")  # type: ignore[misc]  # a default has no type
            ids.append(here.reset_id(who="ada").instance)
            first = len(there.received)
            until(lambda many=first: len(there.received) > many + 5, "Pings under the new id")  # type: ignore[misc]  # a default has no type
            assert {ids[-1]} == {instance for instance, _ in pairs(there)[first:]}
    tokens = dict(pairs(there))
    assert 5 == len(tokens)
    assert set(tokens.items()) == set(pairs(there))
