"""Live pings, events and webhooks at a real receiver are there for their own owner only."""

from typing import Final

import httpx
import pytest

from tests.functional.dashboard.conftest import OWN, PART, Place
from tests.functional.receiver import until

pytestmark = pytest.mark.slow

HOOK: Final = {"app": "lamp", "key": "my-key", "event": "my-hook", "active": "on"}


def page(client: httpx.Client, path: str) -> str:
    """Return a page that must be there."""
    answer = client.get(path)
    assert 200 == answer.status_code, answer.text
    return answer.text


@pytest.mark.parametrize("headers", [{}, PART])
def test_live_and_events(place: Place, headers: dict[str, str]) -> None:
    """Neither shows what an app of the same name at another owner heard, and no other app can be named."""
    mine, theirs = place.mine, place.theirs
    for client in (mine.client, theirs.client):
        client.headers.update(headers)
    mine.send("lamp", {"instance_id": "my-machine", "kind": "my-event", "properties": {"note": "my-note"}})
    theirs.send("lamp", {"instance_id": "their-machine", "kind": "their-event"})
    for client, own, other in ((mine.client, "my", "their"), (theirs.client, "their", "my")):
        for path in ("/live", "/live?app=lamp", "/live?outcome=accepted"):
            found = page(client, path)
            assert (True, False) == (f"{own}-machine" in found, f"{other}-machine" in found), path
        until(lambda: f"{own}-event" in page(client, "/events?app=lamp"), "The event")  # noqa: B023 - asked at once
        assert f"{other}-event" not in page(client, "/events?app=lamp")
        assert f"{own}-machine" in page(client, f"/events?app=lamp&kind={own}-event")
        found = page(client, f"/events?app=lamp&kind={other}-event")
        assert [False, False] == [each in found for each in (f"{other}-machine", f"{other}-note")]
        for path in ("/live?app=first-app", "/events?app=first-app", "/events?app=first-app&kind=startup"):
            assert 404 == client.get(path).status_code, path


def test_webhooks(place: Place) -> None:
    """A webhook of another owner is not listed, shown, changed or deleted, and none is made for another one's app."""
    mine, theirs = place.mine.client, place.theirs.client
    for client in (mine, theirs):
        until(lambda: "lamp" in page(client, "/webhooks"), "The app")  # noqa: B023 - asked at once
    made = mine.post("/webhooks", data=HOOK, headers=OWN)
    assert 303 == made.status_code, made.text
    path = made.headers["location"].partition("?")[0]
    before = page(mine, path)
    assert "my-key" in page(mine, "/webhooks")
    assert "my-key" not in page(theirs, "/webhooks")
    for address in (path, f"{path}/delete"):
        assert 404 == theirs.get(address).status_code
        assert 404 == theirs.post(address, data={**HOOK, "key": "stolen"}, headers=OWN).status_code
    assert 404 == theirs.post("/webhooks", data={**HOOK, "app": "first-app"}, headers=OWN).status_code
    assert before == page(mine, path)
    assert 303 == mine.post(f"{path}/delete", headers=OWN).status_code
    assert 404 == mine.get(path).status_code
