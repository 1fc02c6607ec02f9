"""The lane: from a request to its answer, with a real desk and store behind it."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.typing import EventDict

from homing.outcomes import OUTCOMES, Refusal, Verdict
from homing.server.accounts.apps import demand_bearer
from homing.server.accounts.keys import make_key
from homing.server.app import DIALECTS
from homing.server.dialects.base import Answer, Headers, Reading, Request, refused
from homing.server.dialects.native import Native
from homing.server.ingest.addresses import address_finder
from homing.server.ingest.lane import BODY_SECONDS, Lane, Limits, Routes
from homing.server.ingest.limits import RateLimit
from tests.golden.cases import cases
from tests.receiving import (
    HEARTBEAT,
    NATIVE,
    TOKEN,
    TOKEN_HEADER,
    Reply,
    Site,
    heartbeat,
    pings_headers,
    scope_of,
    site,
)

MakeSite = Callable[..., Site]


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[MakeSite]:
    """Makes receivers with settings."""
    made: list[Any] = []

    def make(**given: Any) -> Site:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        made.append(site(directory, **given))
        opened: Site = made[-1].__enter__()
        return opened

    yield make
    for each in made:
        each.__exit__(None, None, None)


def ping(to: Site, key: str, *pings: Mapping[str, Any]) -> Reply:
    """Send pings as an array."""
    return to.send("POST", NATIVE, pings_headers(key), json.dumps(pings).encode())


def beat(to: Site, path: str, **changes: Any) -> Reply:
    """Send a heartbeat to a path."""
    return to.send("POST", path, {TOKEN_HEADER: TOKEN}, json.dumps(heartbeat(**changes)).encode())


def names(reply: Reply) -> list[str]:
    """Return the outcomes that an answer names."""
    return [each["outcome"] for each in reply.json.get("results", [reply.json])]


# Where requests go.


def test_routes() -> None:
    """Open paths, paths below a key and bound paths are exact; all else is not for the lane."""
    routes = Routes(DIALECTS, {"seqdesk": "desk"})
    native, seqdesk = DIALECTS
    assert (native, None, None) == routes.find(NATIVE)
    assert (native, "k", None) == routes.find(f"/in/k{NATIVE}")
    assert (seqdesk, "k", None) == routes.find(f"/in/k{HEARTBEAT}")
    assert (seqdesk, None, "desk") == routes.find(HEARTBEAT)
    for path in ("/", "/in", "/in/", "/in/k", "/in/k/", f"/in/k/x{NATIVE}", f"{NATIVE}/", "/V1/pings", f"/in{NATIVE}"):
        assert routes.find(path) is None


def test_an_unbound_path_at_the_root(sites: MakeSite) -> None:
    """Without an app bound to it, SeqDesk's own path is not there."""
    assert 404 == beat(sites(), HEARTBEAT).status


def test_a_bound_path_at_the_root(sites: MakeSite) -> None:
    """A SeqDesk that is pointed at this host alone is heard by the app bound to it."""
    # 000-23
    to = sites(seqdesk_app="desk")
    assert (401, "key_unknown") == (beat(to, HEARTBEAT).status, beat(to, HEARTBEAT).json["outcome"])
    other, _key = to.add_app("other")
    app, _key = to.add_app("desk")
    assert 200 == beat(to, HEARTBEAT).status
    assert (1, 0) == (to.requests(app), to.requests(other))


def test_everything_else_goes_to_the_framework(sites: MakeSite) -> None:
    """What is no ingest path is answered by the web framework."""
    to = sites()
    assert (200, b"ok\n") == to.send("GET", "/livez", {})[::2]
    assert 404 == to.send("GET", "/nothing", {}).status
    assert 405 == to.send("POST", "/livez", {}).status


# What the heads of answers say.


def test_heads_of_refusals(sites: MakeSite) -> None:
    """A 401 says how to sign in, a 405 what is allowed; every refusal is JSON."""
    to = sites()
    missing = to.send("POST", NATIVE, {}, b"{}")
    method = to.send("GET", NATIVE, {})
    assert (401, "Bearer") == (missing.status, missing.headers["www-authenticate"])
    assert (405, "POST") == (method.status, method.headers["allow"])
    assert {"application/json"} == {missing.headers["content-type"], method.headers["content-type"]}


def test_a_key_that_was_revoked(sites: MakeSite) -> None:
    """A revoked key opens nothing any more."""
    to = sites()
    app, key = to.add_app()
    assert 200 == ping(to, key, {}).status
    [row] = to.control.app_keys(app.id)
    to.control.end_key(row.id, to.clock.now(), now=to.clock.now())
    to.receiver.directory.refresh()
    assert (401, ["key_unknown"]) == (ping(to, key, {}).status, names(ping(to, key, {})))


def test_an_app_that_demands_a_bearer_token(sites: MakeSite) -> None:
    """Its send key alone lets nothing in, by address or by header; a bearer key of the app does, by either."""
    to = sites()
    app, send = to.add_app()
    _row, token = make_key(to.control, to.clock, app=app, scope="bearer")
    demand_bearer(to.control, to.clock, app=app, demanded=True)
    to.receiver.directory.refresh()
    path, body = f"/in/{send}{NATIVE}", b'{"instance_id": "x"}'
    absent, wrong = to.send("POST", path, {}, body), to.send("POST", path, pings_headers(send), body)
    assert [(401, ["bearer_missing"]), (401, ["bearer_wrong"])] == [
        (each.status, names(each)) for each in (absent, wrong)
    ]
    assert "Bearer" == absent.headers["www-authenticate"]
    assert ["bearer_wrong"] == names(ping(to, send, {"instance_id": "x"}))
    assert 0 == to.requests(app)
    assert [200, 200] == [
        to.send("POST", path, pings_headers(token), body).status,
        ping(to, token, {"instance_id": "x"}).status,
    ]
    assert 2 == to.requests(app)


# What the store decides.


def test_a_thousand_pings(sites: MakeSite) -> None:
    """1,000 pings in one request are answered one by one, and counted."""
    to = sites()
    app, key = to.add_app()
    reply = ping(to, key, *({"instance_id": f"i-{number % 300}"} for number in range(1000)))
    assert ["accepted"] * 1000 == names(reply)
    assert (1000, 300) == (to.requests(app), len(to.instances(app)))


def test_a_second_token_is_refused(sites: MakeSite) -> None:
    """The first token binds; another one changes nothing of what is stored, until the owner releases the binding."""
    # 000-10 000-11
    to = sites()
    app, key = to.add_app()
    path = f"/in/{key}{HEARTBEAT}"
    beat(to, path)
    before = (to.sql("SELECT * FROM telemetry_instances"), to.entries(app), to.requests(app))
    other = to.send("POST", path, {TOKEN_HEADER: "another"}, json.dumps(heartbeat(runningVersion="9")).encode())
    assert (403, ["token_wrong"]) == (other.status, names(other))
    assert before == (to.sql("SELECT * FROM telemetry_instances"), to.entries(app), to.requests(app))
    assert to.store.release(app.id, heartbeat()["instanceId"])
    again = to.send("POST", path, {TOKEN_HEADER: "another"}, json.dumps(heartbeat(runningVersion="9")).encode())
    assert 200 == again.status
    assert (403, 200) == (beat(to, path).status, beat(to, f"/in/{to.add_app('two')[1]}{HEARTBEAT}").status)


def test_the_token_is_hashed(sites: MakeSite) -> None:
    """The token is nowhere in the store; its SHA-256 is."""
    # 000-11
    to = sites()
    _app, key = to.add_app()
    beat(to, f"/in/{key}{HEARTBEAT}")
    [row] = to.sql("SELECT * FROM telemetry_instances")
    assert "3403e1f6dd04ce83e27cbd133e668bd7a2e14ecab3e5f0defe9e30b803dd4783" == row["token_hash"]
    files = [file.read_bytes() for file in to.path.parent.glob(f"{to.path.name}*")]
    assert files
    assert not any(TOKEN.encode() in each for each in files)


def test_every_field_is_a_column(sites: MakeSite) -> None:
    """The view `telemetry_instances` shows every field of the heartbeat, the hashed token and both receipts."""
    # 000-23 000-03 000-04 000-05 000-06 000-07 000-08 000-09 000-11
    to = sites()
    _app, key = to.add_app("desk")
    sent = heartbeat(
        runningVersion="1.1.82",
        installedVersion="1.1.83",
        installProfile={"id": "twincore", "version": "1.0.0"},
        update={"available": True, "latestVersion": "1.1.84"},
        database={"provider": "postgresql"},
    )
    beat(to, f"/in/{key}{HEARTBEAT}", **sent)
    to.clock.advance(days=1)
    beat(to, f"/in/{key}{HEARTBEAT}", **sent)
    to.store.settle()
    expected = {
        "app": "desk",
        "protocol_version": 1,
        "instance_id": "3920606d-a8be-4b50-a4d0-5237229d2f5c",
        "running_version": "1.1.82",
        "installed_version": "1.1.83",
        "install_profile_id": "twincore",
        "install_profile_version": "1.0.0",
        "update_available": 1,
        "update_latest_version": "1.1.84",
        "database_provider": "postgresql",
        "runtime_platform": "linux",
        "runtime_arch": "x64",
        "runtime_node_major": 20,
        "token_hash": "3403e1f6dd04ce83e27cbd133e668bd7a2e14ecab3e5f0defe9e30b803dd4783",
        "first_received": "2024-10-04T00:00:00Z",
        "last_received": "2024-10-05T00:00:00Z",
    }
    assert [expected] == to.sql("SELECT * FROM telemetry_instances")


def test_pings_of_other_dialects_are_no_heartbeats(sites: MakeSite) -> None:
    """The view shows SeqDesk's heartbeats alone."""
    to = sites()
    _app, key = to.add_app()
    ping(to, key, {"instance_id": "a"})
    assert [] == to.sql("SELECT * FROM telemetry_instances")


def test_an_erased_instance_stays_erased(sites: MakeSite) -> None:
    """Pings of an erased instance, sent late or again, are refused alone."""
    to = sites()
    app, key = to.add_app()
    ping(to, key, {"instance_id": "a"})
    assert to.store.erase(to.owner, "a") is not None
    reply = ping(to, key, {"instance_id": "a"}, {"instance_id": "b"})
    assert (200, ["instance_erased", "accepted"]) == (reply.status, names(reply))
    assert ["b"] == list(to.instances(app))
    assert 410 == ping(to, key, {"instance_id": "a"}).status


# When there is too much, or too little.


def test_too_many_from_one_address(sites: MakeSite) -> None:
    """One address is told to wait, before anything of its request is read; another one is not."""
    to = sites(rate_address=1)
    _app, key = to.add_app()
    replies = [ping(to, key, {}) for _ in range(20)]
    assert [200] * 11 + [429] * 9 == [reply.status for reply in replies]
    assert "1" == replies[-1].headers["retry-after"]
    scope = scope_of("POST", NATIVE, pings_headers(key), address="192.0.2.2")
    assert 200 == to.run(to.exchange(scope, b"{}")).status
    to.clock.advance(seconds=1)
    assert 200 == ping(to, key, {}).status


def test_a_trusted_proxy_names_the_address(sites: MakeSite) -> None:
    """Behind a trusted proxy each client has a rate of its own."""
    to = sites(rate_address=1, trusted_proxies="192.0.2.0/30")
    _app, key = to.add_app()
    for number in range(40):
        headers = {**pings_headers(key), "X-Forwarded-For": f"198.51.100.{number}"}
        assert 200 == to.send("POST", NATIVE, headers, b"{}").status


def test_too_many_for_one_app(sites: MakeSite) -> None:
    """One app is told to wait, whoever sends; another one is not."""
    to = sites(rate_app=1)
    _app, key = to.add_app()
    replies = [ping(to, key, {}) for _ in range(12)]
    assert (429, ["rate_app"]) == (replies[-1].status, names(replies[-1]))
    assert 200 == ping(to, to.add_app("other")[1], {}).status


def test_a_full_desk(sites: MakeSite) -> None:
    """What does not fit beside what waits is told to come back, and nothing of it is stored."""
    to = sites(queue_pings=2)
    app, key = to.add_app()

    async def both() -> tuple[Reply, Reply]:
        scope = scope_of("POST", NATIVE, pings_headers(key))
        return await asyncio.gather(to.exchange(scope, b"[{},{},{}]"), to.exchange(scope, b"[{}]"))

    first, second = to.run(both())
    assert (200, ["accepted"] * 3) == (first.status, names(first))
    assert (503, ["overloaded"], "1") == (second.status, names(second), second.headers["retry-after"])
    assert 3 == to.requests(app)
    assert 200 == ping(to, key, {}).status


def test_a_store_that_cannot_be_written(sites: MakeSite) -> None:
    """While the store is unavailable every ping that would be stored is told to come back; refusals stay refusals."""
    to = sites()
    app, key = to.add_app()
    to.store.unavailable = True
    reply = ping(to, key, {}, {"instance_id": ""})
    assert (503, ["unavailable", "instance_id"]) == (reply.status, names(reply))
    assert "5" == reply.headers["retry-after"]
    assert 503 == beat(to, f"/in/{key}{HEARTBEAT}").status
    assert 503 == to.send("GET", "/readyz", {}).status
    to.store.unavailable = False
    assert 200 == ping(to, key, {}).status
    assert 1 == to.requests(app)


def test_a_body_that_takes_too_long(sites: MakeSite) -> None:
    """A sender that stalls in the middle of its body is told so after ten seconds."""
    to = sites()
    _app, key = to.add_app()
    assert (408, "too_slow") == to.run(_stalled(to, key))


async def _stalled(to: Site, key: str) -> tuple[int, str]:
    sent: list[Any] = []
    begun = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if begun.is_set():
            await asyncio.Event().wait()
        begun.set()
        return {"type": "http.request", "body": b"{", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    lane = to.receiver.lane
    sweeping = asyncio.create_task(lane.sweep())
    request = asyncio.create_task(_call(lane, scope_of("POST", NATIVE, pings_headers(key)), receive, send))
    await begun.wait()
    to.clock.advance(seconds=BODY_SECONDS + 1)
    await request
    sweeping.cancel()
    return sent[0]["status"], json.loads(sent[1]["body"])["outcome"]


async def _call(lane: Lane, scope: Any, receive: Any, send: Any) -> None:
    await lane(scope, receive, send)


def test_a_client_that_leaves(sites: MakeSite) -> None:
    """A connection that closes before the end of the body is not answered, and nothing is stored."""
    to = sites()
    app, key = to.add_app()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    to.run(_call(to.receiver.lane, scope_of("POST", NATIVE, pings_headers(key)), receive, send))
    assert [] == sent
    assert 0 == to.requests(app)


# Faults of ours.


class Broken:
    """A dialect with a bug: it reads nothing, or answers nothing."""

    name = "broken"
    paths: tuple[str, ...] = ("/broken",)
    open_paths: tuple[str, ...] = ("/broken", "/mute")
    dimensions: frozenset[str] = frozenset()

    def key(self, headers: Headers) -> str | None:
        """Return the bearer token."""
        return Native().key(headers)

    def read(self, _request: Request) -> Reading:
        """Fail."""
        raise KeyError("a bug")

    def answer(self, _verdicts: Sequence[Verdict]) -> Answer:
        """Fail."""
        raise KeyError("a bug")

    def refuse(self, refusal: Refusal) -> Answer:
        """Return the refusal."""
        return refused(refusal)


def test_a_bug_is_answered_and_counted(sites: MakeSite, logged: list[EventDict]) -> None:
    """A fault of ours is a 500 that says nothing of the inside, is counted as `internal` and logged."""
    to = sites()
    _app, key = to.add_app()
    limits = Limits(RateLimit("rate_address", 0), RateLimit("rate_app", 0), address_finder(()))
    to.receiver.lane = Lane(
        to.receiver.lane,
        Routes([Broken()], {}),
        targets=to.receiver.directory,
        desk=to.receiver.desk,
        limits=limits,
        tally=to.receiver.metrics,
        clock=to.clock,
    )
    reply = to.send("POST", "/broken", pings_headers(key), b"{}")
    assert (500, ["internal"]) == (reply.status, names(reply))
    assert OUTCOMES["internal"].sentence == reply.json["error"]
    assert 1 == to.outcomes()["internal"]
    assert [("internal", "broken")] == [(line["event"], line["dialect"]) for line in logged]
    assert b"homing_bugs_total 1.0" in to.send("GET", "/metrics", {}).body


OF_OTHERS = {"password_wrong", "locked_out", "instance_guessable", "instance_unknown"}
"""What no ping ends with, but signing in, or asking to be erased."""

SHOWN_HERE = {
    *(
        "bearer_missing",
        "bearer_wrong",
        "token_wrong",
        "instance_erased",
        "rate_address",
        "rate_app",
        "overloaded",
        "unavailable",
        "too_slow",
        "internal",
    ),
    # In test_desk.py: no dialect lets such a ping through.
    "unstorable",
}


def test_every_outcome_is_shown() -> None:
    """Each outcome of the closed list is the answer in some golden case, or is shown by a test here."""
    golden = {
        each["outcome"]
        for dialect in ("native", "seqdesk")
        for case in cases(dialect)
        for each in case.answer["json"].get("results", [case.answer["json"]])
    }
    assert OUTCOMES.keys() == golden | SHOWN_HERE | OF_OTHERS
