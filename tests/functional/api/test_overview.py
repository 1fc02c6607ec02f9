"""The overview over HTTP: one address is a page, the part of it that changes, and nobody else's numbers."""

import re
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from tests.functional.api.conftest import PASSWORD, World, one_time_password
from tests.functional.conftest import MakeReceiver
from tests.functional.receiver import Receiver

pytestmark = pytest.mark.slow

PART: Final = {"HX-Request": "true"}


@pytest.fixture
def mine(world: World) -> Iterator[httpx.Client]:
    """A client that is signed in as the first owner."""
    with world.signed_in(world.mine) as client:
        yield client


def numbers(answer: httpx.Response) -> list[int]:
    """Return the numbers of the summary."""
    return [int(number) for number in re.findall(r'data-number="(\d+)"', answer.text)]


def choices(answer: httpx.Response) -> list[str]:
    """Return the values in a menu of filters."""
    return re.findall(r'<a class="menu-item"[^>]*>([^<]*)</a>', answer.text)


def test_page_and_part(mine: httpx.Client) -> None:
    """The page holds the very part that is answered to a script, and caches keep the two apart."""
    page, part = mine.get("/?range=week"), mine.get("/?range=week", headers=PART)
    assert ["HX-Request"] * 2 == [re.sub(r",? ?Accept-Encoding", "", each.headers["Vary"]) for each in (page, part)]
    assert ("<!doctype html>", '<div id="overview"') == (page.text[:15], part.text.strip()[:18])
    assert [5, 4, 0, 0, 2] == numbers(page) == numbers(part)


def test_other_owners(world: World, mine: httpx.Client) -> None:
    """Apps of the same name are told apart; an app of another owner is as one that does not exist."""
    assert [3, 3, 0, 0, 1] == numbers(mine.get("/?app=desk"))
    with world.signed_in(world.theirs) as theirs:
        page = theirs.get("/?app=desk")
        assert [2, 2, 0, 0, 1] == numbers(page)
        # What strangers sent is text, whatever it looks like.
        assert "=cmd()" in page.text
    assert [400, 400] == [mine.get("/", params={"app": name}).status_code for name in ("nothing", "Desk")]


def test_what_cannot_be_understood(mine: httpx.Client) -> None:
    """A question that makes no sense is answered 400 with the sentence of the API, and keeps the dates given."""
    address = "/?from=2026-11-09&to=never&version=1.0"
    page = mine.get(address)
    assert 400 == page.status_code
    assert mine.get("/api/v1/report" + address[1:]).json()["error"] in page.text
    assert 'value="2026-11-09"' in page.text
    assert "Remove filter: Version 1.0" in page.text


def test_choices(mine: httpx.Client) -> None:
    """The menu of filters finds values of own dimensions too, by a part of them or of the dimension's name."""
    assert ["1.0", "(not reported)", "heartbeat", "pro", "(not reported)"] == choices(mine.get("/filters?app=desk"))
    assert ["pro"] == choices(mine.get("/filters?search=PR"))
    assert ["2.0", "1.0", "(not reported)"] == sorted(choices(mine.get("/filters?search=version")), reverse=True)
    nothing = mine.get("/filters", params={"search": "<b>"})
    assert "“&lt;b&gt;”" in nothing.text
    assert "There is no app" in mine.get("/filters?app=nothing").text


def signed_in_first(receiver: Receiver, client: httpx.Client) -> None:
    """Sign the first owner in, with a password of their own."""
    once = one_time_password(receiver)
    assert client.post("/api/v1/sign-in", json={"name": "admin", "password": once}).is_success
    assert client.post("/api/v1/password", json={"old": once, "new": PASSWORD}).is_success
    assert client.post("/api/v1/sign-in", json={"name": "admin", "password": PASSWORD}).is_success


def test_values_are_text(fresh: tuple[Receiver, httpx.Client]) -> None:
    """A value that looks like HTML or the end of a script stays text everywhere on the page."""
    receiver, client = fresh
    signed_in_first(receiver, client)
    value = "</script><img src=x onerror=alert(1)>"
    with receiver.client() as sender:
        assert 200 == sender.send({"instance_id": "evil", "dimensions": {"version": value}}).status
    for address in ("/", f"/?{httpx.QueryParams(version=value)}", "/filters"):
        text = client.get(address).text
        assert "&lt;/script&gt;&lt;img" in text
        assert "<img" not in text


@pytest.mark.parametrize("public", ["", "https://telemetry.example.com/"])
def test_how_to_connect(receivers: MakeReceiver, public: str) -> None:
    """Before the first ping the page names the public address, or else the one that the browser reached it at."""
    receiver = receivers(public_url=public).start()
    address = f"http://127.0.0.1:{receiver.port}"
    with httpx.Client(base_url=address) as client:
        signed_in_first(receiver, client)
        text = client.get("/").text
    assert f"curl {public.rstrip('/') or address}/v1/pings" in text
    assert receiver.key in text
    assert not numbers(httpx.Response(200, text=text))


def test_strangers(world: World) -> None:
    """Without a session a page leads to the sign-in and back; a script is told to go there as a whole."""
    page = httpx.get(f"{world.address}/?version=1")
    assert (303, "/sign-in?next=/%3Fversion%3D1") == (page.status_code, page.headers["Location"])
    part = httpx.get(f"{world.address}/?version=1", headers=PART)
    assert (401, "/sign-in?next=/%3Fversion%3D1") == (part.status_code, part.headers["HX-Redirect"])
