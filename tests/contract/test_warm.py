"""What is read ahead changes no answer."""

import pytest

from homing.server.counting.sets import anyone, union
from tests.contract.site import Site


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_warm_store_follows_what_comes(site: Site, seconds: float) -> None:
    """After reading ahead, however far that got, later pings and late ones are counted as ever."""
    days = [union([anyone(site.app, site.today - back) for back in range(3)]), anyone(site.other_app, site.today)]
    site.record(site.ping("a"), site.ping("b", app=site.other_app))
    site.reader.warm(seconds)
    assert [1, 1] == site.count(*days)
    site.record(site.ping("c"), site.ping("d", app=site.other_app), site.ping("a"))
    assert [2, 2] == site.count(*days)
    site.store.erase(site.owner, "a")
    site.reader.warm(seconds)
    assert [1, 2] == site.count(*days)
