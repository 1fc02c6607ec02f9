"""Receivers with owners who are signed in to their pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
from argon2 import PasswordHasher

from homing.clock import SystemClock
from homing.server.accounts.keys import make_key
from homing.server.stores.registry import open_store, options_of
from tests.functional.receiver import Receiver, until
from tests.receiving import settings_of

PASSWORD: Final = "a password of ten and more"
OWN: Final = {"Sec-Fetch-Site": "same-origin"}
PART: Final = {"HX-Request": "true"}


class Owner(NamedTuple):
    """An owner at the pages: a client that is signed in, and a key to send with for each app."""

    client: httpx.Client
    keys: dict[str, str]

    def send(self, app: str, *pings: dict[str, Any]) -> None:
        """Send pings of instances in one request."""
        headers = {"Authorization": f"Bearer {self.keys[app]}"}

        def sent() -> bool:
            # Until the receiver has noticed the new app.
            return self.client.post("/v1/pings", json=pings, headers=headers).status_code == 200

        until(sent, "The new app")


class Place(NamedTuple):
    """A receiver with two owners, who have apps of the same names."""

    receiver: Receiver
    mine: Owner
    theirs: Owner


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A fresh receiver with two owners at its pages."""
    receiver = Receiver(tmp_path).start()
    with httpx.Client(base_url=address(receiver)) as mine, httpx.Client(base_url=address(receiver)) as theirs:
        try:
            yield Place(receiver, owner(receiver, mine, "mine"), owner(receiver, theirs, "theirs"))
        finally:
            receiver.close()
    assert "Traceback" not in receiver.everything_said(), receiver.everything_said()


def address(receiver: Receiver) -> str:
    """Return where a receiver's pages are."""
    return f"http://127.0.0.1:{receiver.port}"


def owner(receiver: Receiver, client: httpx.Client, name: str) -> Owner:
    """Add an owner with two apps while the receiver runs, and sign in as a browser does."""
    settings, clock = settings_of(store=f"sqlite:///{receiver.store}"), SystemClock()
    opened = open_store(settings["store"], clock, options=options_of(settings))
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    made = opened.control.add_owner(name, hashed, now=clock.now(), must_change=False)
    apps = [opened.control.add_app(made.id, each, now=clock.now(), dimensions=["edition"]) for each in ("desk", "lamp")]
    keys = {app.name: make_key(opened.control, clock, app=app, scope="send")[1] for app in apps}
    opened.store.close()
    answer = client.post("/sign-in", data={"name": name, "password": PASSWORD}, headers=OWN)
    assert 303 == answer.status_code, answer.text
    return Owner(client, keys)
