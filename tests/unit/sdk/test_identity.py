"""Who an installation is."""

import os
import stat
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from homing import JsonStore, SqliteStore
from homing.clock import SystemClock
from homing.sdk.identity import (
    INSTANCE_FILE,
    MOST_WHO,
    RENEWED_FILE,
    RESET,
    TOKEN_FILE,
    FilePlace,
    Identities,
    Identity,
    StorePlace,
    default_directory,
)
from homing.sdk.stores import Store

KNOWN = "3f1c0f0a-1111-4222-8333-444455556666"


MAKERS: Final[list[Callable[[Path], Store]]] = [SqliteStore, JsonStore]


def stored(store: Store) -> Identities:
    """Return the identity in a store."""
    return Identities(StorePlace(store, "id"), clock=SystemClock(), with_token=True)


def files(directory: Path, *, with_token: bool = True) -> Identities:
    """Return the files in a directory."""
    return Identities(FilePlace(directory), clock=SystemClock(), with_token=with_token)


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_made_once(tmp_path: Path) -> None:
    """It is a random UUID and 43 characters, the same ever after."""  # 000-04
    place = tmp_path / "a" / "b"
    assert files(place).read() is None
    assert not place.exists()
    made = files(place).make()
    assert (4, 43) == (uuid.UUID(made.instance).version, len(made.token))
    assert made == files(place).make() == files(place).read()


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """Both files are 0600 in a directory that is 0700, whatever the mask says; open ones are closed."""
    place = tmp_path / "own"
    before = os.umask(0)
    try:
        files(place).make()
    finally:
        os.umask(before)
    assert [0o700, 0o600, 0o600] == [mode(place), mode(place / INSTANCE_FILE), mode(place / TOKEN_FILE)]
    (place / TOKEN_FILE).chmod(0o644)
    files(place).make()
    assert 0o600 == mode(place / TOKEN_FILE)


def test_no_token_where_the_form_has_none(tmp_path: Path) -> None:
    """The native form leaves no secret on the disk."""
    assert "" == files(tmp_path, with_token=False).make().token
    assert [INSTANCE_FILE] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", KNOWN[:-1].encode(), b"{" + KNOWN.encode() + b"}"])
def test_an_invalid_id_is_remade(tmp_path: Path, content: bytes) -> None:
    """Whatever is no UUID is replaced by one; the token stays."""
    token = files(tmp_path).make().token
    (tmp_path / INSTANCE_FILE).write_bytes(content)
    assert files(tmp_path).read() is None
    made = files(tmp_path).make()
    assert (4, token) == (uuid.UUID(made.instance).version, made.token)
    assert made == files(tmp_path).read()


@pytest.mark.parametrize("content", [KNOWN, f"{KNOWN}\n", KNOWN.upper(), "c232ab00-9414-11ec-b3c8-9f6bdeced846"])
def test_a_valid_id_is_kept(tmp_path: Path, content: str) -> None:
    """Any UUID will do, with or without the end of a line."""
    (tmp_path / INSTANCE_FILE).write_text(content)
    assert content.strip() == files(tmp_path).make().instance


def test_an_invalid_token_is_remade(tmp_path: Path) -> None:
    """The id stays."""
    instance = files(tmp_path).make().instance
    (tmp_path / TOKEN_FILE).write_text("short")
    assert files(tmp_path).read() is None
    made = files(tmp_path).make()
    assert (instance, 43) == (made.instance, len(made.token))


def together(make: Callable[[], Identity]) -> list[Identity]:
    """Make an identity in eight threads at once."""
    begin = threading.Barrier(8)

    def run(_number: int) -> Identity:
        begin.wait()
        return make()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(8)))


def test_many_at_once_agree(tmp_path: Path) -> None:
    """Those that begin at the same time find one identity."""
    found = together(lambda: files(tmp_path / "together").make())
    assert (8, 1) == (len(found), len(set(found)))
    assert {INSTANCE_FILE, TOKEN_FILE} == {path.name for path in (tmp_path / "together").iterdir()}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("before", [None, "nonsense", 7, {"a": [1]}])
def test_many_at_once_agree_in_a_store(tmp_path: Path, make: Callable[[Path], Store], before: Any) -> None:
    """They swap values: whatever stood there before, all find what the first has made."""
    if before is not None:
        make(tmp_path / "file").save("id", before)
    found = together(lambda: stored(make(tmp_path / "file")).make())
    assert 1 == len(set(found))
    assert found[0] == stored(make(tmp_path / "file")).read()


class Plain:
    """What an application may bring: names with values, and nothing else."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        return dict(self.kept)

    def save(self, name: str, value: Any) -> None:
        self.kept[name] = value


def test_an_application_s_own_store() -> None:
    """It needs to know nothing of swapping."""
    store = Plain()
    store.save("id", "nonsense")
    made = stored(store).make()
    assert made == stored(store).make() == stored(store).read()
    assert {"id": made.instance, "id.token": made.token} == store.kept


# Another identity.


def test_reset(tmp_path: Path) -> None:
    """Id and token are others, who wanted it is kept, and nobody else may read it."""
    first = files(tmp_path).make()
    assert files(tmp_path).renewal() is None
    made = files(tmp_path).reset("ada" * MOST_WHO)
    assert not set(first) & set(made)
    assert made == files(tmp_path).read() == files(tmp_path).make()
    renewal = files(tmp_path).renewal()
    assert renewal is not None
    assert (RESET, ("ada" * MOST_WHO)[:MOST_WHO]) == (renewal.why, renewal.who)
    assert {0o600} == {mode(path) for path in tmp_path.iterdir()}


@pytest.mark.parametrize("make", MAKERS)
def test_reset_in_a_store(tmp_path: Path, make: Callable[[Path], Store]) -> None:
    """What else is kept there stays."""
    store = make(tmp_path / "file")
    store.save("telemetry.enabled", True)
    first = stored(store).make()
    made = stored(store).reset("ada")
    assert not set(first) & set(made)
    renewal = stored(store).renewal()
    assert renewal is not None
    assert "ada" == renewal.who
    kept = make(tmp_path / "file").load()
    assert (True, made.instance) == (kept.pop("telemetry.enabled"), kept.pop("id"))
    assert {"id.token", "id.renewed"} == set(kept)


@pytest.mark.parametrize("text", ["", "nonsense", "5", "[]", '{"at": "x", "why": "", "who": ""}', "{}"])
def test_a_renewal_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """It counts as none."""
    files(tmp_path).make()
    (tmp_path / RENEWED_FILE).write_text(text)
    assert files(tmp_path).renewal() is None


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves no draft and no half of a file."""

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files(tmp_path).make()
    assert [] == list(tmp_path.iterdir())


def test_the_token_does_not_show_itself(tmp_path: Path) -> None:
    """Neither in repr nor in str."""
    made = files(tmp_path).make()
    assert made.token not in f"{made!r} {made}"


def test_the_usual_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is the user's state directory; a relative one counts as unset, and without a home there is none."""
    monkeypatch.setenv("HOME", "/somewhere")
    assert Path("/somewhere/.local/state/acme/telemetry") == default_directory("acme")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert tmp_path / "acme" / "telemetry" == default_directory("acme")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert Path("/somewhere/.local/state/acme/telemetry") == default_directory("acme")

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(OSError, match="no home"):
        default_directory("acme")
