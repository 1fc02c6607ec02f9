"""Keys and apps in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homing.clock import SystemClock
from homing.errors import NotFound
from homing.outcomes import Refusal
from homing.server.accounts.directory import Directory
from homing.server.accounts.keys import end_key, keep_key, key_digest, make_key, rotate_key
from homing.server.ingest.lane import Targets
from homing.server.stores.base import App
from homing.server.stores.sql.control import SqlControl
from homing.server.stores.sql.database import Database
from tests.receiving import Site, site


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Site]:
    """A receiver."""
    with site(tmp_path) as made:
        yield made


def refusal(targets: Targets, key: str) -> str:
    """Return the refusal of a key."""
    with pytest.raises(Refusal) as caught:
        targets.by_key(key)
    return caught.value.outcome.name


def test_keys_open_their_app(place: Site) -> None:
    """A send key names its app; a read key opens its reports; neither does what the other does."""
    app, send = place.add_app(dimensions=["edition"])
    _row, read = make_key(place.control, place.clock, app=app, scope="read")
    directory = place.receiver.directory
    directory.refresh()
    assert (app.id, False, 92) == (
        directory.by_key(send).app,
        directory.by_key(send).retired,
        directory.by_key(send).retention_days,
    )
    assert {"edition", "version", "update_state", "node"} <= directory.by_key(send).dimensions
    assert "key_scope" == refusal(directory, read)
    assert app == directory.reader(read)
    assert directory.reader(send) is None
    assert (True, True, False) == (directory.known(send), directory.known(read), directory.known("x"))


def test_unknown_keys(place: Site) -> None:
    """A key that nobody dealt, the hash of one that was, and text that is no key at all are not known."""
    _app, key = place.add_app()
    for strange in ("", "x", key[:-1], key.upper(), key_digest(key).hex(), "é" * 1000):
        assert "key_unknown" == refusal(place.receiver.directory, strange)


def test_revoked_keys(place: Site) -> None:
    """A revoked key is as good as unknown once the change was noticed."""
    app, key = place.add_app()
    [row] = place.control.app_keys(app.id)
    end_key(place.control, place.clock, app=app, number=row.id)
    assert app.id == place.receiver.directory.by_key(key).app
    place.receiver.directory.refresh()
    assert "key_unknown" == refusal(place.receiver.directory, key)
    assert not place.receiver.directory.known(key)


def test_apps_by_name(place: Site) -> None:
    """A name that several owners use is that of the oldest app."""
    stranger = place.control.add_owner("stranger", "hash", now=0, must_change=False)
    first, _key = place.add_app("desk")
    place.control.add_app(stranger.id, "desk", now=0, dimensions=())
    place.receiver.directory.refresh()
    directory = place.receiver.directory
    assert first.id == directory.by_name("desk").app
    assert ([first.id], 1) == ([app.id for app in directory.apps(place.owner)], len(directory.apps(stranger.id)))
    with pytest.raises(Refusal, match="key_unknown") as caught:
        directory.by_name("other")
    assert "This path belongs to the app 'other', and there is none of that name." == caught.value.sentence


def test_retired_apps_are_known(place: Site) -> None:
    """A retired app is found, and said to be retired."""
    app, key = place.add_app()
    place.retire(app)
    assert place.receiver.directory.by_key(key).retired


def test_read_keys_are_stored_nowhere(place: Site) -> None:
    """Of a read key only the hash and a hint stay; a send key stays, since it travels inside applications."""
    app, _send = place.add_app()
    row, read = make_key(place.control, place.clock, app=app, scope="read")
    assert (None, read[-4:], key_digest(read)) == (row.plain, row.hint, row.digest)
    kept = place.sql("SELECT * FROM app_key")
    assert read not in str(kept)
    assert ["send", "read"] == [each["scope"] for each in kept]


class Busy(SqlControl):
    """Control data to which somebody adds an app and its key while it is read."""

    added = ""

    def apps(self, owner: int | None = None) -> list[App]:
        """Return the apps of before."""
        found = super().apps(owner)
        if not self.added:
            [who] = self.owners()
            app = self.add_app(who.id, "late", now=0, dimensions=())
            _row, self.added = make_key(self, SystemClock(), app=app, scope="send")
        return found


def test_what_is_added_meanwhile(place: Site) -> None:
    """An app added between two looks at the control data is known at the next refresh."""
    control = Busy(Database(f"sqlite:///{place.path}"))
    directory = Directory(control, place.clock, dialect_dimensions=frozenset(), retention_days=92)
    directory.refresh()
    assert directory.by_key(control.added).app


def last_used(place: Site, app: App) -> list[int | None]:
    """Let the directory note what it saw, and return when each key of an app was last used."""
    place.receiver.directory.refresh()
    return [row.used for row in place.control.app_keys(app.id)]


def test_rotated_keys_overlap(place: Site) -> None:
    """Of two keys both open the app until the old one ends, without anybody changing anything then."""
    app, old = place.add_app()
    [row] = place.control.app_keys(app.id)
    _row, new = rotate_key(place.control, place.clock, app=app, number=row.id, days=7)
    directory = place.receiver.directory
    directory.refresh()
    assert [app.id, app.id] == [directory.by_key(key).app for key in (old, new)]
    assert new == directory.send_key(app)
    place.clock.advance(days=7)
    directory.refresh()
    assert ("key_unknown", app.id) == (refusal(directory, old), directory.by_key(new).app)


def test_rotated_twice_at_once(place: Site) -> None:
    """Of two who rotate a key one is told that it ends already: there is one new key, which somebody saw."""
    app, _key = place.add_app()
    [row] = place.control.app_keys(app.id)
    rotate_key(place.control, place.clock, app=app, number=row.id, days=7)
    with pytest.raises(NotFound, match="ends already"):
        rotate_key(place.control, place.clock, app=app, number=row.id, days=7)
    assert 2 == len(place.control.app_keys(app.id))


def test_an_end_is_taken_back(place: Site) -> None:
    """A key whose end was taken back goes on."""
    app, key = place.add_app()
    [row] = place.control.app_keys(app.id)
    end_key(place.control, place.clock, app=app, number=row.id, days=1)
    keep_key(place.control, place.clock, app=app, number=row.id)
    place.clock.advance(days=2)
    place.receiver.directory.refresh()
    assert (app.id, key) == (place.receiver.directory.by_key(key).app, place.receiver.directory.send_key(app))


def test_bearer_keys(place: Site) -> None:
    """A bearer key names its app and is a token of that app and no other; send and read keys are none."""
    app, send = place.add_app("one")
    other, _key = place.add_app("two")
    keys = {scope: make_key(place.control, place.clock, app=app, scope=scope)[1] for scope in ("bearer", "read")}
    directory = place.receiver.directory
    directory.refresh()
    target, foreign = directory.by_key(keys["bearer"]), directory.target(other)
    assert (app.id, None) == (target.app, directory.reader(keys["bearer"]))
    directory.check_bearer(target, keys["bearer"])
    for to, token, name in (
        (target, None, "bearer_missing"),
        (target, send, "bearer_wrong"),
        (target, keys["read"], "bearer_wrong"),
        (target, "x", "bearer_wrong"),
        (foreign, keys["bearer"], "bearer_wrong"),
    ):
        with pytest.raises(Refusal, match=name):
            directory.check_bearer(to, token)


def test_use_is_noted_by_the_minute(place: Site) -> None:
    """Each key that opened something is noted with the time, once a minute at most, and none that was refused."""
    app, send = place.add_app()
    _row, bearer = make_key(place.control, place.clock, app=app, scope="bearer")
    _row, read = make_key(place.control, place.clock, app=app, scope="read")
    directory, began = place.receiver.directory, place.clock.now()
    assert [None] * 3 == last_used(place, app)
    assert "key_scope" == refusal(directory, read)
    directory.by_key(send)
    assert [began, None, None] == last_used(place, app)
    place.clock.advance(seconds=20)
    directory.by_key(send)
    directory.check_bearer(directory.target(app), bearer)
    directory.reader(read)
    assert [began, began + 20_000, began + 20_000] == last_used(place, app)
    place.clock.advance(seconds=40)
    assert [began + 60_000, began + 20_000, began + 20_000] == last_used(place, app)
