"""An instance is bound to the first token it shows, in every writer's eyes."""

import pytest

from homing.errors import NotFound
from tests.contract.site import Site

TOKEN, OTHER_TOKEN = "1" * 64, "2" * 64


def bound(site: Site) -> bool:
    """Say whether the instance is bound."""
    found = site.reader.instance(site.app, "x")
    return found is not None and found.bound


def test_the_first_token_binds(site: Site) -> None:
    """From its first token on an instance must show that one, in the same batch already."""
    site.record(site.ping())
    assert not bound(site)
    assert ["accepted", "token_wrong", "token_missing", "accepted"] == site.record(
        site.ping(credential=TOKEN), site.ping(credential=OTHER_TOKEN), site.ping(), site.ping(credential=TOKEN)
    )
    assert bound(site)


def test_a_token_binds_for_every_writer(site: Site) -> None:
    """A writer that knows the instance without a token sees that another one bound it meanwhile."""
    first, second = site.writers
    site.record(site.ping(), by=first)
    site.record(site.ping(credential=TOKEN), by=second)
    assert ["token_wrong", "token_missing"] == site.record(site.ping(credential=OTHER_TOKEN), site.ping(), by=first)


def test_a_refused_ping_changes_nothing(site: Site) -> None:
    """State, counts, history and last receipt of a bound instance stay untouched by a stranger."""
    site.record(site.ping(credential=TOKEN, version="1"))
    before = site.reader.instance(site.app, "x")
    site.clock.advance(seconds=10)
    site.record(site.ping(credential=OTHER_TOKEN, version="2", kind="begin"))
    site.store.settle()
    assert before == site.reader.instance(site.app, "x")
    assert {site.today: 1} == site.requests()
    assert 1 == len(site.reader.history(site.app).items)


def test_a_token_is_an_apps_own(site: Site) -> None:
    """The same instance id in another app is bound on its own."""
    site.record(site.ping(credential=TOKEN))
    assert ["accepted"] == site.record(site.ping(credential=OTHER_TOKEN, app=site.other_app))


def test_a_released_instance_binds_anew(site: Site) -> None:
    """After a release any token, or none, is accepted, and the next token binds; both writers see it."""
    first, second = site.writers
    site.record(site.ping(credential=TOKEN), by=first)
    assert site.reader.release(site.app, "x")
    assert not bound(site)
    assert ["accepted", "accepted"] == site.record(site.ping(), site.ping(credential=OTHER_TOKEN), by=first)
    assert ["token_wrong"] == site.record(site.ping(credential=TOKEN), by=second)


def test_only_a_binding_can_be_released(site: Site) -> None:
    """Releasing says whether there was anything to release."""
    site.record(site.ping())
    assert [False, False] == [site.reader.release(site.app, name) for name in ("x", "nobody")]
    site.record(site.ping(credential=TOKEN))
    assert [True, False] == [site.reader.release(site.app, "x") for _ in range(2)]
    with pytest.raises(NotFound):
        site.reader.release(999, "x")
