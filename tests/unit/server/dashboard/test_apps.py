"""The pages of apps as a browser without scripts uses them: what is asked, what changes, and for whom."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from homing.server.accounts.keys import key_digest
from homing.server.stores.base import App, AppKey
from tests.receiving import NATIVE, Site, pings_headers, site
from tests.unit.server.dashboard.test_signing import Visitor, leads, problem, set_password


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """An owner with one app, signed in; another owner has an app too."""
    with site(tmp_path) as made:
        set_password(made)
        made.add_app("desk")
        other = made.control.add_owner("other", "hash", now=0, must_change=False)
        made.control.add_app(other.id, "theirs", now=0, dimensions=())
        made.receiver.directory.refresh()
        signed_in = Visitor(made)
        signed_in.sign_in()
        yield signed_in


def app(at: Site, name: str = "desk") -> App:
    """Return an app as it is stored now."""
    return next(each for each in at.control.apps() if each.name == name)


def keys(at: Site) -> list[AppKey]:
    """Return the keys of the app as they are stored now."""
    return at.control.app_keys(app(at).id)


def text(visitor: Visitor, path: str) -> str:
    """Return the text of a page that must be there."""
    reply = visitor.get(path)
    assert 200 == reply.status
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.body.decode())).split())


def sends(at: Site, key: str) -> int:
    """Send a ping with a key, and return the status."""
    return at.send("POST", NATIVE, pings_headers(key), b'{"instance_id": "x"}').status


def test_making_an_app(visitor: Visitor) -> None:
    """A new app has its dimensions and a key that works at once, and its page comes next."""
    made = visitor.post("/apps", name=" My App (beta)+1 ", dimensions="edition, plan edition")
    assert (303, "/apps/My%20App%20%28beta%29%2B1") == leads(made)
    at = visitor.site
    found = app(at, "My App (beta)+1")
    [key] = at.control.app_keys(found.id)
    assert (("edition", "plan"), 200) == (found.dimensions, sends(at, key.plain or ""))
    assert "My App (beta)+1 active 1 never edition, plan" in text(visitor, "/apps")


@pytest.mark.parametrize(
    ("name", "dimensions", "sentence"),
    [
        ("", "", "An app's name begins with a letter or digit"),
        ("<b>", "", "An app's name begins with a letter or digit"),
        ("desk", "", "There is an app 'desk' already."),
        ("new", "Edition", "A dimension's name is like database_provider"),
    ],
)
def test_an_app_that_cannot_be(visitor: Visitor, name: str, dimensions: str, sentence: str) -> None:
    """The form comes back with what was typed and one sentence, and nothing was made."""
    before = visitor.site.control.apps()
    reply = visitor.post("/apps", name=name, dimensions=dimensions)
    assert (400, True) == (reply.status, problem(reply).startswith(sentence))
    for typed in (name, dimensions):
        assert f'value="{typed}"'.replace("<b>", "&lt;b&gt;") in reply.body.decode()
    assert before == visitor.site.control.apps()


def test_adding_keys(visitor: Visitor) -> None:
    """A send key stands on the page; the others are shown once, and stored as hashes."""
    assert (303, "/apps/desk/settings?added=1") == leads(visitor.post("/apps/desk/keys", scope="send"))
    [old, new] = keys(visitor.site)
    page = text(visitor, "/apps/desk/settings?added=1")
    assert (old.plain or "") in page
    assert (new.plain or "") in page
    assert "The key was made." in page
    for scope in ("bearer", "read"):
        shown = visitor.post("/apps/desk/keys", scope=scope)
        found = re.search(rf"hm_{scope}_[\w-]+", shown.body.decode())
        assert found is not None
        assert (200, "no-store") == (shown.status, shown.headers["cache-control"])
        assert (None, key_digest(found[0])) == (keys(visitor.site)[-1].plain, keys(visitor.site)[-1].digest)
        assert found[0] not in text(visitor, "/apps/desk/settings")
    assert 400 == visitor.post("/apps/desk/keys", scope="write").status
    assert 4 == len(keys(visitor.site))


def test_rotating_with_an_overlap(visitor: Visitor) -> None:
    """The old key goes on for the days that were chosen, and its end can be taken back until then."""
    at = visitor.site
    [old] = keys(at)
    assert "When the old key ends Now In 1 day In 7 days In 30 days" in text(
        visitor, f"/apps/desk/keys/{old.id}/rotate"
    )
    assert 303 == visitor.post(f"/apps/desk/keys/{old.id}/rotate", ends="7d").status
    [old, new] = keys(at)
    assert (7, None) == (((old.ends or 0) - at.clock.now()) // 86_400_000, new.ends)
    assert [200, 200] == [sends(at, key.plain or "") for key in (old, new)]
    assert "ends in 7 days" in text(visitor, "/apps/desk/settings")
    assert 404 == visitor.post(f"/apps/desk/keys/{old.id}/rotate", ends="7d").status
    assert [old, new] == keys(at)
    assert (303, "/apps/desk/settings?kept=1") == leads(visitor.post(f"/apps/desk/keys/{old.id}/keep"))
    assert [None, None] == [key.ends for key in keys(at)]
    visitor.post(f"/apps/desk/keys/{old.id}/rotate", ends="1d")
    at.clock.advance(days=1)
    at.receiver.directory.refresh()
    assert [401, 200] == [sends(at, key.plain or "") for key in (old, new)]
    assert "1 key that ended" in text(visitor, "/apps/desk/settings")
    assert [404, 404] == [
        visitor.post(f"/apps/desk/keys/{old.id}/{what}", ends="now").status for what in ("keep", "rotate")
    ]


def test_revoking(visitor: Visitor) -> None:
    """A key that is revoked now opens nothing at the next request; without a choice nothing happens."""
    at = visitor.site
    [key] = keys(at)
    assert [400, 400] == [
        visitor.send(f"/apps/desk/keys/{key.id}/revoke", given).status for given in ({}, {"ends": "x"})
    ]
    assert 200 == sends(at, key.plain or "")
    assert (303, "/apps/desk/settings?ended=1") == leads(visitor.post(f"/apps/desk/keys/{key.id}/revoke", ends="now"))
    assert 401 == sends(at, key.plain or "")
    assert "No key opens anything" in text(visitor, "/apps/desk/settings")


def test_demanding_a_bearer_token(visitor: Visitor) -> None:
    """It cannot be demanded where there is none; then it is, and the app can be open again."""
    at = visitor.site
    [key] = keys(at)
    refused = visitor.post("/apps/desk/bearer", demanded="on")
    assert (400, True) == (refused.status, problem(refused).startswith("Make a bearer key first"))
    visitor.post("/apps/desk/keys", scope="bearer")
    assert (303, "/apps/desk/settings?bearer=1") == leads(visitor.post("/apps/desk/bearer", demanded="on"))
    assert (True, 401) == (app(at).demands_bearer, sends(at, key.plain or ""))
    visitor.post("/apps/desk/bearer", demanded="off")
    assert (False, 200) == (app(at).demands_bearer, sends(at, key.plain or ""))


def test_retiring_by_name(visitor: Visitor) -> None:
    """Only the very name retires an app; its addresses answer 410 until it is brought back."""
    at = visitor.site
    [key] = keys(at)
    wrong = visitor.post("/apps/desk/retire", name="Desk")
    assert (400, "That is not the name of this app: nothing was changed.") == (wrong.status, problem(wrong))
    assert 200 == sends(at, key.plain or "")
    assert (303, "/apps/desk/settings?retired=1") == leads(visitor.post("/apps/desk/retire", name="desk"))
    assert 410 == sends(at, key.plain or "")
    assert "desk retired" in text(visitor, "/apps")
    assert (303, "/apps/desk/settings?restored=1") == leads(visitor.post("/apps/desk/restore"))
    assert 200 == sends(at, key.plain or "")


def test_apps_and_keys_of_others(visitor: Visitor) -> None:
    """Another owner's app is as one that does not exist, and another app's key too; nothing of them changes."""
    at = visitor.site
    theirs, [mine] = app(at, "theirs"), keys(at)
    _other, _key = at.add_app("lamp")
    before = (at.control.apps(), at.control.app_keys())
    foreign = at.control.app_keys(_other.id)[0].id
    for path in ("", "/arrival", "/settings", "/retire", f"/keys/{mine.id}/rotate", f"/keys/{mine.id}/revoke"):
        assert 404 == visitor.get(f"/apps/{theirs.name}{path}").status
    for path in ("keys", "bearer", "retire", "restore", f"keys/{mine.id}/rotate", f"keys/{mine.id}/keep"):
        given = {"scope": "send", "demanded": "on", "name": "theirs", "ends": "now"}
        assert 404 == visitor.send(f"/apps/{theirs.name}/{path}", given).status, path
    for what in ("rotate", "revoke", "keep"):
        assert 404 == visitor.post(f"/apps/desk/keys/{foreign}/{what}", ends="now").status
    assert before == (at.control.apps(), at.control.app_keys())


def test_forged_forms(visitor: Visitor) -> None:
    """A form of another site changes nothing, and whoever is not signed in is led to the form."""
    before = (visitor.site.control.apps(), visitor.site.control.app_keys())
    forms = {
        "/apps": {"name": "new"},
        "/apps/desk/keys": {"scope": "send"},
        "/apps/desk/keys/1/revoke": {"ends": "now"},
        "/apps/desk/retire": {"name": "desk"},
    }
    for path, fields in forms.items():
        assert 403 == visitor.send(path, fields, {"sec-fetch-site": "cross-site"}).status
        assert (303, "/sign-in") == leads(Visitor(visitor.site).send(path, fields))
    assert before == (visitor.site.control.apps(), visitor.site.control.app_keys())
