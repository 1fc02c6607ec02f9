"""What applications may give as values."""

from pathlib import Path

import pytest

from homing.sdk.probes import provider_of, version_on_disk
from tests.unit.sdk.doubles import sent


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("postgres://u:p@db.example.com/x", "postgresql"),
        ("postgresql+psycopg://db.example.com/x", "postgresql"),
        ("file:./dev.db", "sqlite"),
        ("sqlite:///x.db", "sqlite"),
        ("mysql://db.example.com/x", "unknown"),
        ("", "unknown"),
        ("postgres", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_kind_of_a_database(url: object, provider: str) -> None:
    """The beginning of its URL tells it, and nothing else of it is told."""  # 000-08
    assert provider == provider_of(url)


def test_the_installed_version(tmp_path: Path) -> None:
    """It is read at each send: after an update it differs from the one that runs."""  # 000-05
    file = tmp_path / "package.json"
    file.write_text('{"name": "x", "version": "1.2.3"}')
    values = {"installedVersion": version_on_disk(file)}
    first = sent(tmp_path, policy="seqdesk", key="", values=values)[0][1]
    file.write_text("1.3.0\n")
    second = sent(tmp_path, policy="seqdesk", key="", values=values)[0][1]
    assert [("1.2.3", "1.2.3"), ("1.2.3", "1.3.0")] == [
        (body["runningVersion"], body["installedVersion"]) for body in (first, second)
    ]
