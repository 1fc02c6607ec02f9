"""How update servers are asked, and what they answer. Nothing here looks outside."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from homing.sdk.endpoint import Endpoint, parse

MOST_ERROR: Final = 100
MOST_URL: Final = 4000
ALL_PERCENT: Final = 100


class Update(NamedTuple):
    """What an update server said, or what hindered it.

    `is_available` says that there is a release for this installation; `is_critical` that it should not be put off;
    `is_intermediate` that it is a step on the way to a later one; `is_waiting` that there is one, but for others first;
    `is_rollback` that this installation is newer than the latest release. `urls` are by the end of the file's name,
    under "" where the server names none. `version` is what SeqDesk's form tells, FaynoSync's does not.
    """

    is_available: bool = False
    version: str | None = None
    is_critical: bool = False
    urls: tuple[tuple[str, str], ...] = ()
    changelog: str | None = None
    is_intermediate: bool = False
    is_waiting: bool = False
    is_rollback: bool = False
    problem: str | None = None

    @property
    def url(self) -> str | None:
        """The first address."""
        return self.urls[0][1] if self.urls else None


class Rollout(NamedTuple):
    """A release for a part of all installations."""

    percent: int
    seed: str

    def includes(self, device: str) -> bool:
        """Tell whether a device is in that part, as the document's server wants it counted."""
        from hashlib import sha256

        digest = sha256(f"{device}:{self.seed}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % ALL_PERCENT < self.percent


class Form(NamedTuple):
    """How an update server is asked: its path, what its parameters are called, and how its answer is read."""

    path: str
    parameters: Mapping[str, str]
    read: Callable[[Mapping[str, Any]], tuple[Update, Rollout | None]]

    def endpoint(self, endpoint: Endpoint, asking: Mapping[str, str]) -> Endpoint:
        """Return where to ask; raise `ValueError` where an address cannot be asked so."""
        from urllib.parse import urlencode

        if "?" in endpoint.path:
            raise ValueError("must hold no query")
        named = {name: asking[own] for name, own in self.parameters.items() if asking[own]}
        return parse(f"{endpoint.url.rstrip('/')}?{urlencode(named)}")


def _read_faynosync(found: Mapping[str, Any]) -> tuple[Update, Rollout | None]:
    begin = "update_url"
    given = {name: url for name, url in found.items() if name.startswith(begin) and url != ""}
    update = Update(
        is_available=_switch(found, "update_available"),
        is_critical=_switch(found, "critical", otherwise=False),
        urls=tuple((name.removeprefix(begin).removeprefix("_"), _url(url)) for name, url in given.items()),
        changelog=_text(found, "changelog"),
        is_intermediate=_switch(found, "is_intermediate_required", otherwise=False),
        is_rollback=_switch(found, "possible_rollback", otherwise=False),
    )
    return update, _rollout(found.get("rollout"))


def _read_seqdesk(found: Mapping[str, Any]) -> tuple[Update, None]:
    latest = found.get("latest") or {}
    if not isinstance(latest, Mapping):
        raise ValueError("latest is no object")  # noqa: TRY004 - what a server said
    url = latest.get("downloadUrl")
    urls = (("", _url(url)),) if url else ()
    return Update(_switch(found, "updateAvailable"), _text(latest, "version"), urls=urls), None


FAYNOSYNC: Final = Form(
    "/checkVersion",
    {name: name for name in ("app_name", "version", "channel", "platform", "arch", "owner")},
    _read_faynosync,
)
SEQDESK: Final = Form("/api/version", {"current": "version", "channel": "channel"}, _read_seqdesk)
FORMS: Final[Mapping[str, Form]] = {"faynosync": FAYNOSYNC, "seqdesk": SEQDESK}
"""The forms by name."""

SIGNS: Final[Mapping[str, str]] = {
    "app_name": " -_",
    "version": ".-_+",
    "channel": "",
    "platform": "-",
    "arch": "_",
    "owner": ".-_@",
}
"""What each parameter may hold besides letters and digits."""

NEEDED: Final = ("app_name", "version")


def problems_of(asking: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each parameter that no server would take."""
    return [
        f"{name.removesuffix('_name')} must be 1 to {MOST_ERROR} letters, digits, or one of {SIGNS[name]!r}."
        for name, text in asking.items()
        if not _is_fine(text, SIGNS[name]) and (text != "" or name in NEEDED)
    ]


def _is_fine(text: Any, signs: str) -> bool:
    if not isinstance(text, str) or not text.isascii() or not 0 < len(text) <= MOST_ERROR:
        return False
    return all(each.isalnum() or each in signs for each in text)


def _switch(found: Mapping[str, Any], name: str, *, otherwise: bool | None = None) -> bool:
    value = found.get(name, otherwise)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false")  # noqa: TRY004 - what a server said
    return value


def _text(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    if not isinstance(value, str | None):
        raise ValueError(f"{name} is no text")  # noqa: TRY004 - what a server said
    return value or None


def _url(value: Any) -> str:
    from urllib.parse import urlsplit

    fine = isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= MOST_URL
    if not fine or urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        raise ValueError("it has an address that is none")
    return str(value)


def _rollout(found: Any) -> Rollout | None:
    if found is None:
        return None
    percent, seed = (found.get("percent"), found.get("seed")) if isinstance(found, Mapping) else (None, None)
    if not isinstance(percent, int | float) or not 0 <= percent <= ALL_PERCENT or not isinstance(seed, str | int):
        raise ValueError("rollout has no percent and seed")
    return Rollout(int(percent), str(seed))
