"""Signing in and out, and changing the password."""

from typing import Annotated, Final

import msgspec
from litestar import Response, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from homing.server.accounts.accounts import MOST_PASSWORD, SESSION_DAYS
from homing.server.api.callers import COOKIE, SESSION, AnyRequest, Services, address_of, only_json, session_owner
from homing.server.api.reports import PROBLEMS, problem

_Text = Annotated[str, msgspec.Meta(max_length=MOST_PASSWORD)]

WITH_BODY: Final = {
    **PROBLEMS,
    413: problem("The body is too large."),
    415: problem("The body does not call itself application/json."),
}
TOO_MANY: Final = {429: problem("Too many tries; wait.")}
NOTHING: Final = {204: ResponseSpec(None, description="Done.")}
DAY_SECONDS: Final = 86_400


class Credentials(msgspec.Struct):
    """A name and a password."""

    name: _Text
    password: _Text


class NewPassword(msgspec.Struct):
    """The present password and the one to have."""

    old: _Text
    new: _Text


class SignedIn(msgspec.Struct):
    """Who is signed in; `must_change` says that the one-time password must be changed first."""

    name: str
    must_change: bool


@post(
    "/api/v1/sign-in",
    status_code=200,
    operation_id="sign-in",
    summary="Sign in",
    responses={**WITH_BODY, **TOO_MANY},
    guards=[only_json],
)
async def sign_in(
    request: AnyRequest, services: NamedDependency[Services], *, data: JSONBody[Credentials]
) -> Response[SignedIn]:
    """Check name and password, and set the session's cookie."""
    owner, token = await services.door.sign_in(
        data.name, data.password, address=address_of(request, services), previous=request.cookies.get(COOKIE)
    )
    return Response(SignedIn(owner.name, owner.must_change), cookies=[session_cookie(services, token)])


@post(
    "/api/v1/sign-out",
    status_code=204,
    operation_id="sign-out",
    summary="Sign out",
    responses={**PROBLEMS, **NOTHING},
    security=[{SESSION: []}],
)
async def sign_out(request: AnyRequest, services: NamedDependency[Services]) -> Response[None]:
    """End the session."""
    await session_owner(request, services)
    await services.door.sign_out(request.cookies[COOKIE])
    return Response(None, status_code=204, cookies=[no_cookie(services)])


@post(
    "/api/v1/password",
    status_code=204,
    operation_id="password",
    summary="Change the password",
    responses={**WITH_BODY, **TOO_MANY, **NOTHING},
    guards=[only_json],
    security=[{SESSION: []}],
)
async def change_password(
    request: AnyRequest, services: NamedDependency[Services], *, data: JSONBody[NewPassword]
) -> None:
    """Change the password of the owner who is signed in; every session ends, this one too."""
    owner = await session_owner(request, services)
    await services.door.change_password(owner, old=data.old, new=data.new, address=address_of(request, services))


def session_cookie(services: Services, token: str) -> Cookie:
    """Return the cookie that keeps a session."""
    # Lax, so that a link to a page opens it; who may act with it is decided elsewhere (docs/decisions/0009).
    return Cookie(
        key=COOKIE,
        value=token,
        max_age=SESSION_DAYS * DAY_SECONDS,
        path="/",
        httponly=True,
        secure=services.secure_cookies,
        samesite="lax",
    )


def no_cookie(services: Services) -> Cookie:
    """Return the cookie that takes a session's away."""
    gone = session_cookie(services, "")
    gone.max_age = 0
    return gone
