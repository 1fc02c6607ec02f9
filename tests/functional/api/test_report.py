"""The report over HTTP: who may ask what, in which form, and how mistakes are answered."""

import csv
import io
from typing import Any

import httpx
import pytest
from litestar.datastructures import MultiDict

from homing.server.api.callers import AnyRequest, parameters
from tests.functional.api.conftest import World
from tests.functional.receiver import until

REPORT = "/api/v1/report"
WEEK = {"range": "week"}


def read_key(world: World, app: str = "desk") -> str:
    """Return the key that opens an app's reports."""
    return world.mine.keys[app]["read"]


def values(made: dict[str, Any], dimension: str) -> dict[str, int]:
    """Return a split as a mapping."""
    return {row["value"]: row["clients"] for row in made["splits"][dimension]}


def test_a_read_key_opens_its_app(world: World) -> None:
    """A read key opens the reports of its own app alone."""
    desk = world.numbers(read_key(world), **WEEK)
    assert (3, 3, 1) == tuple(desk["summary"][name] for name in ("requests", "clients", "active_apps"))
    assert {"1.0": 3} == values(desk, "version")
    assert 2 == world.numbers(read_key(world, "lamp"), **WEEK)["summary"]["clients"]
    refused = world.report(read_key(world), app="lamp")
    assert (400, {"error": "There is no app 'lamp'."}) == (refused.status_code, refused.json())


def test_a_session_opens_all_apps(world: World) -> None:
    """An owner who is signed in sees all own apps; who is in two of them is one client."""
    with world.signed_in(world.mine) as client:
        both = client.get(REPORT, params=WEEK).json()
        one = client.get(REPORT, params={**WEEK, "app": "lamp"}).json()
    assert (5, 4, 2) == tuple(both["summary"][name] for name in ("requests", "clients", "active_apps"))
    assert (2, 1) == (one["summary"]["clients"], one["summary"]["active_apps"])


def test_owners_never_see_each_other(world: World) -> None:
    """Two owners with apps of the same name and the same instances see their own numbers, values and names alone."""
    with world.signed_in(world.theirs) as client:
        theirs = client.get(REPORT, params={**WEEK, "app": "desk"}).json()
        filtered = client.get(REPORT, params={**WEEK, "version": "1.0"}).json()
    assert (2, {"=cmd()": 2}) == (theirs["summary"]["clients"], values(theirs, "version"))
    assert (0, 0) == (filtered["summary"]["clients"], filtered["summary"]["requests"])
    with world.signed_in(world.mine) as client:
        mine = client.get(REPORT, params={**WEEK, "app": "desk"}).json()
    assert {"1.0": 3} == values(mine, "version")


def test_a_key_decides_before_a_session(world: World) -> None:
    """Whoever sends a key asks as its holder, signed in as somebody else or not."""
    with world.signed_in(world.mine) as client:
        headers = {"Authorization": f"Bearer {world.theirs.keys['desk']['read']}"}
        assert {"=cmd()": 2} == values(client.get(REPORT, params=WEEK, headers=headers).json(), "version")


def test_keys_that_open_nothing(world: World) -> None:
    """A send key may not read, an unknown key may nothing, and nobody may without either."""
    sends = world.report(world.mine.keys["desk"]["send"])
    unknown = world.report("hm_read_nobody")
    nobody = httpx.get(world.address + REPORT)
    assert [403, 401, 401] == [each.status_code for each in (sends, unknown, nobody)]
    assert "may only send" in sends.json()["error"]
    assert {"Bearer"} == {each.headers["www-authenticate"] for each in (unknown, nobody)}


def test_read_keys_do_not_send(world: World) -> None:
    """A key that opens reports lets no pings in."""
    headers = {"Authorization": f"Bearer {read_key(world)}"}
    answer = httpx.post(f"{world.address}/v1/pings", json={}, headers=headers)
    assert (403, "key_scope") == (answer.status_code, answer.json()["outcome"])


def test_a_revoked_key(world: World) -> None:
    """A key that was revoked while the receiver runs opens nothing soon after."""
    made = world.receiver.json("app", "key", "lamp", "--owner", "mine", "--add", "read")
    until(lambda: world.report(made["key"]).status_code == 200, "The new key")
    world.receiver.json("app", "key", "lamp", "--owner", "mine", "--revoke", str(made["number"]))
    until(lambda: world.report(made["key"]).status_code == 401, "The end of the key")


def test_filters(world: World) -> None:
    """Filters and splits reach the numbers; declared dimensions are filtered by name and value."""
    key = read_key(world)
    assert 3 == world.numbers(key, **WEEK, version="1.0")["summary"]["requests"]
    assert 0 == world.numbers(key, **WEEK, version="2.0")["summary"]["clients"]
    assert 3 == world.numbers(key, **WEEK, version=["1.0", "2.0"])["summary"]["clients"]
    edition = world.numbers(key, **WEEK, filter="edition:pro", split=["edition", "arch"])
    assert (3, None) == (edition["summary"]["clients"], edition["summary"]["requests"])
    assert ({"pro": 3}, {"(not reported)": 3}) == (values(edition, "edition"), values(edition, "arch"))
    assert 0 == world.numbers(key, **WEEK, filter="edition:(not reported)")["summary"]["clients"]


def test_ranges(world: World) -> None:
    """A range or two dates choose the days, each listed once and in order."""
    key = read_key(world)
    week = [day["day"] for day in world.numbers(key, **WEEK)["daily"]]
    assert (8, week) == (len(week), sorted(set(week)))
    assert [1, 31] == [len(world.numbers(key, range=name)["daily"]) for name in ("today", "month")]
    some = world.numbers(key, **{"from": "2026-01-01", "to": "2026-01-03"})
    assert ["2026-01-01", "2026-01-02", "2026-01-03"] == [day["day"] for day in some["daily"]]
    assert ("2026-01-01", "2026-01-03", 0) == (some["from"], some["to"], some["summary"]["clients"])


def test_csv(world: World) -> None:
    """The same numbers come as CSV by `format=csv` or by Accept; `format` comes first."""
    key = read_key(world)
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/csv"}
    asked = world.report(key, **WEEK, format="csv")
    accepted = httpx.get(world.address + REPORT, params=WEEK, headers=headers)
    assert asked.text == accepted.text
    assert asked.headers["content-type"].startswith("text/csv")
    assert "Accept" == asked.headers["vary"]
    summary = next(csv.DictReader(io.StringIO(asked.text)))
    assert ("summary", "3", "3") == (summary["section"], summary["requests"], summary["clients"])
    as_json = httpx.get(world.address + REPORT, params={**WEEK, "format": "json"}, headers=headers)
    assert "application/json" == as_json.headers["content-type"]


def test_csv_starts_no_formulas(world: World) -> None:
    """A value that a spreadsheet would run is text in the table."""
    text = world.report(world.theirs.keys["desk"]["read"], **WEEK, format="csv").text
    assert "'=cmd()" in text
    assert ",=cmd()" not in text


@pytest.mark.parametrize(
    "query",
    [
        "range=year",
        "range=week&range=week",
        "range=week&to=2026-01-01",
        "from=yesterday",
        "from=2026-02-30",
        "to=",
        "from=2026-01-02&to=2026-01-01",
        "from=0001-01-01&to=9999-12-31",
        "app=",
        "app=%00",
        "split=",
        "split=%0A",
        "filter=x",
        "format=xml",
        "format=csv&format=json",
        "versoin=1",
        "%ff=1",
        "&".join(f"version={number}" for number in range(101)),
        "&".join(f"split=d{number}" for number in range(21)),
    ],
)
def test_mistakes(world: World, query: str) -> None:
    """Whatever cannot be understood is a 400 with a sentence."""
    headers = {"Authorization": f"Bearer {read_key(world)}"}
    answer = httpx.get(f"{world.address}{REPORT}?{query}", headers=headers)
    assert 400 == answer.status_code
    assert ["error"] == list(answer.json())
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize(
    "query", ["version=%ff", "version=%00", "version=", "filter=a:%F0%9F%98%80", "=1", "version=" + "x" * 4000]
)
def test_strange_values_count_nobody(world: World, query: str) -> None:
    """A value that nobody can have sent is no mistake: it counts nobody."""
    headers = {"Authorization": f"Bearer {read_key(world)}"}
    answer = httpx.get(f"{world.address}{REPORT}?{query}", headers=headers)
    assert answer.status_code in {200, 400}
    assert answer.status_code == 400 or 0 == answer.json()["summary"]["clients"]


def test_methods_and_paths(world: World) -> None:
    """A wrong method is told what is allowed, a wrong path that nothing is there."""
    method = httpx.post(world.address + REPORT)
    path = httpx.get(f"{world.address}/api/v1/reports")
    assert (405, 404) == (method.status_code, path.status_code)
    assert "GET" in method.headers["allow"]
    assert [["error"], ["error"]] == [list(each.json()) for each in (method, path)]


def test_parameters_are_read_once() -> None:
    """Reading them costs the framework as much as there are, so it is asked once, however many there are."""

    class Counted(AnyRequest):
        times = 0

        @property
        def query_params(self) -> MultiDict[Any]:
            Counted.times += 1
            return super().query_params

    scope: Any = {"type": "http", "query_string": b"a=1&b=2&a=3", "state": {}, "headers": []}
    request: AnyRequest = Counted(scope)
    assert ({"a": ["1", "3"], "b": ["2"]}, 1) == (parameters(request), Counted.times)
