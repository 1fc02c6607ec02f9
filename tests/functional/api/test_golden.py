"""The golden cases once more, over the wire to a running receiver."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

import pytest

from homing.clock import SystemClock
from homing.server.accounts.keys import make_key
from homing.server.accounts.webhooks import add_webhook, path_of
from homing.server.ingest.inflate import MOST_BYTES
from homing.server.stores.base import Control
from homing.server.stores.registry import open_store, options_of
from tests.functional.api.conftest import World
from tests.functional.receiver import until
from tests.golden.cases import FOLDERS, Case, body_of, cases
from tests.receiving import settings_of

Keys = Mapping[str, str]


def fits(case: Case) -> bool:
    """Return whether a case has the same answer on any day, and needs no app that was retired.

    A body that announces too much is answered while it is still being sent; not every client can read that.
    """
    body = body_of(case.request)
    dated = any(word in body for word in (b'"at":"20', b'"timestamp":"20'))
    return not case.app.get("retired") and not dated and len(body) <= MOST_BYTES


def furnish(world: World, chosen: list[Case]) -> dict[str, Keys]:
    """Give each case an app of its own, while the receiver runs, and return the keys by case."""
    settings = settings_of(store=f"sqlite:///{world.receiver.store}")
    opened = open_store(settings["store"], SystemClock(), options=options_of(settings))
    owner = opened.control.add_owner(f"golden {chosen[0].request['path']}", "hash", now=0, must_change=False)
    keys = {case.name: _keys(opened.control, owner.id, case) for case in chosen}
    opened.store.close()
    until(lambda: ask(world, PROBE, keys[chosen[-1].name])[0] == 200, "The last app")
    return keys


PROBE: Mapping[str, Any] = {"path": "/v1/pings", "headers": {"Authorization": "Bearer {key}"}, "text": "[]"}


def _keys(control: Control, owner: int, case: Case) -> Keys:
    clock = SystemClock()
    app = control.add_app(owner, case.name, now=0, dimensions=case.app.get("dimensions", ()))
    # First the webhook: a key that is known says that it is known too.
    hook = {} if case.hook is None else {"{hook}": path_of(add_webhook(control, clock, app=app.id, **case.hook))}
    send, read = (make_key(control, clock, app=app, scope=scope)[1] for scope in ("send", "read"))
    return {"{key}": send, "{read_key}": read, **hook}


def ask(world: World, request: Mapping[str, Any], keys: Keys) -> tuple[int, bytes]:
    """Send a case's request and return the status and the body of the answer."""
    path, headers = request["path"], dict(request.get("headers", {}))
    for name, key in keys.items():
        path = path.replace(name, key)
        headers = {header: value.replace(name, key) for header, value in headers.items()}
    body = body_of(request)
    if "text" in request:
        for name, key in keys.items():
            body = body.replace(name.encode(), key.encode())
    connection = http.client.HTTPConnection("127.0.0.1", world.receiver.port, timeout=30)
    try:
        connection.request(request.get("method", "POST"), path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("dialect", FOLDERS)
def test_golden_over_the_wire(world: World, dialect: str) -> None:
    """A running receiver answers the golden requests as the cases say."""
    chosen = [case for case in cases(dialect) if fits(case)]
    keys = furnish(world, chosen)
    for case in chosen:
        for request in case.before:
            ask(world, request, keys[case.name])
        status, body = ask(world, case.request, keys[case.name])
        told = {"json": json.loads(body)} if body else {}
        answer = {"status": case.answer["status"]} if case.request.get("method") == "HEAD" else case.answer
        assert (case.name, answer) == (case.name, {"status": status, **told})
