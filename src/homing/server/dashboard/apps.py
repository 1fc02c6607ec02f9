"""The pages of apps: the list with the form for a new one, keys and settings, what is asked before a change."""

import asyncio
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath
from litestar.response import Redirect, Template

from homing.clock import Clock
from homing.errors import AccountError, NameTaken
from homing.server.accounts.apps import add_app, demand_bearer, restore_app, retire_app
from homing.server.accounts.keys import (
    OVERLAPS,
    SCOPES,
    active_key,
    end_key,
    keep_key,
    make_key,
    rotate_key,
)
from homing.server.api.callers import AnyRequest, Services, change
from homing.server.dashboard import views_apps
from homing.server.dashboard.guard import tells_of
from homing.server.dashboard.pages import Visitor, app_of, page
from homing.server.dashboard.signing import read_form
from homing.server.dashboard.views_apps import PATH, app_path, names_of, rows, split_keys
from homing.server.stores.base import App, AppKey, Control

ONE: Final = f"{PATH}/{{app_name:str}}"
SETTINGS: Final = f"{ONE}/settings"
KEYS: Final = f"{ONE}/keys"
KEY: Final = f"{KEYS}/{{number:int}}"
MOST_NAME: Final = 100
DONE: Final = ("added", "kept", "ended", "restored", "retired", "bearer")
"""What the page of settings may have to say."""

_SEE_OTHER: Final = 303
_BAD: Final = 400


@get(PATH)
async def list_apps(services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]) -> Template:
    """Show the owner's apps, and the form for a new one."""
    return await _list_page(services, visitor)


async def _list_page(services: Services, visitor: Visitor, *, problem: str = "", **given: str) -> Template:
    keys = await asyncio.to_thread(services.control.app_keys)
    return page(
        "apps.html",
        visitor,
        status=_BAD if problem else 200,
        rows=rows(visitor.apps, keys, now=services.clock.now()),
        problem=problem,
        given={"name": "", "dimensions": "", **given},
        most=MOST_NAME,
    )


@post(PATH)
async def make_app(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Make an app with a key to send with, and show how to connect it."""
    form = await read_form(request)
    name, dimensions = form.get("name", "").strip(), form.get("dimensions", "")

    def make() -> App:
        place = _place(services)
        made = add_app(*place, owner=visitor.owner, name=name, dimensions=names_of(dimensions))
        make_key(*place, app=made, scope="send")
        return made

    try:
        made = await change(services, make)
    except (AccountError, NameTaken) as error:
        return await _list_page(services, visitor, problem=str(error), name=name[:MOST_NAME], dimensions=dimensions)
    return Redirect(app_path(made.name), status_code=_SEE_OTHER)


@get(SETTINGS)
async def show_settings(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
) -> Template:
    """Show an app's keys, and what can be changed about it."""
    app = app_of(visitor, app_name)
    done = next((name for name in DONE if tells_of(request, name)), "")
    return await _settings_page(services, visitor, app, done=done)


async def _settings_page(
    services: Services, visitor: Visitor, app: App, *, done: str = "", problem: str = ""
) -> Template:
    keys = await asyncio.to_thread(services.control.app_keys, app.id)
    active, ended = split_keys(keys, services.clock.now())
    return page(
        "app_settings.html",
        visitor,
        status=_BAD if problem else 200,
        app=app,
        path=app_path(app.name),
        active=active,
        ended=ended,
        scopes=views_apps.SCOPES,
        done=done,
        problem=problem,
    )


@post(KEYS)
async def add_key(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
) -> Response[Any]:
    """Give the app a key; one that is stored nowhere is shown at once, and never again."""
    app, form = app_of(visitor, app_name), await read_form(request)
    scope = next((each for each in SCOPES if each == form.get("scope")), None)
    if scope is None:
        raise ClientException("Choose what the key is for.")
    return _made(visitor, app, await change(services, lambda: make_key(*_place(services), app=app, scope=scope)))


def _made(visitor: Visitor, app: App, made: tuple[AppKey, str]) -> Response[Any]:
    row, plain = made
    if row.plain is not None:
        return _to_settings(app, "added")
    name, for_what = views_apps.SCOPES[row.scope]
    return page(
        "app_key_made.html", visitor, app=app, path=app_path(app.name), plain=plain, name=name, for_what=for_what
    )


@get([f"{KEY}/rotate", f"{KEY}/revoke"])
async def ask_end(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
    number: FromPath[int],
) -> Template:
    """Ask when a key shall end, and whether a new one takes its place."""
    app = app_of(visitor, app_name)
    key = await asyncio.to_thread(lambda: active_key(*_place(services), app=app, number=number))
    action = request.url.path.rpartition("/")[2]
    return page(
        "app_key_end.html",
        visitor,
        app=app,
        path=app_path(app.name),
        key=key,
        name=views_apps.SCOPES[key.scope][0],
        rotates=action == "rotate",
        overlaps=views_apps.OVERLAPS,
    )


@post(f"{KEY}/rotate")
async def rotate(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
    number: FromPath[int],
) -> Response[Any]:
    """Make a new key in place of one, which ends when it was chosen."""
    app, days = app_of(visitor, app_name), await _days(request)
    made = await change(services, lambda: rotate_key(*_place(services), app=app, number=number, days=days))
    return _made(visitor, app, made)


@post(f"{KEY}/revoke")
async def revoke(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
    number: FromPath[int],
) -> Redirect:
    """Let a key end when it was chosen."""
    app, days = app_of(visitor, app_name), await _days(request)
    await change(services, lambda: end_key(*_place(services), app=app, number=number, days=days))
    return _to_settings(app, "ended")


async def _days(request: AnyRequest) -> int:
    days = OVERLAPS.get((await read_form(request)).get("ends", ""))
    if days is None:
        raise ClientException("Choose when the key ends.")
    return days


@post(f"{KEY}/keep")
async def keep(
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
    number: FromPath[int],
) -> Redirect:
    """Take the end of a key back."""
    app = app_of(visitor, app_name)
    await change(services, lambda: keep_key(*_place(services), app=app, number=number))
    return _to_settings(app, "kept")


@post(f"{ONE}/bearer")
async def change_bearer(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
) -> Response[Any]:
    """Let the app demand a bearer token, or be open to its send keys."""
    app = app_of(visitor, app_name)
    demanded = (await read_form(request)).get("demanded") == "on"
    try:
        await change(services, lambda: demand_bearer(*_place(services), app=app, demanded=demanded))
    except AccountError as error:
        return await _settings_page(services, visitor, app, problem=str(error))
    return _to_settings(app, "bearer")


@get(f"{ONE}/retire")
async def ask_retire(visitor: NamedDependency[Visitor], *, app_name: FromPath[str]) -> Template:
    """Ask whether an app shall be retired, by its name."""
    return _retire_page(visitor, app_of(visitor, app_name))


def _retire_page(visitor: Visitor, app: App, *, problem: str = "") -> Template:
    status = _BAD if problem else 200
    return page("app_retire.html", visitor, status=status, app=app, path=app_path(app.name), problem=problem)


@post(f"{ONE}/retire")
async def retire(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
) -> Response[Any]:
    """Retire an app whose name was typed."""
    app = app_of(visitor, app_name)
    if (await read_form(request)).get("name", "").strip() != app.name:
        return _retire_page(visitor, app, problem="That is not the name of this app: nothing was changed.")
    await change(services, lambda: retire_app(services.control, app=app))
    return _to_settings(app, "retired")


@post(f"{ONE}/restore")
async def restore(
    services: NamedDependency[Services], *, visitor: NamedDependency[Visitor], app_name: FromPath[str]
) -> Redirect:
    """Let a retired app take pings again."""
    app = app_of(visitor, app_name)
    await change(services, lambda: restore_app(services.control, app=app))
    return _to_settings(app, "restored")


def _place(services: Services) -> tuple[Control, Clock]:
    return services.control, services.clock


def _to_settings(app: App, done: str) -> Redirect:
    return Redirect(f"{app_path(app.name)}/settings?{done}=1", status_code=_SEE_OTHER)
