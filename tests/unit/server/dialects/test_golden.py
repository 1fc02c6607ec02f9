"""Every golden case, through the real lane into a real store."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from homing.ping import Ping
from homing.server.accounts.keys import make_key
from homing.server.accounts.webhooks import add_webhook, path_of
from homing.server.app import DIALECTS as SERVED
from homing.server.stores.base import App
from tests.golden.cases import DIALECTS, FOLDERS, Case, body_of, cases, told
from tests.receiving import Reply, Site, site


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A receiver in which every case has an app of its own."""
    with site(tmp_path_factory.mktemp("golden")) as made:
        yield made


def sent(to: Site, request: Mapping[str, Any], keys: Mapping[str, str]) -> Reply:
    """Send a case's request."""
    path, headers = request["path"], dict(request.get("headers", {}))
    for name, key in keys.items():
        path = path.replace(f"{{{name}}}", key)
        headers = {header: value.replace(f"{{{name}}}", key) for header, value in headers.items()}
    body = body_of(request)
    if "text" in request:
        for name, key in keys.items():
            body = body.replace(f"{{{name}}}".encode(), key.encode())
    return to.send(request.get("method", "POST"), path, headers, body)


def play(to: Site, case: Case) -> tuple[App, Reply, list[Ping]]:
    """Play a case; return its app, the answer, and the pings stored for the last request."""
    app, key = to.add_app(f"{case.name} {len(to.control.apps())}", dimensions=case.app.get("dimensions", ()))
    keys = {"key": key, "read_key": make_key(to.control, to.clock, app=app, scope="read")[1]}
    if case.hook is not None:
        keys["hook"] = path_of(add_webhook(to.control, to.clock, app=app.id, **case.hook))
    to.receiver.directory.refresh()
    for request in case.before:
        sent(to, request, keys)
    if case.app.get("retired"):
        to.retire(app)
    to.store.recorded.clear()
    reply = sent(to, case.request, keys)
    return app, reply, to.store.accepted()


def test_every_dialect_has_cases() -> None:
    """No dialect is left without golden cases, each says what it is about, and each kind of trouble is there."""
    assert {dialect.name for dialect in SERVED} == set(DIALECTS)
    for dialect in DIALECTS:
        found = cases(dialect)
        assert len(found) > 35
        assert [] == [case.name for case in found if not case.about.endswith(".")]
        assert {"accepted", "malformed", "shape", "key_unknown", "too_large", "compression", "encoding"} <= {
            name for case in found for name in case.named
        }


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{name}-{case.name}") for name in FOLDERS for case in cases(name)]
)
def test_golden(shared: Site, case: Case) -> None:
    """The answer is as written, and so is what became of the request."""
    # 000-03 000-04 000-05 000-06 000-07 000-08 000-09 000-10
    dropped, before = all_dropped(shared), Counter(shared.outcomes())
    app, reply, pings = play(shared, case)
    assert case.answer == {"status": reply.status, **({"json": reply.json} if reply.body else {})}
    if isinstance(case.pings, int):
        assert case.pings == len(pings)
    else:
        assert case.pings == [told(ping) for ping in pings]
    assert case.dropped == all_dropped(shared) - dropped
    if not case.before:
        assert Counter(case.named) == Counter(shared.outcomes()) - before
        check_stored(shared, app, pings)


def all_dropped(to: Site) -> int:
    """Return how many unknown keys were dropped, in all dialects."""
    return sum(to.dropped(name) for name in FOLDERS)


def check_stored(shared: Site, app: App, pings: list[Ping]) -> None:
    """Nothing but these pings is stored for the app: as requests, as instances, in the history."""
    assert len(pings) == shared.requests(app)
    last = {ping.instance: ping for ping in pings if ping.instance is not None}
    found = shared.instances(app)
    assert last.keys() == found.keys()
    for name, ping in last.items():
        assert (dict(ping.dimensions), dict(ping.properties)) == (found[name].dimensions, found[name].properties)
        assert found[name].bound == (ping.credential is not None)
    entries = [(each.instance_id, each.kind, each.at) for each in shared.entries(app)]
    assert {(ping.instance, ping.kind, ping.at) for ping in pings} >= set(entries)
    assert len(entries) <= len(pings)
