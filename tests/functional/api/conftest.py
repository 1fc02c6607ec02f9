"""A receiver with two owners, whose apps have the same names and hear from the same instances."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
from argon2 import PasswordHasher

from homing.clock import SystemClock
from homing.server.accounts.keys import SCOPES, make_key
from homing.server.stores.registry import open_store, options_of
from tests.functional.receiver import Receiver, until
from tests.receiving import settings_of

PASSWORD: Final = "a password of ten and more"
OWN: Final = {"X-Forwarded-For": "198.51.100.1"}
"""Where no wrong password ever comes from: whoever is wrong too often must wait."""


class Side(NamedTuple):
    """One of the two owners: its name, and by the name of each app the keys by scope."""

    owner: str
    keys: dict[str, dict[str, str]]


class World(NamedTuple):
    """The receiver and its owners."""

    receiver: Receiver
    address: str
    mine: Side
    theirs: Side

    @contextmanager
    def signed_in(self, side: Side) -> Iterator[httpx.Client]:
        """Give a client that is signed in as an owner."""
        with httpx.Client(base_url=self.address, headers=OWN) as client:
            credentials = {"name": side.owner, "password": PASSWORD}
            # Other tests sign in from the same address, and only so often is that allowed.
            until(lambda: client.post("/api/v1/sign-in", json=credentials).status_code == 200, "Signing in")
            yield client

    def report(self, key: str, **asked: Any) -> httpx.Response:
        """Ask for a report with a key."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.get(f"{self.address}/api/v1/report", params=asked, headers=headers)

    def numbers(self, key: str, **asked: Any) -> Any:
        """Return a report that must succeed."""
        answer = self.report(key, **asked)
        assert 200 == answer.status_code, answer.text
        return answer.json()


def one_time_password(receiver: Receiver) -> str:
    """Return the password that the receiver announced."""
    found = re.search(r"^Password +(\S+) ", receiver.stdout(), re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One receiver for all tests that only ask."""
    receiver = Receiver(tmp_path_factory.mktemp("world"), trusted_proxies="127.0.0.0/8").start()
    try:
        yield _furnished(receiver)
    finally:
        receiver.close()
    assert "Traceback" not in receiver.everything_said(), receiver.everything_said()


def _furnished(receiver: Receiver) -> World:
    address = f"http://127.0.0.1:{receiver.port}"
    sides = [_side(receiver, "mine"), _side(receiver, "theirs")]
    _send(address, sides[0].keys["desk"]["send"], "a", "b", "c", version="1.0")
    _send(address, sides[0].keys["lamp"]["send"], "c", "d", version="2.0")
    _send(address, sides[1].keys["desk"]["send"], "a", "z", version="=cmd()")
    return World(receiver, address, *sides)


def _side(receiver: Receiver, name: str) -> Side:
    """Add an owner with two apps, while the receiver runs."""
    settings, clock = settings_of(store=f"sqlite:///{receiver.store}"), SystemClock()
    opened = open_store(settings["store"], clock, options=options_of(settings))
    owner = opened.control.add_owner(name, PasswordHasher().hash(PASSWORD), now=clock.now(), must_change=False)
    keys: dict[str, dict[str, str]] = {}
    for app_name in ("desk", "lamp"):
        app = opened.control.add_app(owner.id, app_name, now=clock.now(), dimensions=["edition"])
        keys[app_name] = {scope: make_key(opened.control, clock, app=app, scope=scope)[1] for scope in SCOPES}
    opened.store.close()
    return Side(name, keys)


def _send(address: str, key: str, *instances: str, version: str) -> None:
    pings = [{"instance_id": each, "dimensions": {"version": version, "edition": "pro"}} for each in instances]
    headers = {"Authorization": f"Bearer {key}"}

    def sent() -> bool:
        # Until the receiver has noticed the new app.
        return httpx.post(f"{address}/v1/pings", json=pings, headers=headers).status_code == 200

    until(sent, "The new app")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Receiver, httpx.Client]]:
    """A new receiver, and a client of it."""
    receiver = Receiver(tmp_path).start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{receiver.port}") as client:
            yield receiver, client
    finally:
        receiver.close()
    assert "Traceback" not in receiver.everything_said(), receiver.everything_said()
