"""What every test may ask for."""

import pytest
from hypothesis import HealthCheck, settings

from homing.testing import FixedClock

# Runs repeat: the same examples each time. `--hypothesis-profile=explore` looks for new ones.
settings.register_profile("repeat", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile(
    "explore", parent=settings.get_profile("repeat"), derandomize=False, max_examples=2000, print_blob=True
)
settings.load_profile("repeat")

STORE_CHECKS = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock()
