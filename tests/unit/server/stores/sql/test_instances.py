"""Long lists are walked, short ones looked up; both give the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homing.server.counting.sets import plan, seen
from homing.server.stores.base import Sort
from homing.server.stores.sql import instances
from tests.conftest import STORE_CHECKS
from tests.contract.site import Site, everything
from tests.contract.test_lists import SORTS


@settings(max_examples=40, suppress_health_check=STORE_CHECKS)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 1), st.sampled_from("12")), max_size=20),
    st.sampled_from(SORTS),
    st.sampled_from(["", "-", "a", "A", "b-"]),
    st.sampled_from(["1", None]),
    st.integers(1, 5),
)
def test_walking_and_looking_up_agree(  # wide: what is heard, and the parts of a question
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    heard: list[tuple[str, int, str]],
    sort: Sort,
    search: str,
    version: str | None,
    limit: int,
) -> None:
    """However many are wanted, a narrowed list is the whole one without the others, in the same order."""
    for name, seconds, value in heard:
        site.clock.advance(seconds=seconds)
        site.record(site.ping(f"{name}-", version=value))
    site.store.settle()
    asked = plan([seen(site.app, site.today, "version", version)]) if version else None

    def names(search: str) -> list[str]:
        found = everything(
            lambda after: site.reader.instances(
                site.owner, site.app, asked=asked, search=search, sort=sort, after=after, limit=limit
            )
        )
        return [each.instance_id for each in found]

    looked_up = names(search)
    assert looked_up == [name for name in names("") if search.lower() in name]
    with monkeypatch.context() as patched:
        patched.setattr(instances, "FEW", 0)
        patched.setattr(instances, "WALKED", 2)
        assert looked_up == names(search)
