"""Files that pages load: their addresses, and how they are answered."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient
from structlog.testing import capture_logs

from homing.server.dashboard.assets import PREFIX, Assets, accepts_gzip, read_assets, serve_asset

LONG: Final = b"/* long */ " * 100
FILES: Final = {"a.css": LONG, "b.js": b"b", "c.svg": b"<svg/>", "LICENSE": b"free", "d.js.map": b"{}"}

Client = TestClient[Litestar]


def folder(place: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """Write files into a new folder."""
    place.mkdir()
    for name, content in files.items():
        (place / name).write_bytes(content)
    return place


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    """The files above."""
    return read_assets([folder(tmp_path / "static")])


@pytest.fixture
def client(assets: Assets) -> Iterator[Client]:
    """A client of a server of those files."""
    served = Litestar(
        [serve_asset], dependencies={"assets": Provide(lambda: assets, sync_to_thread=False)}, logging_config=None
    )
    with TestClient(served) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.css", "text/css; charset=utf-8"),
        ("b.js", "text/javascript; charset=utf-8"),
        ("c.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_a_file_is_served(client: Client, assets: Assets, name: str, media_type: str) -> None:
    """A file is at its address, with its type, and may be kept for good."""
    answer = client.get(assets.url(name))
    assert (200, FILES[name]) == (answer.status_code, answer.content)
    assert media_type == answer.headers["content-type"]
    assert "public, max-age=31536000, immutable" == answer.headers["cache-control"]
    assert "accept-encoding" == answer.headers["vary"]


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("name", ["a.css", "b.js"])
def test_head_says_what_get_would(client: Client, assets: Assets, name: str, accepted: str) -> None:
    """HEAD is answered as GET is, without the content."""
    headers = {"Accept-Encoding": accepted}
    head, get = (client.request(method, assets.url(name), headers=headers) for method in ("HEAD", "GET"))
    assert (200, b"") == (head.status_code, head.content)
    assert dict(get.headers) == dict(head.headers)


@pytest.mark.parametrize(
    ("name", "accepted", "encoding"),
    [("a.css", "gzip, br", "gzip"), ("a.css", "identity", None), ("b.js", "gzip", None)],
)
def test_compression(client: Client, assets: Assets, name: str, accepted: str, encoding: str | None) -> None:
    """A file is compressed where the browser can read that and it is smaller so."""
    with client.stream("GET", assets.url(name), headers={"Accept-Encoding": accepted}) as answer:
        body = b"".join(answer.iter_raw())
    assert encoding == answer.headers.get("content-encoding")
    assert str(len(body)) == answer.headers["content-length"]
    assert FILES[name] == (gzip.decompress(body) if encoding else body)


@pytest.mark.parametrize(
    ("accepted", "accepts"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("gzip; q=0.01", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
        ("x-gzip", False),
        ("", False),
    ],
)
def test_accepting_gzip(accepted: str, accepts: bool) -> None:  # noqa: FBT001 - a row of the table
    """Accept-Encoding is read as HTTP has it: a weight of nothing is a no."""
    assert accepts == accepts_gzip(accepted)


@pytest.mark.parametrize("name", ["LICENSE", "d.js.map", "gone.js", "../assets.py"])
def test_nothing_else_is_served(client: Client, assets: Assets, name: str) -> None:
    """What is not of a kind that pages load, or not there, has an address at which nothing is found."""
    answer = client.get(assets.url(name))
    assert (404, None) == (answer.status_code, answer.headers.get("cache-control"))


@pytest.mark.parametrize("path", ["", "/", "/a.css", "/000000000000/a.css"])
def test_an_address_needs_its_stamp(client: Client, path: str) -> None:
    """A file is at no address but its own: a later version never answers for an earlier one."""
    assert 404 == client.get(PREFIX + path).status_code


@pytest.mark.parametrize("changes", [{"b.js": b"B"}, {"e.css": b""}, {"b.js": b"", "bb.js": b"b"}])
def test_stamps(tmp_path: Path, changes: dict[str, bytes]) -> None:
    """Any change in a folder changes the addresses of all its files; the same content has the same ones."""
    before, same, after = (
        read_assets([folder(tmp_path / name, files)])
        for name, files in (("before", FILES), ("same", FILES), ("after", {**FILES, **changes}))
    )
    assert before.url("a.css") == same.url("a.css") != after.url("a.css")


def test_folders_have_stamps_of_their_own(tmp_path: Path) -> None:
    """What browsers keep of one folder stays good when another changes."""
    library = folder(tmp_path / "vendor", {"library.js": b"1"})
    one, other = (read_assets([folder(tmp_path / name, {"a.js": name.encode()}), library]) for name in ("one", "other"))
    assert one.url("library.js") == other.url("library.js")
    assert one.url("a.js") != other.url("a.js")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    """Without the libraries the receiver starts all the same, and its log says what is missing."""
    with capture_logs() as lines:
        assets = read_assets([folder(tmp_path / "static"), tmp_path / "vendor"])
    assert [("assets_missing", "vendor")] == [(line["event"], line["folder"]) for line in lines]
    assert assets.url("a.css") != assets.url("library.js") == f"{PREFIX}/missing/library.js"


def test_the_libraries_are_there() -> None:
    """Set-up brought what the templates load."""
    with capture_logs() as lines:
        assets = read_assets()
    assert [] == lines
    missing = [name for name in ("echarts.common.min.js", "htmx.min.js") if "/missing/" in assets.url(name)]
    assert [] == missing
