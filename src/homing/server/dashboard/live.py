"""The live page: what became of the last pings, as they come."""

from typing import Final

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from homing.server.api.callers import AnyRequest, Services, parameters
from homing.server.dashboard.pages import VARY, Visitor, app_of, page
from homing.server.dashboard.views_live import PATH, choice_of, controls, rows

POLL_SECONDS: Final = 2
MOST_ROWS: Final = 100


@get(PATH)
async def show_live(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Template:
    """Show the last pings of the owner's apps; to a script, the list alone."""
    choice = choice_of(parameters(request))
    names = {app.id: app.name for app in visitor.apps}
    chosen = [app_of(visitor, choice.app).id] if choice.app else list(names)
    found = services.live.last(chosen, accepted=choice.accepted, limit=MOST_ROWS)
    return page(
        "live_rows.html" if "hx-request" in request.headers else "live.html",
        visitor,
        headers=VARY,
        rows=rows(found, names),
        controls=controls(choice, list(names.values())),
        most=MOST_ROWS,
        seconds=POLL_SECONDS,
    )
