"""The pages to sign in and out, and to change the password: plain forms that need no script."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.response import Redirect, Template

from homing.errors import AccountError
from homing.outcomes import Refusal
from homing.server.accounts.accounts import LEAST_PASSWORD, MOST_PASSWORD
from homing.server.api.callers import COOKIE, AnyRequest, Services, address_of, known_owner
from homing.server.api.errors import Trouble, trouble_of
from homing.server.api.sessions import no_cookie, session_cookie
from homing.server.dashboard.guard import HOME, PASSWORD, SIGN_IN, SIGN_OUT, Elsewhere, local_path, onward, tells_of
from homing.server.dashboard.pages import Visitor, page
from homing.server.stores.base import Owner

MOST_FIELDS: Final = 10
_SEE_OTHER: Final = 303
_NOTHING: Final = Trouble(200, "", {})


@get(SIGN_IN)
async def show_sign_in(request: AnyRequest, services: NamedDependency[Services]) -> Response[Any]:
    """Show the form to sign in; who is signed in already goes on."""
    back = local_path(request.query_params.get("next", HOME))
    if await known_owner(request, services) is not None:
        return Redirect(back, status_code=_SEE_OTHER)
    return _sign_in_page(_NOTHING, back=back)


@post(SIGN_IN)
async def sign_in(request: AnyRequest, services: NamedDependency[Services]) -> Response[Any]:
    """Sign in, and go to where the visitor wanted to go."""
    form = await read_form(request)
    name, back = form.get("name", ""), local_path(form.get("next", HOME))
    try:
        owner, token = await services.door.sign_in(
            name,
            form.get("password", ""),
            address=address_of(request, services),
            previous=request.cookies.get(COOKIE),
        )
    except Refusal as refusal:
        return _sign_in_page(trouble_of(refusal), back=back, name=name)
    onto = onward(PASSWORD, back) if owner.must_change else back
    return Redirect(onto, status_code=_SEE_OTHER, cookies=[session_cookie(services, token)])


def _sign_in_page(trouble: Trouble, *, back: str, name: str = "") -> Template:
    return page(
        "sign_in.html",
        status=trouble.status,
        headers=trouble.headers,
        sentence=trouble.sentence,
        name=name[:MOST_PASSWORD],
        back=back,
        most=MOST_PASSWORD,
    )


@post(SIGN_OUT)
async def sign_out(request: AnyRequest, services: NamedDependency[Services]) -> Redirect:
    """End the session, if there still is one."""
    token = request.cookies.get(COOKIE)
    if token:
        await services.door.sign_out(token)
    return Redirect(SIGN_IN, status_code=_SEE_OTHER, cookies=[no_cookie(services)])


@get(PASSWORD)
async def show_password(request: AnyRequest, services: NamedDependency[Services]) -> Response[Any]:
    """Show the form to change the password."""
    back = local_path(request.query_params.get("next", HOME))
    changed = tells_of(request, "changed")
    return _password_page(await _owner(request, services, back), _NOTHING, back=back, changed=changed)


@post(PASSWORD)
async def change_password(request: AnyRequest, services: NamedDependency[Services]) -> Response[Any]:
    """Change the password; every session ends, and this browser gets a new one."""
    form = await read_form(request)
    back = local_path(form.get("next", HOME))
    owner = await _owner(request, services, back)
    new = form.get("new", "")
    if new != form.get("again", ""):
        return _password_page(owner, trouble_of(AccountError("The two new passwords differ.")), back=back)
    try:
        changed = await services.door.change_password(
            owner, old=form.get("old"), new=new, address=address_of(request, services)
        )
    except (AccountError, Refusal) as error:
        return _password_page(owner, trouble_of(error), back=back)
    _owner_again, token = await asyncio.to_thread(services.accounts.open_session, changed)
    onto = back if owner.must_change else f"{PASSWORD}?{urlencode({'changed': 1, 'next': back})}"
    return Redirect(onto, status_code=_SEE_OTHER, cookies=[session_cookie(services, token)])


def _password_page(owner: Owner, trouble: Trouble, *, back: str, changed: bool = False) -> Template:
    return page(
        "password.html",
        None if owner.must_change else Visitor(owner, ()),
        status=trouble.status,
        headers=trouble.headers,
        sentence=trouble.sentence,
        owner=owner,
        back=back,
        changed=changed,
        least=LEAST_PASSWORD,
        most=MOST_PASSWORD,
    )


async def _owner(request: AnyRequest, services: Services, back: str) -> Owner:
    owner = await known_owner(request, services)
    if owner is None:
        raise Elsewhere(onward(SIGN_IN, onward(PASSWORD, back)))
    return owner


async def read_form(request: AnyRequest) -> Mapping[str, str]:
    """Return the fields of a form; of one that is there twice, the last."""
    # The framework's own reader of forms would remember what it read, passwords too.
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise ClientException("This is not a form of this receiver.") from None
