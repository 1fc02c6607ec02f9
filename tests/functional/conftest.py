"""Receivers for tests, ended whatever happens."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.receiver import Receiver

MakeReceiver = Callable[..., Receiver]


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[MakeReceiver]:
    """Makes receivers, each in a directory of its own; none may ever show a traceback."""
    made: list[Receiver] = []

    def make(directory: Path | None = None, **how: Any) -> Receiver:
        place = tmp_path / f"receiver-{len(made)}"
        place.mkdir()
        made.append(Receiver(directory or place, said=place, **how))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()
    for receiver in made:
        assert "Traceback" not in receiver.everything_said()[:20_000]


@pytest.fixture
def receiver(receivers: MakeReceiver) -> Receiver:
    """A receiver that is ready, without rate limits."""
    return receivers().start()
