"""The receiver's settings, from their rows and layers."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from homing.errors import SettingsError
from homing.server.config import PREFIX, ROWS, load


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the settings of whoever runs the tests away."""
    for row in ROWS:
        monkeypatch.delenv(f"{PREFIX}{row.name.upper()}", raising=False)


def problems(**given: Any) -> tuple[str, ...]:
    """Return the sentences that settings are refused with."""
    with pytest.raises(SettingsError) as caught:
        load(given)
    return caught.value.problems


def written(directory: Path, text: str) -> str:
    """Write a settings file and return its path."""
    path = directory / "homing.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_defaults() -> None:
    """Nothing has to be set."""
    settings = load()
    assert {row.name: row.default for row in ROWS} == {row.name: settings[row.name] for row in ROWS}
    assert {"default"} == {settings.layer(row.name) for row in ROWS}


def test_rows() -> None:
    """Each row has a name of its own, a help that is a sentence, and a default that its own parser reads."""
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.help.endswith(".")
        assert row.default in ("", ()) or row.parse(str(row.default)) == row.default


def test_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line beats the environment, the environment the file, the file the default."""
    path = written(tmp_path, 'port = 1\nhost = "file"\nowner = "file"\n')
    monkeypatch.setenv("HOMING_PORT", "2")
    monkeypatch.setenv("HOMING_HOST", "environment")
    settings = load({"config": path, "port": "3", "host": None})
    names = ("port", "host", "owner", "rate_app")
    assert [3, "environment", "file", 10_000] == [settings[name] for name in names]
    assert ["code", "environment", "file", "default"] == [settings.layer(name) for name in names]


def test_the_file_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOMING_CONFIG names the file as --config does."""
    monkeypatch.setenv("HOMING_CONFIG", written(tmp_path, "secure_cookies = true\n"))
    assert load()["secure_cookies"] is True


def test_values_of_a_file(tmp_path: Path) -> None:
    """A file may hold lists, numbers and booleans."""
    path = written(tmp_path, 'trusted_proxies = ["10.0.0.0/8", "::1/128"]\nrate_app = 0\n')
    settings = load({"config": path})
    assert ((ip_network("10.0.0.0/8"), ip_network("::1/128")), 0) == (settings["trusted_proxies"], settings["rate_app"])


def test_every_problem_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All problems are told together, each with the name used where the value came from."""
    path = written(tmp_path, 'log_level = "loud"\nport_ = 1\n')
    monkeypatch.setenv("HOMING_RATE_APP", "many")
    assert problems(config=path, port="0") == (
        "--port: '0': must be a whole number from 1 to 65535.",
        "HOMING_RATE_APP: 'many': must be a whole number from 0 to 1000000.",
        f"{path}: log_level: 'loud': must be one of debug, info, warning, error.",
        f"{path}: port_: there is no such setting.",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("store", "mysql://x"),
        ("store", "homing.db"),
        ("port", "80.5"),
        ("port", 65536),
        ("retention_days", "0"),
        ("history_days", "-1"),
        ("rate_address", "1e3"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "proxy.example"),
        ("secure_cookies", "maybe"),
        ("log_format", "xml"),
        ("cache_mb", "15"),
        ("cached_instances", "999"),
        ("queue_pings", 0),
    ],
)
def test_values_that_will_not_do(name: str, value: object) -> None:
    """A value nobody can read is one sentence that names the setting."""
    [problem] = problems(**{name: value})
    assert problem.startswith(f"--{name.replace('_', '-')}: ")
    assert problem.endswith(".")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing, broken or binary file is one sentence."""
    assert "No such file" in problems(config=str(tmp_path / "none.toml"))[0]
    assert "not valid TOML" in problems(config=written(tmp_path, "port ="))[0]
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert "not valid TOML" in problems(config=str(tmp_path / "binary.toml"))[0]
    assert "cannot be read" in problems(config=str(tmp_path))[0]
