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
from homing.server.dialects.base import Answer, Dialect, Headers, Reading, Request, bearer, refused
from homing.server.ingest.addresses import address_finder
from homing.server.ingest.lane import Lane, Limits
from homing.server.ingest.limits import RateLimit
from homing.server.ingest.live import Live
from homing.server.ingest.routes import Route, Routes
from tests.golden.cases import cases
from tests.receiving import (
    HEARTBEAT,
    NATIVE,
    TOKEN,
    TOKEN_HEADER,
    Reply,
    Site,
    exchange_of,
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
    native, seqdesk, *_others = DIALECTS
    assert Route(native, None, None) == routes.find(NATIVE)
    assert Route(native, "k", None) == routes.find(f"/in/k{NATIVE}")
    assert Route(seqdesk, "k", None) == routes.find(f"/in/k{HEARTBEAT}")
    assert Route(seqdesk, None, "desk") == routes.find(HEARTBEAT)
    served = {path: routes.find(f"/in/k{path}") for path in ("", "/", "/ping", "/sirveo", "/batch/", "/e")}
    assert ["flowfuse"] * 3 + ["sirveo"] + ["posthog"] * 2 == [each.dialect.name for each in served.values() if each]
    assert {"k"} == {each.key for each in served.values() if each}
    for path in ("/", "/in", "/in/", "/in//", "/ping", f"/in/k/x{NATIVE}", f"{NATIVE}/", "/V1/pings", f"/in{NATIVE}"):
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


FLOWFUSE = {"instanceId": "a", "os": {"type": "Linux"}}
SIRVEO = {"instance_id": "a", "reason": "begin"}


def post(to: Site, path: str, body: Any, **headers: str) -> Reply:
    """Send JSON to a path."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return to.send("POST", path, named, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("setting", "paths", "body"), [("flowfuse_app", ("/", "/ping"), FLOWFUSE), ("sirveo_app", ("/sirveo",), SIRVEO)]
)
def test_bound_paths_of_others(sites: MakeSite, setting: str, paths: tuple[str, ...], body: Any) -> None:
    """FlowFuse's own paths, and Sirveo's, are served at the host's root for the app that is bound to them."""
    # 001-13 003-13
    to = sites(**{setting: "bound"})
    app, _key = to.add_app("bound")
    for path in paths:
        assert 200 == post(to, path, body, user_agent="Sirveo").status
    assert (len(paths), ["a"]) == (to.requests(app), list(to.instances(app)))


def test_an_unbound_root_is_the_dashboards(sites: MakeSite) -> None:
    """Without an app bound to it the root takes no ping; with one it takes POST alone."""
    free, bound = sites(), sites(flowfuse_app="flow")
    bound.add_app("flow")
    assert 404 == post(free, "/ping", FLOWFUSE).status
    assert post(free, "/", FLOWFUSE).status in (404, 405)
    for to in (free, bound):
        seen = to.send("GET", "/", {"accept": "text/html"})
        assert (303, "/sign-in") == (seen.status, seen.headers["location"].partition("?")[0])


def test_a_bearer_token_is_a_key(sites: MakeSite) -> None:
    """What Sirveo sends as a bearer token opens its path at the host's root, unless an app is bound to it."""
    # 001-13
    to = sites()
    app, key = to.add_app()
    answers = [post(to, "/sirveo", SIRVEO, authorization=f"Bearer {each}").status for each in (key, "nobody")]
    assert ([200, 401], 1) == (answers, to.requests(app))
    bound = sites(sirveo_app="bound")
    bound.add_app("bound")
    assert 200 == post(bound, "/sirveo", SIRVEO, authorization="Bearer whatever").status


# PostHog.


def event(name: str = "heartbeat", **more: Any) -> dict[str, Any]:
    """Return an event of SlackONOS."""
    return {"event": name, "distinct_id": "a", "properties": {"instance_id": "a", "os_platform": "linux"}, **more}


def test_every_event_is_in_the_history(sites: MakeSite) -> None:
    """Heartbeats that are events are kept each time, with the time of receipt; others when something changed."""
    # 004-04 003-10
    to = sites()
    app, key = to.add_app("posthog")
    other, other_key = to.add_app("other")
    for _ in range(3):
        assert 200 == post(to, "/batch/", {"api_key": key, "batch": [event()]}).status
        assert 200 == post(to, f"/in/{other_key}/ping", FLOWFUSE).status
        to.clock.advance(seconds=60)
    began = to.clock.now() - 180_000
    assert [began + 120_000, began + 60_000, began] == [each.received for each in to.entries(app)]
    assert [began] == [each.received for each in to.entries(other)]
    assert (3, 3) == (to.requests(app), to.requests(other))


def test_an_event_sent_again(sites: MakeSite) -> None:
    """The same uuid is accepted once and then a duplicate: the store has one event."""
    to = sites()
    app, key = to.add_app()
    body = {"api_key": key, "batch": [event(uuid="u-1")]}
    assert [200, 200] == [post(to, path, body).status for path in ("/batch/", "/e/")]
    assert (1, 1, {"accepted": 1, "duplicate": 1}) == (to.requests(app), len(to.entries(app)), to.outcomes())


def test_what_no_answer_has(sites: MakeSite) -> None:
    """No answer to a sender sets a cookie, and pages of any origin may read it."""
    # 004-08
    to = sites()
    _app, key = to.add_app()
    answers = [
        post(to, "/batch/", {"api_key": key, "batch": [event()]}, cookie="session=1"),
        post(to, "/batch/", {"api_key": "nobody", "batch": [event()]}),
        post(to, "/i/v1/analytics/events", {"batch": [event()]}, authorization=f"Bearer {key}"),
        post(to, "/flags/?v=2", {"token": key}),
        to.send("OPTIONS", "/e/?compression=gzip-js", {"origin": "https://shop.example"}),
        to.send("GET", f"/array/{key}/config.js", {}),
        to.send("GET", f"/in/{key}/array/phc_own/config", {}),
    ]
    assert [200, 401, 200, 200, 204, 200, 200] == [each.status for each in answers]
    assert not any("set-cookie" in each.headers for each in answers)
    assert {"*"} == {each.headers["access-control-allow-origin"] for each in answers}


def test_preflight(sites: MakeSite) -> None:
    """A browser may ask before it sends, on every path of PostHog's; other dialects are no business of pages."""
    to = sites()
    _app, key = to.add_app()
    for path in ("/batch", "/e/", "/i/v1/analytics/events", f"/in/{key}/e/", "/flags/", "/decide", "/array/k/config"):
        told = to.send("OPTIONS", path, {"access-control-request-headers": "posthog-sdk-info, authorization"}).headers
        allowed = told["access-control-allow-headers"].lower().split(", ")
        assert {"authorization", "content-type", "content-encoding", "posthog-sdk-info"} <= set(allowed)
        assert "POST" in told["access-control-allow-methods"]
    assert 405 == to.send("OPTIONS", NATIVE, {}).status
    assert 405 == to.send("GET", "/batch/", {}).status


def test_questions_count_for_the_address(sites: MakeSite) -> None:
    """What is asked beside pings has the same rate limit, and is no ping."""
    to = sites(rate_address=1)
    assert [200] * 11 + [429] == [post(to, "/flags/?v=2", {}).status for _ in range(12)]
    assert {"rate_address": 1} == to.outcomes()


def test_no_address_is_kept(sites: MakeSite) -> None:
    """Neither the sender's own address nor one that it names is anywhere in the store."""
    # 004-07
    to = sites(trusted_proxies="192.0.2.0/24")
    app, key = to.add_app()
    body = {"api_key": key, "batch": [event(**{"$ip": "198.51.100.77"})]}
    assert 200 == post(to, "/batch/", body, x_forwarded_for="198.51.100.78").status
    assert 200 == post(to, f"/in/{key}/ping", FLOWFUSE, x_forwarded_for="198.51.100.78").status
    assert 2 == to.requests(app)
    held = [*(each.properties for each in to.entries(app)), to.sql("SELECT * FROM instance")]
    files = b"".join(file.read_bytes() for file in to.path.parent.glob(f"{to.path.name}*"))
    for address in ("198.51.100.77", "198.51.100.78", "192.0.2.1"):
        assert address not in str(held)
        assert address.encode() not in files


def test_a_retired_app_and_a_key_in_the_body(sites: MakeSite) -> None:
    """An app that is named in the body is held to the same rules: it may be retired, and has its rate."""
    to = sites(rate_app=1)
    app, key = to.add_app()
    body = {"api_key": key, "batch": [event()]}
    assert [200] * 11 + [429] == [post(to, "/batch/", body).status for _ in range(12)]
    to.clock.advance(seconds=60)
    to.retire(app)
    assert 410 == post(to, "/batch/", body).status


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


def test_a_body_that_is_given_up(sites: MakeSite) -> None:
    """A request whose body does not come to its end is told why; where it was refused before, it is told that."""
    to = sites()
    app, key = to.add_app()
    assert (408, "too_slow") == given_up(to, key)
    assert (401, "key_unknown") == given_up(to, "nobody")
    assert ({"too_slow": 1, "key_unknown": 1}, 0) == (to.outcomes(), to.requests(app))


def given_up(to: Site, key: str) -> tuple[int, str]:
    """Begin a request, and give it up in the middle of its body; return the status and the outcome."""
    scope = scope_of("POST", NATIVE, pings_headers(key))
    route = to.receiver.lane.find(NATIVE, "POST")
    assert route is not None

    async def run() -> Answer:
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        exchange = exchange_of(route, scope, told.set_result)
        to.receiver.lane.begin(exchange)
        exchange.feed(b"{")
        to.receiver.lane.give_up(exchange, "too_slow")
        return await told

    answer = to.run(run())
    return answer.status, json.loads(answer.body)["outcome"]


# Faults of ours.


class Broken(Dialect):
    """A dialect with a bug: it reads nothing, or answers nothing."""

    name = "broken"
    paths = ("/broken",)
    open_paths = ("/broken", "/mute")

    def key(self, headers: Headers, _query: str) -> str | None:
        """Return the bearer token."""
        return bearer(headers)

    def read(self, _request: Request) -> Reading:
        """Fail."""
        raise KeyError("a bug")

    def answer(self, _reading: Reading, _verdicts: Sequence[Verdict]) -> Answer:
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
        Routes([Broken()], {}),
        targets=to.receiver.directory,
        desk=to.receiver.desk,
        limits=limits,
        tally=to.receiver.metrics,
        hash_address=to.receiver.directory.hash_address,
        live=Live(),
        clock=to.clock,
    )
    reply = to.send("POST", "/broken", pings_headers(key), b"{}")
    assert (500, ["internal"]) == (reply.status, names(reply))
    assert OUTCOMES["internal"].sentence == reply.json["error"]
    assert 1 == to.outcomes()["internal"]
    assert [("internal", "broken")] == [(line["event"], line["dialect"]) for line in logged]
    assert b"homing_bugs_total 1.0" in to.send("GET", "/metrics", {}).body


OF_OTHERS = {"password_wrong", "locked_out", "instance_guessable", "instance_unknown"}
"""What no ping ends with, but signing in or asking to be erased."""

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
    golden = {name for dialect in ("native", "seqdesk", "webhook") for case in cases(dialect) for name in case.named}
    assert OUTCOMES.keys() == golden | SHOWN_HERE | OF_OTHERS


@pytest.mark.parametrize(("most", "expected"), [(None, ["small", "large", "large"]), (0, ["large", "large", "small"])])
def test_large_bodies_wait(
    sites: MakeSite, monkeypatch: pytest.MonkeyPatch, most: int | None, expected: list[str]
) -> None:
    """What is small goes before bodies that take long to read, of which no more wait than a bound."""
    if most is not None:
        monkeypatch.setattr("homing.server.ingest.lane.MOST_LARGE", most)
    here = sites()
    _app, key = here.add_app()

    def body(kind: str, size: int) -> bytes:
        return json.dumps({"instance_id": f"{kind}-{size}", "kind": kind, "properties": {"x": "x" * size}}).encode()

    def scope() -> dict[str, Any]:
        return scope_of("POST", NATIVE, {name.lower(): text for name, text in pings_headers(key).items()})

    async def run() -> list[Reply]:
        bodies = [body("large", 4000), body("large", 5000), body("small", 1)]
        return await asyncio.gather(*(here.exchange(scope(), each) for each in bodies))

    assert [200] * 3 == [reply.status for reply in here.run(run())]
    assert expected == [each.kind for each in here.store.accepted()]


def test_a_fault_in_an_answer_holds_up_no_other(sites: MakeSite) -> None:
    """Large bodies are read one after the other, whatever becomes of one of them."""
    here = sites()
    _app, key = here.add_app()

    def fail(_answer: Answer) -> None:
        raise ZeroDivisionError

    async def run() -> tuple[Answer, list[type]]:
        loop, faults = asyncio.get_running_loop(), list[Any]()
        loop.set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
        told: asyncio.Future[Answer] = loop.create_future()
        for send in (fail, told.set_result):
            headers = {name.lower(): text for name, text in pings_headers(key).items()}
            route = here.receiver.lane.find(NATIVE, "POST")
            assert route is not None
            exchange = exchange_of(route, scope_of("POST", NATIVE, headers), send)
            here.receiver.lane.begin(exchange)
            # Without pings it is answered right where it is read.
            exchange.feed(b"[%5000s]" % b"")
            here.receiver.lane.finish(exchange)
        return await told, [type(each) for each in faults]

    answer, faults = here.run(run())
    assert (200, [ZeroDivisionError]) == (answer.status, faults)
