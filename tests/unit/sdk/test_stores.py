"""Where values are kept."""

import json
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homing.sdk.stores import JsonStore, SqliteStore, SwapStore
from tests.unit.sdk.doubles import telemetry

MAKERS: list[Callable[[Path], SwapStore]] = [SqliteStore, JsonStore]


@pytest.mark.parametrize("make", MAKERS)
def test_values_are_kept(tmp_path: Path, make: Callable[[Path], SwapStore]) -> None:
    """Whatever JSON has comes back, also through another store upon the same file; None deletes."""
    values: dict[str, Any] = {"a": True, "b": 7, "c": "ü", "d": {"e": [1, None]}, "f": ""}
    for name, value in values.items():
        make(tmp_path / "own" / "file").save(name, value)
    assert values == make(tmp_path / "own" / "file").load()
    make(tmp_path / "own" / "file").save("a", None)
    make(tmp_path / "own" / "file").save("b", 8)
    assert {"b": 8, "c": "ü", "d": {"e": [1, None]}, "f": ""} == make(tmp_path / "own" / "file").load()


@pytest.mark.parametrize("make", MAKERS)
def test_reading_makes_nothing(tmp_path: Path, make: Callable[[Path], SwapStore]) -> None:
    """A file that is not there is empty, and still not there afterwards."""
    assert {} == make(tmp_path / "own" / "file").load()
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("make", MAKERS)
def test_only_the_owner_reads_them(tmp_path: Path, make: Callable[[Path], SwapStore]) -> None:
    """A new file is 0600 whatever the mask says, and the permissions of an old one stay."""
    before = os.umask(0)
    try:
        make(tmp_path / "file").save("a", 1)
    finally:
        os.umask(before)
    assert 0o600 == stat.S_IMODE((tmp_path / "file").stat().st_mode)
    (tmp_path / "file").chmod(0o640)
    make(tmp_path / "file").save("a", 2)
    assert 0o640 == stat.S_IMODE((tmp_path / "file").stat().st_mode)


@pytest.mark.parametrize("make", MAKERS)
def test_many_at_once(tmp_path: Path, make: Callable[[Path], SwapStore]) -> None:
    """Those who save at the same time lose nothing of each other's."""
    names = [f"name {number}" for number in range(8)]
    threads = [threading.Thread(target=make(tmp_path / "file").save, args=(name, 1)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict.fromkeys(names, 1) == make(tmp_path / "file").load()


@pytest.mark.parametrize("make", MAKERS)
def test_swapping(tmp_path: Path, make: Callable[[Path], SwapStore]) -> None:
    """A value is kept where another still stands, and what stands there then is told."""
    store = make(tmp_path / "own" / "file")
    assert 1 == store.swap("a", old=None, new=1)
    assert 1 == store.swap("a", old=None, new=2)
    assert 1 == store.swap("a", old=2, new=3)
    assert 3 == store.swap("a", old=1, new=3)
    assert [1] == store.swap("b", old=None, new=[1])
    assert {"a": 3, "b": [1]} == store.load()


@pytest.mark.parametrize("make", MAKERS)
def test_files_of_another_kind(tmp_path: Path, make: Callable[[Path], SwapStore]) -> None:
    """They are an error, and stay as they are."""
    (tmp_path / "file").write_text("[1, 2]")
    for call in (make(tmp_path / "file").load, lambda: make(tmp_path / "file").save("a", 1)):
        with pytest.raises((OSError, ValueError)):
            call()
    assert "[1, 2]" == (tmp_path / "file").read_text()


def test_a_failed_write_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves the settings file as it was, and no draft beside it."""
    (tmp_path / "file").write_text('{"slackToken": "xoxb"}')

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        JsonStore(tmp_path / "file").save("a", 1)
    assert {"slackToken": "xoxb"} == json.loads((tmp_path / "file").read_text())
    assert ["file"] == [path.name for path in tmp_path.iterdir()]


def test_the_id_is_changed_with_sql(tmp_path: Path) -> None:
    """It stands in `server_state` as a JSON string; whoever writes another one there is another server."""  # 001-23
    given = {"policy": "sirveo", "key": "", "database": SqliteStore(tmp_path / "own.db")}
    with telemetry(tmp_path, **given) as sending:
        first = sending.status().instance
    other = "0b0c7a52-7777-4888-9999-aaaabbbbcccc"
    with sqlite3.connect(tmp_path / "own.db") as connection:
        [found] = connection.execute("select value from server_state where key = 'instance_id'").fetchone()
        connection.execute("update server_state set value = ? where key = 'instance_id'", (f'"{other}"',))
    connection.close()
    assert f'"{first}"' == found
    with telemetry(tmp_path, **given) as sending:
        assert other == sending.status().instance
