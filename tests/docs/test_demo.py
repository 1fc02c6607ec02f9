"""The page about the demo says what the code does."""

import pytest

from homing.cli.demo.fleet import APP, BUILD, INSTANCES, WHOLE_DAYS
from homing.cli.demo.releases import BETA_DAYS, RHYTHM, releases
from homing.cli.demo.senders import CONSENT, programs
from homing.cli.demo.show import RETENTION_DAYS, demo_settings
from tests.docs.pages import text_of

SECONDS = [each.seconds for each in programs(releases(20_000, 20_000 + WHOLE_DAYS))]


@pytest.mark.parametrize(
    "words",
    [
        f"{INSTANCES:,} installations of an app called `{APP}`",
        f"over the {WHOLE_DAYS} days before today",
        f"one about every {RHYTHM} days, tried as a beta {BETA_DAYS} days before",
        f"{INSTANCES * BUILD.share // 100} short-lived installations of CI",
        f"Three programs that embed the SDK phone home every {min(SECONDS)} to {max(SECONDS)} seconds",
        *(f"switched on by `{name}`" for name in CONSENT),
        f"Counts are kept for {RETENTION_DAYS} days there",
    ],
)
def test_numbers(words: str) -> None:
    """Every number and name on the page is the one in the code."""
    assert words in " ".join(text_of("demo.md").split())


def test_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo is kept where the page says."""
    monkeypatch.delenv("HOMING_STORE", raising=False)
    assert f"--store {demo_settings({})['store']} " in text_of("demo.md")
