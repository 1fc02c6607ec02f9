"""Who is asking: an owner with a session, or the holder of an app's read key."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.exceptions import ClientException, NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import SecurityScheme

from homing.clock import Clock
from homing.server.accounts.accounts import Accounts
from homing.server.accounts.directory import Directory
from homing.server.accounts.door import Door
from homing.server.api.eraser import Eraser
from homing.server.dialects.base import Dialect, bearer
from homing.server.ingest.addresses import AddressOf
from homing.server.ingest.exchange import Text
from homing.server.ingest.live import Live
from homing.server.metrics import Metrics
from homing.server.reader.client import ReaderClient
from homing.server.stores.base import App, Control, Owner

COOKIE: Final = "homing_session"
KEY: Final = "key"
SESSION: Final = "session"

SECURITY: Final = {
    KEY: SecurityScheme("http", scheme="bearer", description="An app key with the scope read."),
    SESSION: SecurityScheme("apiKey", name=COOKIE, security_scheme_in="cookie", description="Set by signing in."),
}
"""The ways to say who asks, as the API's description names them."""

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


class Services(NamedTuple):
    """What handlers work with."""

    accounts: Accounts
    directory: Directory
    reader: ReaderClient
    metrics: Metrics
    clock: Clock
    door: Door
    address_of: AddressOf
    checks: Callable[[], Mapping[str, bool]]
    release: Callable[[int, str], bool]
    live: Live
    eraser: Eraser
    control: Control
    dialects: Sequence[Dialect]
    secure_cookies: bool
    public_url: str


class Caller(NamedTuple):
    """Somebody who may ask: the owner's number, and the apps they may ask about."""

    owner: int
    apps: tuple[App, ...]


async def caller(request: AnyRequest, services: NamedDependency[Services]) -> Caller:
    """Return who asks; refuse with 401 or 403."""
    key = bearer(request.headers)
    if key is not None:
        return _by_key(key, services.directory)
    owner = await session_owner(request, services)
    if owner.must_change:
        raise PermissionDeniedException("Change the one-time password first.")
    return Caller(owner.id, tuple(services.directory.apps(owner.id)))


async def session_owner(request: AnyRequest, services: Services) -> Owner:
    """Return the owner whose session the request carries; refuse with 401."""
    found = await known_owner(request, services)
    if found is None:
        raise NotAuthorizedException("Sign in, or send a read key as Authorization: Bearer.")
    return found


async def known_owner(request: AnyRequest, services: Services) -> Owner | None:
    """Return the owner whose session the request carries, None without one."""
    token = request.cookies.get(COOKIE)
    return await asyncio.to_thread(services.accounts.session_owner, token) if token else None


def address_of(request: AnyRequest, services: Services) -> str:
    """Return the address that a request came from."""
    # A header may come twice: only the last of its addresses was written by the nearest proxy.
    headers = Text.of(request.scope["headers"])
    return services.address_of(request.client.host if request.client else "", headers)


def endpoint_of(request: AnyRequest, services: Services) -> str:
    """Return where this receiver is reached, as far as whoever asks can tell."""
    return (services.public_url or str(request.base_url)).rstrip("/")


async def change(services: Services, work: Callable[[], T]) -> T:
    """Change control data, and let this process know at once; another one on the same store notices within a second."""
    done = await asyncio.to_thread(work)
    await asyncio.to_thread(services.directory.refresh)
    return done


def parameters(request: AnyRequest) -> dict[str, list[str]]:
    """Return the values of each parameter in the address of a request."""
    # Each time it is asked for, the framework makes it anew.
    found = request.query_params
    return {name: found.getall(name) for name in found}


def only_json(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Refuse a body that does not call itself JSON: a form on another site cannot send that."""
    kind, _, _ = connection.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != MediaType.JSON:
        raise ClientException("Send the body as application/json.", status_code=415)


def _by_key(key: str, directory: Directory) -> Caller:
    app = directory.reader(key)
    if app is not None:
        return Caller(app.owner, (app,))
    if directory.known(key):
        raise PermissionDeniedException("This app key may only send; use one with the scope read.")
    raise NotAuthorizedException("This app key is not known here, or was revoked.")
