"""The page "Connect": where an app's products send to, and what arrived."""

from typing import Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from homing.server.api.callers import AnyRequest, Services, endpoint_of
from homing.server.dashboard.apps import ONE
from homing.server.dashboard.pages import Visitor, app_of, page
from homing.server.dashboard.views_apps import Arrival, app_path, arrival
from homing.server.dashboard.views_connect import Place, recipes
from homing.server.stores.base import App

POLL_SECONDS: Final = 2


@get(ONE)
async def show_connect(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
) -> Template:
    """Show how each product is connected to an app, and what the app heard last."""
    app = app_of(visitor, app_name)
    place = place_of(request, services, app=app)
    found = recipes(place, services.dialects)
    wanted = request.query_params.get("product")
    return page(
        "connect.html",
        visitor,
        app=app,
        path=app_path(app.name),
        place=place,
        recipes=found,
        recipe=next((each for each in found if each.name == wanted), found[0]),
        heard=await _heard(services, app),
        poll=POLL_SECONDS,
    )


@get(f"{ONE}/arrival")
async def show_arrival(
    services: NamedDependency[Services], *, visitor: NamedDependency[Visitor], app_name: FromPath[str]
) -> Template:
    """Show what the app heard last: the part of the page that changes by itself."""
    app = app_of(visitor, app_name)
    heard = await _heard(services, app)
    return page("connect_arrival.html", visitor, app=app, path=app_path(app.name), heard=heard, poll=POLL_SECONDS)


async def _heard(services: Services, app: App) -> Arrival | None:
    listed = await services.reader.instances(app.owner, app.id, limit=1)
    history = await services.reader.history(app.id, limit=1)
    instance, entry = (next(iter(each.items), None) for each in (listed, history))
    return arrival(app.name, instance, entry=entry, now=services.clock.now())


def place_of(request: AnyRequest, services: Services, *, app: App) -> Place:
    """Return where an app is reached, as far as whoever asks can tell."""
    return Place(app.name, endpoint_of(request, services), services.directory.send_key(app), app.demands_bearer)
