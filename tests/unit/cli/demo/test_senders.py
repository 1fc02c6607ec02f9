"""The programs that the demo runs."""

import pytest

from homing.cli.demo.releases import BETA, STABLE, Release, releases
from homing.cli.demo.senders import endpoint, programs

KNOWN = releases(20_000, 20_062)


def test_three_versions() -> None:
    """One is up to date, one behind, one tries a beta; no two have the same version."""
    made = programs(KNOWN)
    assert 3 == len({each.version for each in made})
    assert (KNOWN[STABLE][0].version, STABLE, "latest") == made[0][:3]
    assert (KNOWN[STABLE][1].version, STABLE, "outdated") == made[1][:3]
    assert "-beta" in made[2].version
    assert all(1 <= each.seconds <= 10 for each in made)


@pytest.mark.parametrize(("day", "state"), [(30, "latest"), (10, "outdated")])
def test_state_of_a_beta(day: int, state: str) -> None:
    """A beta is behind once a later release is out."""
    known = {
        STABLE: [Release("2", STABLE, 20), Release("1", STABLE, 0)],
        BETA: [Release("2", BETA, 20), Release("b", BETA, day), Release("1", BETA, 0)],
    }
    assert ("b", BETA, state) == programs(known)[2][:3]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8400"),
        ("0.0.0.0", "http://127.0.0.1:8400"),  # noqa: S104 - compared, not listened on
        ("::", "http://[::1]:8400"),
        ("localhost", "http://localhost:8400"),
    ],
)
def test_endpoint(host: str, url: str) -> None:
    """A receiver that listens on every address is reached on this machine."""
    assert url == endpoint(host, 8400)
