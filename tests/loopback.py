"""Tests of the sending side connect to this machine only: never to a maker's host, whatever a policy says."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest


def is_here(address: Any) -> bool:
    """Tell whether an address is on this machine."""
    return isinstance(address, str | bytes) or str(address[0]).startswith("127.") or address[0] in ("::1", "localhost")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Refuse to connect elsewhere, and fail the test that tried: the sending side swallows what is raised."""
    tried: list[Any] = []
    connect = socket.socket.connect

    def guarded(sock: socket.socket, address: Any) -> None:
        if not is_here(address):
            tried.append(address)
            raise OSError(f"A test tried to reach {address}.")
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield tried
    assert [] == tried
