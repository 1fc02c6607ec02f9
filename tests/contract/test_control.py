"""Owners, sessions, apps and keys."""

import pytest

from homing.errors import NameTaken
from homing.server.stores.base import App, NewKey, Secret
from tests.contract.site import Site


def test_owners_have_names_of_their_own(site: Site) -> None:
    """An owner is found by name, and no two have the same."""
    now = site.clock.now()
    made = site.control.add_owner("third", "hash", now=now, must_change=True)
    assert made == site.control.owner("third")
    assert ["admin", "stranger", "third"] == [each.name for each in site.control.owners()]
    assert site.control.owner("nobody") is None
    with pytest.raises(NameTaken, match="third"):
        site.control.add_owner("third", "other", now=now, must_change=False)


def test_a_new_owner_counts_nothing(site: Site) -> None:
    """A new owner's apps record and count at once."""
    owner = site.control.add_owner("third", "hash", now=site.clock.now(), must_change=True).id
    app = site.add_app(owner, "one")
    assert ["accepted"] == site.record(site.ping(app=app))


def test_sessions_expire(site: Site) -> None:
    """A session is its owner's until it expires or ends."""
    now = site.clock.now()
    site.control.add_session(site.owner, b"a", now=now, expires=now + 1000)
    site.control.add_session(site.stranger, b"b", now=now, expires=now + 1000)
    assert site.owner == site.control.session(b"a", now + 999)
    assert [None, None] == [site.control.session(b"a", now + 1000), site.control.session(b"c", now)]
    site.control.end_session(b"a")
    assert [None, site.stranger] == [site.control.session(digest, now) for digest in (b"a", b"b")]


def test_a_new_password_ends_all_sessions(site: Site) -> None:
    """Whoever was logged in as the owner, and nobody else, must log in again."""
    now = site.clock.now()
    site.control.add_session(site.owner, b"a", now=now, expires=now + 1000)
    site.control.add_session(site.stranger, b"b", now=now, expires=now + 1000)
    site.control.set_password(site.owner, "new", must_change=True)
    assert [None, site.stranger] == [site.control.session(digest, now) for digest in (b"a", b"b")]
    found = site.control.owner("admin")
    assert found is not None
    assert ("new", True) == (found.password, found.must_change)


def test_expired_sessions_are_pruned(site: Site) -> None:
    """Pruning forgets sessions that expired, and keeps the others."""
    now = site.clock.now()
    site.control.add_session(site.owner, b"a", now=now, expires=now + 1000)
    site.control.add_session(site.owner, b"b", now=now, expires=now + 3000)
    site.clock.advance(seconds=2)
    site.store.prune()
    assert [None, site.owner] == [site.control.session(digest, now) for digest in (b"a", b"b")]


def test_apps_have_names_of_their_own(site: Site) -> None:
    """No two apps of an owner have the same name; another owner's may."""
    with pytest.raises(NameTaken, match="one"):
        site.add_app(site.owner, "one")
    made = site.control.add_app(site.owner, "three", now=site.clock.now(), dimensions=("size", "colour"))
    assert ("size", "colour") == made.dimensions
    apps = site.control.apps(site.owner)
    assert ["one", "two", "three"] == [each.name for each in apps]
    assert made == apps[-1]
    assert 4 == len(site.control.apps())
    assert [App(site.foreign_app, site.stranger, "one", False, None, None, ())] == site.control.apps(site.stranger)


def test_keys_can_be_revoked(site: Site) -> None:
    """A key is listed with its app until and after it is revoked, which works once."""
    now = site.clock.now()
    key = site.control.add_key(site.app, NewKey("send", b"a", "plain", "pl…n"), now=now)
    other = site.control.add_key(site.other_app, NewKey("read", b"b", None, "b…"), now=now)
    assert ([key], [key, other]) == (site.control.app_keys(site.app), site.control.app_keys())
    ended = [site.control.end_key(number, now + 1, now=now + 1) for number in (key.id, key.id, 999)]
    assert [True, False, False] == ended
    assert [key._replace(ends=now + 1)] == site.control.app_keys(site.app)


def test_an_end_can_be_taken_back(site: Site) -> None:
    """A key that ends later goes on when it is told to before its end, and not after."""
    now = site.clock.now()
    key = site.control.add_key(site.app, NewKey("send", b"a", "plain", "pl…n"), now=now)
    assert site.control.end_key(key.id, now + 10, now=now)
    assert [key._replace(ends=now + 10)] == site.control.app_keys(site.app)
    assert [True, False] == [key._replace(ends=now + 10).is_active(at) for at in (now + 9, now + 10)]
    assert site.control.end_key(key.id, None, now=now + 9)
    assert [key] == site.control.app_keys(site.app)
    assert site.control.end_key(key.id, now + 10, now=now)
    assert not site.control.end_key(key.id, None, now=now + 10)


def test_a_key_takes_the_place_of_another(site: Site) -> None:
    """The new key is made and the old one ends at once, or, where that ends already, nothing happens."""
    now = site.clock.now()
    old = site.control.add_key(site.app, NewKey("send", b"a", "plain", "a"), now=now)
    version = site.control.version()
    new = site.control.replace_key(old, NewKey("send", b"b", "plain", "b"), ends=now + 10, now=now)
    assert [old._replace(ends=now + 10), new] == site.control.app_keys(site.app)
    assert version < site.control.version()
    assert site.control.replace_key(old, NewKey("send", b"c", "plain", "c"), ends=now + 10, now=now) is None
    assert 2 == len(site.control.app_keys())


def test_the_use_of_keys_is_noted(site: Site) -> None:
    """When a key was last used stands with it; no cache is told, since nothing that is decided depends on it."""
    keys = [site.control.add_key(site.app, NewKey("send", each, None, "x"), now=0) for each in (b"a", b"b", b"c")]
    version = site.control.version()
    site.control.note_use({keys[0].id: 5, keys[2].id: 7})
    assert [5, None, 7] == [key.used for key in site.control.app_keys(site.app)]
    assert version == site.control.version()


def test_apps_change(site: Site) -> None:
    """An app is retired and comes back, and may demand a bearer token; no other app changes."""
    [one, two] = site.control.apps(site.owner)
    version = site.control.version()
    site.control.change_app(one.id, switch="retired", on=True)
    site.control.change_app(one.id, switch="demands_bearer", on=True)
    changed = one._replace(retired=True, demands_bearer=True)
    assert ([changed, two], True) == (site.control.apps(site.owner), site.control.version() > version)
    site.control.change_app(one.id, switch="retired", on=False)
    assert [changed._replace(retired=False), two] == site.control.apps(site.owner)


def test_imported_lines_are_known(site: Site) -> None:
    """A line is known to the app it was imported into, until it is too old to be taken anyway."""
    site.control.note_imported(site.app, {"a": 10, "b": 20}, before=0)
    assert {"a", "b"} == site.control.imported(site.app, ["a", "b", "c"])
    assert set() == site.control.imported(site.other_app, ["a", "b", "c"])
    site.control.note_imported(site.app, {"c": 30}, before=20)
    assert {"b", "c"} == site.control.imported(site.app, ["a", "b", "c"])
    site.control.note_imported(site.app, {}, before=0)
    assert set() == site.control.imported(site.app, [])


def test_changes_raise_the_version(site: Site) -> None:
    """Whatever the caches of apps, keys and owners hold is known to be stale by one number."""
    now = site.clock.now()
    seen = [site.control.version()]

    def changed() -> bool:
        seen.append(site.control.version())
        return seen[-1] > seen[-2]

    key = site.control.add_key(site.app, NewKey("send", b"a", "plain", "pl…n"), now=now)
    assert changed()
    site.control.end_key(key.id, now, now=now)
    assert changed()
    site.add_app(site.owner, "three")
    assert changed()
    site.control.add_owner("third", "hash", now=now, must_change=True)
    assert changed()
    site.record(site.ping())
    assert not changed()


def test_secrets(site: Site) -> None:
    """A secret stays what it is until one is asked for that is newer."""
    now = site.clock.now()
    assert Secret(b"one", now) == site.control.secret("a", b"one", now=now)
    assert Secret(b"one", now) == site.control.secret("a", b"two", now=now + 10, after=now - 1)
    assert Secret(b"other", now) == site.control.secret("b", b"other", now=now)
    assert Secret(b"two", now + 10) == site.control.secret("a", b"two", now=now + 10, after=now)
    assert Secret(b"other", now) == site.control.secret("b", b"two", now=now)


def test_keeping_addresses(site: Site) -> None:
    """An app keeps hashes of addresses, or not, or leaves it to the dialect; caches notice."""
    [app, *_others] = site.control.apps()
    for keeps in (True, False, None):
        before = site.control.version()
        site.control.change_app(app.id, switch="keeps_addresses", on=keeps)
        assert before < site.control.version()
        assert keeps == site.control.apps()[0].keeps_addresses
