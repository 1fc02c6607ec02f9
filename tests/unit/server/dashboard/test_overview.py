"""The overview where nothing can be asked yet; what it answers otherwise is in tests/functional/api."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receiving import Site, site
from tests.unit.server.dashboard.test_signing import Visitor, set_password


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """An owner without apps, signed in."""
    with site(tmp_path) as made:
        set_password(made)
        signed_in = Visitor(made)
        signed_in.sign_in()
        yield signed_in


def add_app_of_another(at: Site) -> None:
    """Give another owner an app."""
    other = at.control.add_owner("other", "hash", now=at.clock.now(), must_change=False)
    at.control.add_app(other.id, "theirs", now=at.clock.now(), dimensions=())
    at.receiver.directory.refresh()


@pytest.mark.parametrize("path", ["/", "/instances", "/events"])
def test_no_app(visitor: Visitor, path: str) -> None:
    """Without an app a page leads to where one is made, whoever else has some."""
    add_app_of_another(visitor.site)
    page = visitor.get(path).body.decode()
    assert "There is no app yet" in page
    assert '<a class="button primary" href="/apps">Make an app</a>' in page
    assert "theirs" not in page


def test_no_app_of_that_name(visitor: Visitor) -> None:
    """An app of another owner is as one that does not exist."""
    add_app_of_another(visitor.site)
    answers = [visitor.get(f"/?app={name}") for name in ("theirs", "nobodys")]
    assert [400, 400] == [answer.status for answer in answers]
    assert "There is no app &#39;theirs&#39;." in answers[0].body.decode()


def test_the_part_alone(visitor: Visitor) -> None:
    """A script is answered the part that changes, without the frame."""
    part = visitor.get("/", **{"hx-request": "true"})
    assert part.body.strip().startswith(b'<div id="overview"')
    assert "HX-Request" in part.headers["vary"]
