"""The pages of inbound webhooks: the list with the form for a new one, one to change, and what is asked first."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from homing.errors import AccountError, NameTaken, NotFound
from homing.server.accounts.webhooks import EVENT, KEY, add_webhook, change_webhook, path_of
from homing.server.api.callers import AnyRequest, Services, change, endpoint_of
from homing.server.dashboard.guard import tells_of
from homing.server.dashboard.pages import Visitor, page
from homing.server.dashboard.signing import read_form
from homing.server.stores.base import App, Webhook

PATH: Final = "/webhooks"
ONE: Final = f"{PATH}/{{number:int}}"
DELETE: Final = f"{ONE}/delete"
SWITCHES: Final = ("active", "persistent", "includes_input")
MOST_NAME: Final = 100
SUGGESTED: Final[Mapping[str, Any]] = {"key": KEY, "event": EVENT, **dict.fromkeys(SWITCHES, True)}
_SEE_OTHER: Final = 303
_BAD: Final = 400


@get(PATH)
async def list_webhooks(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Template:
    """Show the owner's webhooks, and the form for a new one."""
    return await _list_page(request, services, visitor, given=SUGGESTED)


async def _list_page(  # wide: what the page shows
    request: AnyRequest, services: Services, visitor: Visitor, *, given: Mapping[str, Any], problem: str = ""
) -> Template:
    return page(
        "webhooks.html",
        visitor,
        status=_BAD if problem else 200,
        rows=[(webhook, app.name) for webhook, app in await _own(services, visitor)],
        given=given,
        problem=problem,
        most=MOST_NAME,
        deleted=tells_of(request, "deleted"),
    )


@post(PATH)
async def make_webhook(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Make a webhook, and show its address."""
    form = await read_form(request)
    said = _said(form)
    app = next((each for each in visitor.apps if each.name == form.get("app")), None)
    if app is None:
        raise NotFound("You have no app of that name.")
    try:
        made = await change(services, lambda: add_webhook(services.control, services.clock, app=app.id, **said))
    except (AccountError, NameTaken) as error:
        return await _list_page(request, services, visitor, given=said, problem=str(error))
    return Redirect(f"{PATH}/{made.id}?saved=1", status_code=_SEE_OTHER)


@get(ONE)
async def show_webhook(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    number: FromPath[int],
) -> Template:
    """Show a webhook with its address, and what can be changed about it."""
    webhook, app = await _one(services, visitor, number)
    return _one_page(request, services, visitor, webhook=webhook, app=app)


# wide: what the page shows
def _one_page(
    request: AnyRequest, services: Services, visitor: Visitor, *, webhook: Webhook, app: App, problem: str = ""
) -> Template:
    return page(
        "webhook.html",
        visitor,
        status=_BAD if problem else 200,
        number=webhook.id,
        given=webhook._asdict(),
        app=app.name,
        url=f"{endpoint_of(request, services)}{path_of(webhook)}",
        problem=problem,
        most=MOST_NAME,
        saved=tells_of(request, "saved"),
    )


@post(ONE)
async def save_webhook(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    number: FromPath[int],
) -> Response[Any]:
    """Change a webhook; its token stays, so that its address changes with its key alone."""
    webhook, app = await _one(services, visitor, number)
    changed = webhook._replace(**_said(await read_form(request)))
    try:
        await change(services, lambda: change_webhook(services.control, changed))
    except (AccountError, NameTaken) as error:
        return _one_page(request, services, visitor, webhook=changed, app=app, problem=str(error))
    return Redirect(f"{PATH}/{number}?saved=1", status_code=_SEE_OTHER)


@get(DELETE)
async def ask_delete(
    services: NamedDependency[Services], *, visitor: NamedDependency[Visitor], number: FromPath[int]
) -> Template:
    """Ask whether a webhook shall be deleted."""
    webhook, app = await _one(services, visitor, number)
    return page("webhook_delete.html", visitor, webhook=webhook, app=app.name)


@post(DELETE)
async def delete_webhook(
    services: NamedDependency[Services], *, visitor: NamedDependency[Visitor], number: FromPath[int]
) -> Redirect:
    """Delete a webhook, and go back to the list."""
    webhook, _app = await _one(services, visitor, number)
    await change(services, lambda: services.control.drop_webhook(webhook.id))
    return Redirect(f"{PATH}?deleted=1", status_code=_SEE_OTHER)


def _said(form: Mapping[str, str]) -> dict[str, Any]:
    names = {name: form.get(name, "").strip() for name in ("key", "event")}
    return {**names, **{name: name in form for name in SWITCHES}}


async def _own(services: Services, visitor: Visitor) -> list[tuple[Webhook, App]]:
    apps = {app.id: app for app in visitor.apps}
    found = await asyncio.to_thread(services.control.webhooks)
    return [(webhook, apps[webhook.app]) for webhook in found if webhook.app in apps]


async def _one(services: Services, visitor: Visitor, number: int) -> tuple[Webhook, App]:
    for webhook, app in await _own(services, visitor):
        if webhook.id == number:
            return webhook, app
    raise NotFound("You have no webhook of that number.")
