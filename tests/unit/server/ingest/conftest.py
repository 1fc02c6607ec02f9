"""What the tests of the way in share."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

LogLines = list[Any]


@pytest.fixture(autouse=True)
def logged() -> Iterator[LogLines]:
    """Holds the log lines of a test instead of printing them."""
    with capture_logs() as lines:
        yield lines
