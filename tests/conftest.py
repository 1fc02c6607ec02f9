"""What every test may ask for."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from homing.testing import FixedClock

# Runs repeat: the same examples each time. `--hypothesis-profile=explore` looks for new ones.
settings.register_profile("repeat", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile(
    "explore", parent=settings.get_profile("repeat"), derandomize=False, max_examples=2000, print_blob=True
)
settings.load_profile("repeat")

# A store on disk takes its time, and the engine that makes a fresh one each time is a fixture no example changes.
STORE_CHECKS = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skipped test a failure in CI: what is skipped there is never run at all."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {call.excinfo and call.excinfo.value}"
    return report
