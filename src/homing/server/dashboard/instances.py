"""The pages of instances: the list, one of them, and the release of its token."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from homing.clock import day_of
from homing.errors import NotFound
from homing.server.api.callers import AnyRequest, Services, parameters
from homing.server.counting.sets import Plan, plan
from homing.server.dashboard.asking import asked
from homing.server.dashboard.guard import tells_of
from homing.server.dashboard.pages import VARY, Visitor, app_of, page
from homing.server.dashboard.views_instances import (
    OWN,
    PATH,
    Place,
    controls,
    found_in_words,
    headings,
    instance_id_of,
    instance_path,
    last_report,
    moment,
    place_of,
    rows,
    timeline,
)
from homing.server.dashboard.views_numbers import days_in_words
from homing.server.ingest.veil import is_hashed
from homing.server.query.question import Query
from homing.server.query.report import Sets
from homing.server.stores.base import App, Instance

PAGE_ROWS: Final = 50
PAGE_ENTRIES: Final = 20
ONE: Final = f"{PATH}/{{app_name:str}}/{{segment:str}}"
RELEASE: Final = f"{ONE}/release"
_SEE_OTHER: Final = 303


@get(PATH)
async def list_instances(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Template:
    """Show the instances of an app; of a list that goes on, the next part alone."""
    given = parameters(request)
    if not visitor.apps:
        return page("instances_none.html", visitor)
    app = app_of(visitor, given["app"][0]) if "app" in given else visitor.apps[0]
    place = place_of(given)
    about = {name: each for name, each in given.items() if name not in OWN}
    query = asked(visitor, about, today=day_of(services.clock.now()))
    found = await services.reader.instances(
        visitor.owner.id,
        app.id,
        asked=_plan(query, app) if place.is_narrowed else None,
        # What looks like an address or an e-mail is known by its hash alone.
        search=services.directory.target(app).veil.instance(place.search),
        sort=place.sort,
        after=place.after,
        limit=PAGE_ROWS,
    )
    return page(
        _template(request, place),
        visitor,
        headers=VARY,
        headings=headings(place),
        rows=rows(app.name, found.items, now=services.clock.now()),
        more=place.link(after=found.after) if found.after else None,
        found=found_in_words(len(found.items), place, has_more=found.after is not None),
        is_part="hx-request" in request.headers,
        search=place.search,
        goes_on=place.after is not None,
        controls=controls(place, [each.name for each in visitor.apps], chosen=app.name),
        period=days_in_words(query.days) if place.is_narrowed else None,
    )


def _template(request: AnyRequest, place: Place) -> str:
    if "hx-request" not in request.headers:
        return "instances.html"
    return "instances_rows.html" if place.after else "instances_list.html"


def _plan(query: Query, app: App) -> Plan:
    return plan([Sets(query).clients(apps=[app.id])])


@get(ONE)
async def show_instance(
    request: AnyRequest,
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
    segment: FromPath[str],
) -> Template:
    """Show one instance and what it sent; of a history that goes on, the next part alone."""
    app, found = await _instance(visitor, services, app_name, segment)
    after = request.query_params.get("after")
    history = await services.reader.history(app.id, instance_id=found.instance_id, after=after, limit=PAGE_ENTRIES)
    now, path = services.clock.now(), instance_path(app.name, found.instance_id)
    return page(
        "instance_history.html" if "hx-request" in request.headers else "instance.html",
        visitor,
        headers=VARY,
        app=app.name,
        instance_id=found.instance_id,
        bound=found.bound,
        is_hashed=is_hashed(found.instance_id),
        first_seen=moment(found.first_seen, now),
        report=last_report(found, now),
        path=path,
        entries=timeline(history.items, now),
        more=f"{path}?{urlencode({'after': history.after})}" if history.after else None,
        goes_on=after is not None,
        is_part="hx-request" in request.headers,
        released=tells_of(request, "released"),
    )


@get(RELEASE)
async def ask_release(
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
    segment: FromPath[str],
) -> Response[Any]:
    """Ask whether the token shall be released; where none is bound there is nothing to ask."""
    app, found = await _instance(visitor, services, app_name, segment)
    path = instance_path(app.name, found.instance_id)
    if not found.bound:
        return Redirect(path, status_code=_SEE_OTHER)
    return page("instance_release.html", visitor, app=app.name, instance_id=found.instance_id, path=path)


@post(RELEASE)
async def release(
    services: NamedDependency[Services],
    *,
    visitor: NamedDependency[Visitor],
    app_name: FromPath[str],
    segment: FromPath[str],
) -> Redirect:
    """Forget the token an instance is bound to, and go back to it."""
    app = app_of(visitor, app_name)
    instance_id = instance_id_of(segment)
    released = await asyncio.to_thread(services.release, app.id, instance_id)
    path = instance_path(app.name, instance_id)
    return Redirect(f"{path}?released=1" if released else path, status_code=_SEE_OTHER)


async def _instance(visitor: Visitor, services: Services, app_name: str, segment: str) -> tuple[App, Instance]:
    app, instance_id = app_of(visitor, app_name), instance_id_of(segment)
    found = await services.reader.instance(app.id, services.directory.target(app).veil.instance(instance_id))
    if found is None:
        message = f"{app.name} has never heard from an instance {instance_id!r}, or its data is past its keep."
        raise NotFound(message)
    return app, found
