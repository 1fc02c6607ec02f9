"""Real clients of other products, and what a running receiver has stored of theirs."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from homing.clock import SystemClock, day_of
from homing.server.accounts.keys import make_key
from homing.server.app import BINDABLE
from homing.server.stores.base import App, Entry, Instance
from homing.server.stores.registry import Opened, open_store, options_of
from tests.browser.conftest import open_page, page
from tests.functional.receiver import Receiver, until
from tests.loopback import only_loopback
from tests.outside_ci import outside_ci
from tests.receiving import settings_of

__all__ = ["only_loopback", "open_page", "outside_ci", "page"]

APPS: Final = 40
BOUND: Final = "bound"
"""The app that the paths of products at the host's root belong to."""


class Place(NamedTuple):
    """An app of a running receiver, which no other test sends to."""

    receiver: Receiver
    opened: Opened
    app: App
    key: str

    @property
    def url(self) -> str:
        """The receiver's address."""
        return f"http://127.0.0.1:{self.receiver.port}"

    def entries(self) -> list[Entry]:
        """Return the app's history, newest first."""
        return self.opened.store.history(self.app.id, limit=5000).items

    def instances(self) -> dict[str, Instance]:
        """Return the app's instances by id."""
        listed = self.opened.store.instances(self.app.owner, self.app.id, sort="instance_id", limit=5000)
        return {each.instance_id: each for each in listed.items}

    def requests(self) -> int:
        """Return how many pings of the app were counted."""
        today = day_of(SystemClock().now())
        days = range(today - 7, today + 2)
        counted = self.opened.store.requests(self.app.owner, [self.app.id], days=days, filters={}, by="day")
        return sum(counted.values())


class Places(NamedTuple):
    """The app that paths at the host's root belong to, and others."""

    bound: Place
    others: Iterator[Place]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """A running receiver's apps; its store is read beside it."""
    bound: dict[str, Any] = {f"{name}_app": BOUND for name in BINDABLE}
    receiver = Receiver(tmp_path_factory.mktemp("receiver"), **bound).start()
    settings = settings_of(store=f"sqlite:///{receiver.store}")
    opened = open_store(settings["store"], SystemClock(), options=options_of(settings))
    try:
        made = [_place(receiver, opened, name) for name in (BOUND, *(f"app {number}" for number in range(APPS)))]
        with receiver.client(key=made[-1].key) as client:
            until(lambda: client.send({}).status == 200, "The last app")
        yield Places(made[0], iter(made[1:]))
    finally:
        opened.store.close()
        receiver.close()
    assert "Traceback" not in receiver.everything_said()


def _place(receiver: Receiver, opened: Opened, name: str) -> Place:
    owner = opened.control.owner("admin")
    assert owner is not None
    app = opened.control.add_app(owner.id, name, now=0, dimensions=())
    return Place(receiver, opened, app, make_key(opened.control, SystemClock(), app=app, scope="send")[1])


@pytest.fixture
def place(places: Places) -> Place:
    """An app of one's own."""
    return next(places.others)


@pytest.fixture
def bound(places: Places) -> Place:
    """The app that paths at the host's root belong to, for all tests of a module."""
    return places.bound
