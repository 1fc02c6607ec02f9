"""Inbound webhooks: what their addresses take in, and what becomes of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homing.errors import AccountError, NameTaken
from homing.outcomes import outcome_of
from homing.server.accounts.webhooks import add_webhook, change_webhook, path_of
from homing.server.stores.base import Webhook
from tests.receiving import Reply, Site, site


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Site]:
    """A receiver with an app."""
    with site(tmp_path) as made:
        made.add_app()
        yield made


def hook(at: Site, **more: Any) -> Webhook:
    """Add a webhook to the first app."""
    [app] = at.control.apps()
    made = add_webhook(at.control, at.clock, app=app.id, **more)
    at.receiver.directory.refresh()
    return made


def send(at: Site, to: Webhook, body: bytes = b"{}") -> Reply:
    """Send to a webhook, as whoever knows its address."""
    return at.send("POST", path_of(to), {"User-Agent": "anything/1.0"}, body)


def test_any_json(at: Site) -> None:  # 001-25
    """Any JSON is an event of the webhook's name, with what was sent; the answer is 200 and empty."""
    made = hook(at)
    for value in ({"instance_id": "a", "deep": [{"x": None}]}, [1, "two"], "text", 3.5, None):
        reply = send(at, made, json.dumps(value).encode())
        assert (200, b"") == (reply.status, reply.body)
    kept = [(ping.kind, ping.instance, dict(ping.properties)) for ping in at.store.accepted()]
    assert ("telemetry.custom", "a", {"instance_id": "a", "deep": [{"x": None}]}) == kept[0]
    alone = [("telemetry.custom", None, {"payload": value}) for value in ([1, "two"], "text", 3.5, None)]
    assert alone == kept[1:]
    [app] = at.control.apps()
    assert 5 == len(at.store.history(app.id, kind="telemetry.custom").items)


def test_what_is_kept(at: Site) -> None:
    """What is not persistent is counted and seen live, and nothing of it is kept; input is kept only where included."""
    [app] = at.control.apps()
    body = b'{"instance_id": "a", "word": "plainly"}'
    assert 200 == send(at, hook(at, key="one", event="passing", persistent=False), body).status
    assert 200 == send(at, hook(at, key="two", event="empty", includes_input=False), body).status
    assert [] == at.store.history(app.id, kind="passing").items
    [entry] = at.store.history(app.id, kind="empty").items
    assert {} == dict(entry.properties)
    assert ["empty", "passing"] == [seen.kind for seen in at.receiver.live.last([app.id])]
    openly = b'{"instance_id": "b", "word": "openly"}'
    assert 200 == send(at, hook(at, key="three", event="whole"), openly).status
    files = b"".join(each.read_bytes() for each in at.path.parent.glob(f"{at.path.name}*"))
    assert [False, True] == [word in files for word in (b"plainly", b"openly")]
    said = [repr(each) for each in (*at.entries(app), *at.instances(app).values())]
    assert [0, 2] == [sum(word in each for each in said) for word in ("plainly", "openly")]


def test_what_is_refused(at: Site) -> None:
    """An address nobody has, a webhook that is off, what is no JSON and other methods are refused, with a reason."""
    made = hook(at)
    off = hook(at, key="off", active=False)
    wrong = made._replace(token=off.token)
    assert [404, 403, 400] == [send(at, each, b"{").status for each in (wrong, off, made)]
    assert 405 == at.send("GET", path_of(made), {}).status
    [app] = at.control.apps()
    seen = [outcome_of(each.verdict).name for each in at.receiver.live.last([app.id])]
    assert ["malformed", "webhook_off"] == seen
    at.retire(app)
    assert 410 == send(at, made).status


def test_strange_instances(at: Site) -> None:
    """What cannot be an instance's id is none, and the event is kept all the same."""
    made = hook(at)
    for value in (7, "", "x" * 201, "a\nb", {"a": 1}):
        assert 200 == send(at, made, json.dumps({"instance_id": value}).encode()).status
    assert [None] * 5 == [ping.instance for ping in at.store.accepted()]


def test_changing(at: Site) -> None:
    """A webhook keeps its token when it is changed, and is gone when it is deleted."""
    made = hook(at)
    change_webhook(at.control, made._replace(key="other", event="renamed"))
    at.receiver.directory.refresh()
    [found] = at.control.webhooks()
    assert (made.token, "other", "renamed") == (found.token, found.key, found.event)
    assert [404, 200] == [send(at, made).status, send(at, found).status]
    assert [True, False] == [at.control.drop_webhook(made.id) for _ in range(2)]
    at.receiver.directory.refresh()
    assert 404 == send(at, found).status


def test_names(at: Site) -> None:
    """A key is unique in its app; names that will not do are refused with a sentence."""
    made = hook(at)
    with pytest.raises(NameTaken, match="inbound-telemetry"):
        hook(at)
    other = hook(at, key="other")
    with pytest.raises(NameTaken, match="inbound-telemetry"):
        change_webhook(at.control, other._replace(key=made.key))
    for bad in ({"key": ""}, {"key": "a/b"}, {"key": "x" * 101}, {"event": ""}, {"event": "(other)"}):
        with pytest.raises(AccountError):
            hook(at, **{"key": "free", **bad})
