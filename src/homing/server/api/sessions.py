"""Signing in and out, and changing the password."""

import asyncio
from typing import Annotated, Final

import msgspec
from litestar import Response, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from homing.outcomes import Refusal
from homing.server.accounts.accounts import MOST_PASSWORD, SESSION_DAYS
from homing.server.api.callers import COOKIE, SESSION, AnyRequest, Services, only_json, session_owner
from homing.server.api.reports import PROBLEMS, problem

_Text = Annotated[str, msgspec.Meta(max_length=MOST_PASSWORD)]

WITH_BODY: Final = {
    **PROBLEMS,
    413: problem("The body is too large."),
    415: problem("The body does not call itself application/json."),
}
TOO_MANY: Final = {429: problem("Too many tries; wait.")}
NOTHING: Final = {204: ResponseSpec(None, description="Done.")}


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
    try:
        peer = request.client.host if request.client else ""
        services.sign_in_limit.check(services.address_of(peer, request.headers), services.clock.monotonic())
    except Refusal as refusal:
        raise TooManyRequestsException(refusal.sentence, headers={"Retry-After": str(refusal.retry_after)}) from None
    found = await asyncio.to_thread(services.accounts.sign_in, data.name, data.password)
    if found is None:
        raise NotAuthorizedException("Name or password is not right.")
    owner, token = found
    return Response(SignedIn(owner.name, owner.must_change), cookies=[_cookie(services, token, SESSION_DAYS * 86_400)])


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
    await asyncio.to_thread(services.accounts.sign_out, request.cookies[COOKIE])
    return Response(None, status_code=204, cookies=[_cookie(services, "", 0)])


@post(
    "/api/v1/password",
    status_code=204,
    operation_id="password",
    summary="Change the password",
    responses={**WITH_BODY, **NOTHING},
    guards=[only_json],
    security=[{SESSION: []}],
)
async def change_password(
    request: AnyRequest, services: NamedDependency[Services], *, data: JSONBody[NewPassword]
) -> None:
    """Change the password of the owner who is signed in; every session ends, this one too."""
    owner = await session_owner(request, services)
    await asyncio.to_thread(services.accounts.change_password, owner, old=data.old, new=data.new)


def _cookie(services: Services, token: str, seconds: int) -> Cookie:
    # SameSite=Strict and bodies that must be JSON keep other sites from acting with the session.
    return Cookie(
        key=COOKIE,
        value=token,
        max_age=seconds,
        path="/",
        httponly=True,
        secure=services.secure_cookies,
        samesite="strict",
    )
