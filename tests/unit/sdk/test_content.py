"""Arguments that cannot be used."""

from pathlib import Path
from typing import Any

import pytest

from homing import Row, SettingsError
from homing.sdk.payload import TEXT, untold
from homing.sdk.policy import HOMING
from tests.unit.sdk.doubles import sent, telemetry


def row(name: str, kind: str = TEXT) -> Row:
    """Return a row of an application."""
    return Row(name, kind, "why", "x", untold)


WRONG: list[dict[str, Any]] = [
    {"app": ""},
    {"app": "../etc"},
    {"app": "a/b"},
    {"app": "1a"},
    {"app": "a" * 101},
    {"app": None},
    {"version": ""},
    {"version": "1\n2"},
    {"version": " 1"},
    {"version": "ä"},
    {"version": 1},
    {"endpoint": "example.com"},
    {"endpoint": None},
    {"key": ""},
    {"key": "a b"},
    {"key": "a\r\nX: y"},
    {"key": None},
    {"enabled": 1},
    {"enabled": "yes"},
    {"policy": "morse"},
    {"policy": None},
    {"interval_hours": 0},
    {"interval_hours": 169},
    {"interval_hours": 1.5},
    {"interval_hours": True},
    {"first_seconds": -1},
    {"first_seconds": float("nan")},
    {"first_seconds": "30"},
    {"directory": ""},
    {"directory": 5},
    {"rows": [row("theme")]},
    {"rows": [row("properties.a.b")]},
    {"rows": [row("dimensions.version")]},
    {"rows": [row("properties.a"), row("properties.a")]},
    {"rows": [row("properties.a", "colour")]},
    {"values": {"instance_id": "mine"}},
    {"values": {"theme": "dark"}},
    {"policy": "seqdesk", "key": "", "rows": [row("properties.a")]},
    {"policy": "seqdesk", "key": "k", "endpoint": "http://a.example.com/x"},
    {"policy": "seqdesk", "key": "a/b"},
    {"policy": HOMING._replace(key="a b"), "key": ""},
]


def in_words(given: dict[str, Any]) -> str:
    """Name a case, the same in every process."""
    told = {name: [each.name for each in value] if name == "rows" else value for name, value in given.items()}
    return str(told)


@pytest.mark.parametrize("given", WRONG, ids=in_words)
def test_wrong_arguments(tmp_path: Path, given: dict[str, Any]) -> None:
    """Each is refused at once with a sentence that names it."""
    with pytest.raises(SettingsError) as error:
        telemetry(tmp_path, **given)
    assert all(problem.endswith(".") for problem in error.value.problems)
    assert any(name.rstrip("s") in problem for problem in error.value.problems for name in given)


def test_a_policy_with_receiver_and_key(tmp_path: Path) -> None:
    """Its maker need give neither; what is given all the same stands above it, and nothing shows it."""
    policy = HOMING._replace(endpoint="http://own.example.com", key="of-the-policy")
    for given, key in (("", "of-the-policy"), ("given", "given")):
        [(request, _)] = sent(tmp_path, policy=policy, endpoint="", key=given)
        assert ("own.example.com", f"Bearer {key}") == (request.endpoint.host, request.headers["Authorization"])
    assert "of-the-policy" not in repr(telemetry(tmp_path, policy=policy, endpoint="", key="").about())


def test_all_is_said_at_once(tmp_path: Path) -> None:
    """Several mistakes come in one error."""
    with pytest.raises(SettingsError) as error:
        telemetry(tmp_path, app="", version="", endpoint="x")
    assert 3 == len(error.value.problems)


def test_unknown_values_are_listed_with_the_known(tmp_path: Path) -> None:
    """Whoever mistypes a name sees those there are."""
    with pytest.raises(SettingsError, match=r"values holds 'chanel', which is none of dimensions\.channel\."):
        telemetry(tmp_path, values={"chanel": "beta"})
