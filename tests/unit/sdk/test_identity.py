"""Who an installation is."""

import os
import stat
import threading
import uuid
from pathlib import Path

import pytest

from homing.clock import SystemClock
from homing.sdk.identity import INSTANCE_FILE, TOKEN_FILE, Identity, IdentityFiles, default_directory

KNOWN = "3f1c0f0a-1111-4222-8333-444455556666"


def files(directory: Path, *, with_token: bool = True) -> IdentityFiles:
    """Return the files in a directory."""
    return IdentityFiles(directory, clock=SystemClock(), with_token=with_token)


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


def test_many_at_once_agree(tmp_path: Path) -> None:
    """Those that begin at the same time find one identity."""
    found: list[Identity] = []
    begin = threading.Barrier(8)

    def make() -> None:
        begin.wait()
        found.append(files(tmp_path / "together").make())

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (8, 1) == (len(found), len(set(found)))
    assert {INSTANCE_FILE, TOKEN_FILE} == {path.name for path in (tmp_path / "together").iterdir()}


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
