"""The pages of instances at a real receiver: what is listed, found, shown and released, and for whom."""

import re
from html import unescape
from typing import Any, Final

import httpx
import pytest

from tests.functional.dashboard.conftest import OWN, PART, Place
from tests.functional.receiver import until
from tests.receiving import HEARTBEAT, TOKEN, TOKEN_HEADER, heartbeat

pytestmark = pytest.mark.slow

ODD: Final = (
    *("a/b", "trail/", ".", "..", "50%", "a%2Fb", "what?x=1#y", "a&b=c;d", "sp ace+plus"),
    *("ünïcode 机器", "back\\slash", "<script>alert(1)</script>", '"quote\'s"', "x" * 200),
)


def ping(instance: str, **dimensions: str) -> dict[str, Any]:
    """Return a ping of an instance."""
    return {"instance_id": instance, "kind": "startup", "dimensions": dimensions, "properties": {"n": 1}}


def listed(client: httpx.Client, address: str = "/instances", **asked: Any) -> list[str]:
    """Return the ids that a list shows, in its order."""
    answer = client.get(address, params=asked or None)
    assert 200 == answer.status_code, answer.text
    return [unescape(each) for each in re.findall(r'class="id" href="[^"]*"[^>]*>([^<]*)<', answer.text)]


def link(text: str, words: str) -> str:
    """Return where a link with these words leads."""
    found = re.search(rf'href="([^"]*)"[^>]*>{re.escape(words)}<', text)
    assert found is not None, text
    return unescape(found[1])


def seen(place: Place, app: str, count: int) -> None:
    """Wait until an app lists so many instances."""
    until(lambda: len(listed(place.mine.client, app=app)) == count, f"{count} instances")


def test_any_id_has_a_page(place: Place) -> None:
    """Whatever an instance calls itself, it is found by search, and its link leads to its own page."""
    place.mine.send("desk", *map(ping, ODD))
    client = place.mine.client
    for each in ODD:
        assert each in listed(client, app="desk", search=each)
    answer = client.get("/instances", params={"app": "desk", "sort": "instance_id"})
    rows = re.findall(r'class="id" href="([^"]*)"[^>]*>([^<]*)<', answer.text)
    assert sorted(ODD) == sorted(unescape(text) for _path, text in rows)
    for path, text in rows:
        shown = client.get(unescape(path))
        assert 200 == shown.status_code
        assert f'id="instance-id">{text}<' in shown.text


def test_searching_and_sorting(place: Place) -> None:
    """The list can be searched by a part of an id and sorted by its headings; what is not found is told."""
    for name in ("inst-b", "inst-a", "other"):
        place.mine.send("desk", ping(name, version="1.0"))
    client = place.mine.client
    seen(place, "desk", 3)
    assert ["inst-a", "inst-b", "other"] == listed(client, app="desk", sort="instance_id")
    assert ["other", "inst-a", "inst-b"] == listed(client, app="desk", sort="first_seen")
    assert ["inst-a", "inst-b"] == listed(client, app="desk", search="INST".lower(), sort="instance_id")
    text = client.get("/instances", params={"app": "desk", "search": "nothing<b>"}).text
    assert "contains “nothing&lt;b&gt;”." in text
    assert "/instances?app=desk" == link(text, "Clear the search")


def test_filters(place: Place) -> None:
    """A question of the overview chooses the instances it counts; its chips take filters off."""
    place.mine.send("desk", ping("a", version="1.0", edition="pro"), ping("b", version="2.0"), ping("c"))
    client = place.mine.client
    seen(place, "desk", 3)
    assert ["a"] == listed(client, app="desk", version="1.0")
    assert ["a", "b"] == sorted(listed(client, app="desk", version=["1.0", "2.0"], range="week"))
    assert ["c"] == listed(client, app="desk", version="(not reported)")
    assert ["a"] == listed(client, app="desk", filter="edition:pro")
    assert [] == listed(client, app="desk", version="9")
    text = client.get("/instances?app=desk&version=9").text
    assert "No instance of desk fits in" in text
    assert "/instances?app=desk" == link(text, "Show all instances")


def test_long_lists_go_on(place: Place) -> None:
    """A list longer than a page shows more, part by part, each instance once."""
    place.mine.send("desk", *(ping(f"i-{number:03}") for number in range(120)))
    client = place.mine.client
    seen(place, "desk", 50)
    found = listed(client, app="desk", sort="instance_id")
    address = link(client.get("/instances?app=desk&sort=instance_id").text, "Show more")
    for size in (50, 20):
        answer = client.get(address, headers=PART)
        assert "<html" not in answer.text
        assert "HX-Request" in answer.headers["vary"]
        more = re.findall(r'class="id" href="[^"]*"[^>]*>([^<]*)<', answer.text)
        assert size == len(more)
        found += more
        address = link(answer.text, "Show more") if "Show more" in answer.text else ""
    assert [f"i-{number:03}" for number in range(120)] == found
    assert "" == address
    whole = client.get(link(client.get("/instances?app=desk").text, "Show more")).text
    assert "This is not the beginning of the list." in whole


def test_one_instance(place: Place) -> None:
    """Its page shows what it said last, all of it, and its history, which goes on part by part."""
    for number in range(25):
        place.mine.send("desk", ping("a/b", version=f"1.{number}", edition="<b>pro</b>"))
    client = place.mine.client
    seen(place, "desk", 1)
    path = "/instances/desk/a%252Fb"
    text = client.get(path).text
    for part in ("<dt>Version</dt><dd>1.24</dd>", "<dd>&lt;b&gt;pro&lt;/b&gt;</dd>", "&#34;n&#34;: 1", "Not bound"):
        assert part in text
    assert [f"1.{number}" for number in range(24, 4, -1)] == versions(text)
    older = client.get(link(text, "Show older"), headers=PART).text
    assert [f"1.{number}" for number in range(4, -1, -1)] == versions(older)
    assert "Show older" not in older


def versions(text: str) -> list[str]:
    """Return the versions in a history."""
    return re.findall(r'<span class="muted">Version</span> ([\d.]+)', text)


def test_releasing_a_token(place: Place) -> None:
    """The page says that a token is bound; asked and confirmed, it is released, and another token is taken."""
    client, key = place.mine.client, place.mine.keys["desk"]
    place.mine.send("desk", ping("other"))
    body = heartbeat(instanceId="bound")

    def beat(token: str) -> int:
        return client.post(f"/in/{key}{HEARTBEAT}", json=body, headers={TOKEN_HEADER: token}).status_code

    assert [200, 403] == [beat(TOKEN), beat(TOKEN[::-1])]
    until(lambda: client.get("/instances/desk/bound").status_code == 200, "The instance")
    assert "/instances/desk/bound/release" == link(client.get("/instances/desk/bound").text, "Release the token…")
    asked = client.get("/instances/desk/bound/release")
    assert 'action="/instances/desk/bound/release"' in asked.text
    assert 403 == client.post("/instances/desk/bound/release").status_code
    assert 403 == beat(TOKEN[::-1])
    released = client.post("/instances/desk/bound/release", headers=OWN)
    assert (303, "/instances/desk/bound?released=1") == (released.status_code, released.headers["location"])
    shown = client.get(released.headers["location"]).text
    assert "The token was released." in shown
    assert "Not bound" in shown
    assert 200 == beat(TOKEN[::-1])
    for path in ("/instances/desk/other/release", "/instances/desk/a%252Fb/release"):
        again = client.post(path, headers=OWN)
        assert (303, path.removesuffix("/release")) == (again.status_code, again.headers["location"])
    assert 303 == client.get("/instances/desk/other/release").status_code


def test_other_owners_see_nothing(place: Place) -> None:
    """An app and its instances are there for their own owner only, under whatever address."""
    client, key = place.mine.client, place.mine.keys["lamp"]
    place.mine.send("lamp", ping("other"))
    answer = client.post(f"/in/{key}{HEARTBEAT}", json=heartbeat(instanceId="mine"), headers={TOKEN_HEADER: TOKEN})
    assert 200 == answer.status_code
    seen(place, "lamp", 2)
    stranger = place.theirs.client
    assert [] == listed(stranger, app="lamp")
    for method, path in (("GET", ""), ("GET", "/release"), ("GET", "?after=1.1")):
        assert 404 == stranger.request(method, f"/instances/lamp/mine{path}").status_code
    assert 303 == stranger.post("/instances/lamp/mine/release", headers=OWN).status_code
    assert "Release the token" in client.get("/instances/lamp/mine").text
    for address in ("/instances?app=first-app", "/instances/first-app/mine", "/instances/first-app/x/release"):
        assert 404 == stranger.get(address).status_code
    assert 404 == stranger.post("/instances/first-app/x/release", headers=OWN).status_code


def test_without_a_session(place: Place) -> None:
    """Nobody sees an instance, or releases one, without signing in."""
    with httpx.Client(base_url=place.mine.client.base_url) as client:
        for path in ("/instances?app=desk", "/instances/desk/a%252Fb", "/instances/desk/x/release"):
            assert 303 == client.get(path).status_code
        answer = client.get("/instances/desk/a%252Fb?after=1.1")
        assert "/sign-in?next=/instances/desk/a%25252Fb%3Fafter%3D1.1" == answer.headers["location"]
        assert "/sign-in" == client.post("/instances/desk/x/release", headers=OWN).headers["location"]


def test_empty_states(place: Place) -> None:
    """An app without an instance says so, and several apps can be chosen from."""
    client = place.mine.client
    until(lambda: "lamp" in client.get("/instances").text, "The apps")
    text = client.get("/instances").text
    assert "desk has not heard from any instance." in text
    assert "/instances?app=lamp" == link(text, "lamp")


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("/instances?sort=version", 400, "sort is one of last_seen, first_seen, instance_id."),
        ("/instances?colour=red", 400, "There is no parameter &#39;colour&#39;."),
        ("/instances?from=yesterday", 400, "from must be a date of the form 2026-11-22."),
        ("/instances?app=nothing", 404, "You have no app &#39;nothing&#39;."),
        ("/instances?after=nonsense", 400, "There is no such place in the list."),
        ("/instances?after=1:x&sort=first_seen", 400, "There is no such place in the list."),
        ("/instances/desk/nothing", 404, "desk has never heard from an instance &#39;nothing&#39;"),
        ("/instances/desk/a/b", 404, "The address may be mistyped"),
        ("/instances/desk/a%00b", 404, ""),
        ("/instances/desk/%ff", 404, ""),
    ],
)
def test_addresses_that_will_not_do(place: Place, address: str, status: int, sentence: str) -> None:
    """What cannot be understood or is not there is answered with a page that says so."""
    until(lambda: "desk" in place.mine.client.get("/instances").text, "The apps")
    answer = place.mine.client.get(address, headers={"Accept": "text/html"})
    assert (status, True) == (answer.status_code, answer.headers["content-type"].startswith("text/html"))
    assert sentence in answer.text
