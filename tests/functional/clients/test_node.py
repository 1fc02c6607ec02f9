"""What programs for Node send with `fetch` and with axios, to a running receiver."""

import json
from typing import Any, Final, NamedTuple

import pytest

from homing.server.ingest.steps import ADDRESS as ADDRESS_HASH
from tests.functional.clients.conftest import Place
from tests.functional.clients.node import run
from tests.golden.cases import Case, body_of, cases

ADDRESS: Final = "/in/{key}"
AGENT: Final = "$user_agent"
OWN: Final = frozenset({"accept", "content-type", "user-agent"})
"""The headers that axios sets by itself."""

CASES: Final = [
    ("seqdesk", "good"),
    ("sirveo", "good"),
    ("flowfuse", "good"),
    ("flowfuse", "document"),
    ("posthog", "good"),
]

FETCH: Final = """
const [url, headers, body] = JSON.parse(process.argv[1])
const answer = await fetch(url, {method: "POST", headers, body, signal: AbortSignal.timeout(5000)})
console.log(JSON.stringify([answer.status, Object.fromEntries(answer.headers), await answer.json()]))
"""

AXIOS: Final = """
import axios from "axios"
const [url, headers, body] = JSON.parse(process.argv[1])
const answer = await axios.post(url, JSON.parse(body), {headers, timeout: 5000, validateStatus: null})
console.log(JSON.stringify([answer.status, answer.headers, answer.data]))
"""


class Told(NamedTuple):
    """An answer as a program saw it."""

    status: int
    headers: dict[str, str]
    value: Any


def case_of(dialect: str, name: str) -> Case:
    """Return one golden case."""
    return next(case for case in cases(dialect) if case.name == name)


def fetch(place: Place, path: str, headers: dict[str, str], body: str) -> Told:
    """Send one request with Node's own `fetch`."""
    return Told(*run(FETCH, place.url + path, headers, body))


def axios(place: Place, path: str, headers: dict[str, str], body: str) -> Told:
    """Send one request with axios, which makes the body and most headers by itself."""
    left = {name: value for name, value in headers.items() if name.lower() not in OWN}
    return Told(*run(AXIOS, place.url + path, left, body))


SENDERS: Final = {"fetch": fetch, "axios": axios}


def send(place: Place, sender: str, case: Case, *, path: str) -> None:
    """Send a case's request, and look at the answer and at what is stored."""
    body = body_of(case.request).decode().replace("{key}", place.key)
    told = SENDERS[sender](place, path.replace("{key}", place.key), case.request.get("headers", {}), body)
    assert (case.answer["status"], case.answer["json"]) == (told.status, told.value)
    assert "set-cookie" not in told.headers
    assert not isinstance(case.pings, int)
    [expected] = case.pings
    [entry] = [each for each in place.entries() if each.instance_id == expected["instance"]]
    assert (expected["kind"], expected["dimensions"]) == (entry.kind, entry.dimensions)
    kept = {name: value for name, value in entry.properties.items() if name != ADDRESS_HASH}
    assert expected["properties"] == {**kept, **agent(expected["properties"])}


def agent(properties: dict[str, Any]) -> dict[str, Any]:
    """Return what a case says of the User-Agent, which each sender has its own of."""
    return {name: value for name, value in properties.items() if name == AGENT}


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_with_a_key(place: Place, sender: str, dialect: str, name: str) -> None:
    """A request of each product arrives, is answered as the product expects, and is stored."""
    # 000-03 000-04 000-05 000-10 001-13 003-06 003-13 004-02 004-08
    case = case_of(dialect, name)
    send(place, sender, case, path=case.request["path"])


@pytest.mark.parametrize(
    ("sender", "dialect", "name"),
    [("fetch", *CASES[0]), ("fetch", *CASES[1]), ("axios", *CASES[2]), ("axios", *CASES[3])],
)
def test_at_the_root(bound: Place, sender: str, dialect: str, name: str) -> None:
    """So it does at the path that the product has of its own, where it belongs to one app."""
    # 000-23 001-13 003-13
    case = case_of(dialect, name)
    path = case.request["path"].removeprefix(ADDRESS)
    assert path.startswith("/")
    send(bound, sender, case, path=path)


def test_a_token_is_missing(place: Place) -> None:
    """SeqDesk's heartbeat without a token is refused, and nothing of it is stored."""  # 000-10
    case = case_of("seqdesk", "good")
    headers = {name: value for name, value in case.request["headers"].items() if "Token" not in name}
    path = case.request["path"].replace("{key}", place.key)
    told = fetch(place, path, headers, body_of(case.request).decode())
    assert (401, "token_missing", []) == (told.status, told.value["outcome"], place.entries())


def test_an_instance_is_missing(place: Place) -> None:
    """FlowFuse's ping without an instance is refused in the words of its own collector."""  # 003-13
    told = axios(place, f"/in/{place.key}/ping", {}, json.dumps({"env": {"flowforge": "2.33.2"}}))
    expected = {"status": "error", "error": "instanceId is text, and required."}
    assert (400, expected, []) == (told.status, told.value, place.entries())
