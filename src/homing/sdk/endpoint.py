"""The address that pings are sent to."""

from typing import Any, Final, NamedTuple

PORTS: Final = {"http": 80, "https": 443}
MOST_CHARACTERS: Final = 1000


class Endpoint(NamedTuple):
    """An address that was checked, in the parts a request needs."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The host as the header Host has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: Any) -> Endpoint:
    """Return the parts of an address; raise `ValueError` with the reason when it is none that can be used."""
    from urllib.parse import urlsplit

    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be a URL in ASCII without spaces")
    if len(url) > MOST_CHARACTERS:
        raise ValueError(f"must have at most {MOST_CHARACTERS} characters")
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("must begin with https:// or http:// and name a host")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("must hold neither a password nor a fragment")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path
    return Endpoint(url, parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], path)


def at(endpoint: Endpoint, path: str) -> Endpoint:
    """Return the same host with another path."""
    return parse(f"{endpoint.scheme}://{endpoint.authority}{path}")
