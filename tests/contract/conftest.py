"""Each test of the contract runs for every engine."""

from collections.abc import Iterator

import pytest

from tests.contract.engines import ENGINES, Engine
from tests.contract.site import Site


@pytest.fixture(scope="session", params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine that makes fresh stores."""
    return ENGINES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture
def site(engine: Engine) -> Iterator[Site]:
    """A fresh store with small buckets."""
    made = Site(engine)
    yield made
    made.close()
