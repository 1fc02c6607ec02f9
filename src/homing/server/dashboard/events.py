"""The pages of events: the list of their names, and one of them with its numbers and payloads."""

from typing import Any, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from homing.clock import day_of
from homing.ping import KIND
from homing.server.api.callers import AnyRequest, Services, parameters
from homing.server.dashboard.asking import asked
from homing.server.dashboard.pages import VARY, Visitor, app_of, page
from homing.server.dashboard.views_address import Address
from homing.server.dashboard.views_events import (
    AFTER,
    PATH,
    address_of,
    controls,
    listed,
    numbers,
    older,
    payloads,
    with_splits,
)
from homing.server.stores.base import App

PAGE_PAYLOADS: Final = 20


@get(PATH)
async def show_events(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Template:
    """Show the events of an app; with `kind`, one of them; of payloads that go on, the next part alone."""
    given = parameters(request)
    if not visitor.apps:
        return page("events_none.html", visitor)
    app = app_of(visitor, given.get("app", [visitor.apps[0].name])[0])
    address = address_of(given, app.name)
    kind = given.get(KIND, [""])[0]
    here = address.putting(KIND, kind) if kind else address
    query = asked(visitor, here.given(), today=day_of(services.clock.now()))
    choices = controls(here, [each.name for each in visitor.apps], chosen=app.name, days=query.days)
    if not kind:
        found = await services.reader.events(query)
        return page("events.html", visitor, controls=choices, events=listed(found, address), more=found["more"])
    shown = await _payloads(request, services, app=app, address=here)
    if "hx-request" in request.headers:
        return page("event_payloads.html", visitor, headers=VARY, **shown)
    dimensions = services.directory.target(app).dimensions
    report = msgspec.json.decode(await services.reader.report(with_splits(query, dimensions), "json"))
    return page(
        "event.html",
        visitor,
        headers=VARY,
        kind=kind,
        controls=choices,
        numbers=numbers(report, here),
        every=address.to(PATH),
        newest=here.to(PATH),
        **shown,
    )


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
