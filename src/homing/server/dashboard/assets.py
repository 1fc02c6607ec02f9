"""What pages load: our own files in `static/`, and the browser libraries that set-up puts into `vendor/`.

Each folder has a stamp, made from all it holds, and the stamp is in the addresses: what an address answers never
changes, so browsers keep it for good, and files of one folder find each other by relative addresses.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import structlog
from litestar import HttpMethod, route
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from homing.server.api.callers import AnyRequest

FOLDERS: Final = (Path(__file__).with_name("static"), Path(__file__).with_name("vendor"))
PREFIX: Final = "/assets"
STAMP_DIGITS: Final = 12

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
}
"""What is served, by suffix; the licences beside the libraries are not."""

COMPRESSED: Final = "compressed"
"""The mark of a handler whose answers need no further compression."""

_GZIP: Final = re.compile(r"\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?", re.IGNORECASE)

log: Final = structlog.get_logger("homing.dashboard")


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    content: bytes
    media_type: str

    @cached_property
    def packed(self) -> bytes | None:
        """The content in gzip; None where that is not smaller."""
        packed = gzip.compress(self.content, mtime=0)
        return packed if len(packed) < len(self.content) else None


class Assets:
    """All files that pages load, by the path after `/assets/`: stamp and name."""

    def __init__(self, files: Mapping[str, Asset]) -> None:
        self._files = files
        self._paths = {path.partition("/")[2]: path for path in files}

    def url(self, name: str) -> str:
        """Return the address of a file; one that nothing is found at when there is no such file."""
        return f"{PREFIX}/{self._paths.get(name, f'missing/{name}')}"

    def find(self, path: str) -> Asset | None:
        """Return the file at a stamp and name."""
        return self._files.get(path)


def read_assets(folders: Sequence[Path] = FOLDERS) -> Assets:
    """Read all files of some folders; what becomes of them on disk later changes nothing."""
    return Assets(dict(each for folder in folders for each in _read_folder(folder)))


def _read_folder(folder: Path) -> Iterator[tuple[str, Asset]]:
    contents = {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.suffix in MEDIA_TYPES}
    if not contents:
        log.warning("assets_missing", folder=folder.name, answer="pages do without; scripts/serve brings them")
    stamp = _stamp(contents)
    for name, content in contents.items():
        yield f"{stamp}/{name}", Asset(content, MEDIA_TYPES[Path(name).suffix])


def _stamp(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:STAMP_DIGITS]


@route(
    f"{PREFIX}/{{path:path}}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    opt={COMPRESSED: True},
    # The first request for the largest file takes 50 ms to compress it, which pings need not wait for.
    sync_to_thread=True,
)
def serve_asset(request: AnyRequest, path: FromPath[str], *, assets: NamedDependency[Assets]) -> ASGIResponse:
    """Answer with one file."""
    found = assets.find(path.removeprefix("/"))
    if found is None:
        raise NotFoundException("No file is here.")
    packed = found.packed if accepts_gzip(request.headers.get("accept-encoding", "")) else None
    body = found.content if packed is None else packed
    headers = {
        "content-type": found.media_type,
        "content-length": str(len(body)),
        "cache-control": "public, max-age=31536000, immutable",
        "vary": "accept-encoding",
    }
    if packed is not None:
        headers["content-encoding"] = "gzip"
    is_head = request.method == HttpMethod.HEAD
    return ASGIResponse(body=b"" if is_head else body, headers=headers, is_head_response=is_head)


def accepts_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding allows gzip.

    >>> accepts_gzip("br;q=1.0, gzip;q=0.8"), accepts_gzip("gzip;q=0"), accepts_gzip("")
    (True, False, False)
    """
    return any(_GZIP.fullmatch(each) for each in accepted.split(","))
