"""Which proxy stands between this machine and a receiver, as the environment says."""

import base64
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from homing.sdk.endpoint import Endpoint, parse
from homing.settings import environment_values

VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
CGI: Final = "REQUEST_METHOD"
"""Where this is set a web server started the program, and HTTP_PROXY may be a header that a visitor sent."""


class Proxy(NamedTuple):
    """A proxy, and what it is told of who asks. It does not show its password."""

    endpoint: Endpoint
    authorization: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.endpoint.authority!r})"

    @property
    def headers(self) -> Mapping[str, str]:
        """The header that lets the request through."""
        return {"Proxy-Authorization": self.authorization} if self.authorization else {}


def proxies() -> dict[str, str]:
    """Return what the environment says of proxies, by the names in small letters, which come first."""
    found = environment_values([*VARIABLES, *map(str.upper, VARIABLES), CGI])
    named = {name: found.get(name) or found.get(name.upper(), "") for name in VARIABLES}
    if CGI in found:
        named["http_proxy"] = found.get("http_proxy", "")
    return named


def proxy_for(endpoint: Endpoint, named: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an address, None where there is none; raise `OSError` for one that cannot be used."""
    url = named.get(f"{endpoint.scheme}_proxy") or named.get("all_proxy", "")
    if not url or _is_here(endpoint.host) or _is_excepted(endpoint, named.get("no_proxy", "")):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http":
        raise OSError("the proxy's address must begin with http://")
    secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
    plain = parse(f"http://{parts.netloc.rpartition('@')[2]}")
    return Proxy(plain, f"Basic {base64.b64encode(secret).decode()}" if parts.username else "")


def _is_here(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _is_excepted(endpoint: Endpoint, exceptions: str) -> bool:
    named = (f".{endpoint.host}", f".{endpoint.host}:{endpoint.port}")
    for each in exceptions.lower().split(","):
        name = each.strip().removeprefix("*").removeprefix(".")
        if each.strip() == "*" or (name and any(host.endswith(f".{name}") for host in named)):
            return True
    return False
