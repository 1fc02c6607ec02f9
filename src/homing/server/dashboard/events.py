"""The pages of events: the list of their names, and one of them with its numbers and payloads."""

from typing import Any, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from homing.clock import day_of
from homing.errors import NotFound
from homing.ping import KIND
from homing.server.api.callers import AnyRequest, Services, parameters
from homing.server.dashboard.pages import Visitor, page
from homing.server.dashboard.views_address import DAYS, Address
from homing.server.dashboard.views_controls import DEFAULT_RANGE
from homing.server.dashboard.views_events import (
    AFTER,
    PATH,
    address_of,
    asked,
    controls,
    listed,
    numbers,
    older,
    payloads,
)
from homing.server.query.question import Query, parse
from homing.server.stores.base import App

PAGE_PAYLOADS: Final = 20
_VARY: Final = {"Vary": "HX-Request"}


@get(PATH)
async def show_events(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Template:
    """Show the events of an app; with `kind`, one of them; of payloads that go on, the next part alone."""
    given = parameters(request)
    if not visitor.apps:
        return page("events_none.html", visitor)
    app = _app(visitor, given.get("app", [visitor.apps[0].name])[0])
    address = address_of(given, app.name)
    kind = given.get(KIND, [""])[0]
    query = _query(visitor, services, address.putting(KIND, kind) if kind else address)
    choices = controls(
        address.putting(KIND, kind) if kind else address,
        [each.name for each in visitor.apps],
        chosen=app.name,
        days=query.days,
    )
    if not kind:
        found = await services.reader.events(query)
        return page("events.html", visitor, controls=choices, events=listed(found, address), more=found["more"])
    shown = await _payloads(request, services, app=app, address=address.putting(KIND, kind))
    if "hx-request" in request.headers:
        return page("event_payloads.html", visitor, headers=_VARY, **shown)
    dimensions = services.directory.target(app).dimensions
    report = msgspec.json.decode(await services.reader.report(asked(query, dimensions), "json"))
    made = numbers(report, address.putting(KIND, kind))
    return page(
        "event.html",
        visitor,
        headers=_VARY,
        kind=kind,
        controls=choices,
        numbers=made,
        every=address.to(PATH),
        newest=address.putting(KIND, kind).to(PATH),
        **shown,
    )


def _query(visitor: Visitor, services: Services, address: Address) -> Query:
    given = address.given()
    named = given if given.keys() & set(DAYS) else {**given, "range": [DEFAULT_RANGE]}
    apps = {app.name: app.id for app in visitor.apps}
    return parse(visitor.owner.id, apps, given=named, today=day_of(services.clock.now()))


async def _payloads(request: AnyRequest, services: Services, *, app: App, address: Address) -> dict[str, Any]:
    after = request.query_params.get(AFTER)
    [kind] = address.given()[KIND]
    found = await services.reader.history(app.id, kind=kind, after=after, limit=PAGE_PAYLOADS)
    return {
        "payloads": payloads(found.items, app.name, now=services.clock.now()),
        "more": older(address, found.after),
        "goes_on": after is not None,
        "is_part": "hx-request" in request.headers,
    }


def _app(visitor: Visitor, name: str) -> App:
    for app in visitor.apps:
        if app.name == name:
            return app
    message = f"You have no app {name!r}."
    raise NotFound(message)
