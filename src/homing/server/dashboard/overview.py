"""The overview: one handler for the page and for the part of it that changes."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from homing.clock import day_of, iso_time
from homing.errors import QueryError
from homing.server.api.callers import AnyRequest, Services, parameters
from homing.server.dashboard.asking import asked
from homing.server.dashboard.connect import place_of
from homing.server.dashboard.pages import VARY, Visitor, page
from homing.server.dashboard.views_address import HOME, Address
from homing.server.dashboard.views_apps import app_path
from homing.server.dashboard.views_connect import Place, Step, native_steps
from homing.server.dashboard.views_controls import choices, controls
from homing.server.dashboard.views_overview import overview
from homing.server.query.overview import Kept
from homing.server.query.question import NAMED_FILTERS
from homing.server.stores.base import App

PAGE: Final = "overview.html"
PART: Final = "overview_part.html"
CHOICES: Final = "overview_choices.html"
CHOICES_PATH: Final = "/filters"

REFRESH_SECONDS: Final = 10
WAITING_SECONDS: Final = 3
"""How often a page asks again that waits for its first ping."""

MOST_CHOICES: Final = 50


class Connection(NamedTuple):
    """What an application needs to send its first ping."""

    place: Place
    path: str
    steps: list[Step]


@get(HOME)
async def show_overview(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Template:
    """Show the numbers of a question; its parameters are those of the report."""
    now = services.clock.now()
    given = parameters(request)
    address = Address.of(given)
    try:
        query = asked(visitor, given, today=day_of(now))
    except QueryError as error:
        return _answer(request, visitor, status=400, address=address, days=None, problem=str(error))
    apps = [app for app in visitor.apps if app.id in query.apps]
    if not apps:
        return _answer(request, visitor, address=address, days=query.days)
    answer = await services.reader.overview(query, _kept(services, apps, day_of(now)))
    return _answer(
        request,
        visitor,
        address=address,
        days=query.days,
        connection=None if answer["heard"] else _connection(request, services, apps[0]),
        numbers=overview(answer, query, address=address, today=day_of(now)) if answer["heard"] else None,
        now=iso_time(now),
    )


# wide: what a page shows, each part of it there or not
def _answer(
    request: AnyRequest,
    visitor: Visitor,
    *,
    address: Address,
    days: range | None,
    status: int = 200,
    **parts: Any,
) -> Template:
    values = {"problem": None, "connection": None, "numbers": None, "now": None, **parts}
    return page(
        PART if request.headers.get("hx-request") else PAGE,
        visitor,
        status=status,
        headers=VARY,
        choices_address=address.to(CHOICES_PATH),
        controls=controls(address, [app.name for app in visitor.apps], days=days),
        refresh=REFRESH_SECONDS if values["connection"] is None else WAITING_SECONDS,
        **values,
    )


@get(CHOICES_PATH)
async def show_choices(
    request: AnyRequest, services: NamedDependency[Services], *, visitor: NamedDependency[Visitor]
) -> Template:
    """Show what can be filtered by, narrowed by `search`."""
    given = parameters(request)
    search = "".join(given.pop("search", []))
    try:
        query = asked(visitor, given, today=day_of(services.clock.now()))
    except QueryError as error:
        return page(CHOICES, visitor, choices=[], search=search, problem=str(error))
    found = await services.reader.choices(
        query, dimensions=_dimensions(services, visitor.apps), search=search, limit=MOST_CHOICES
    )
    made = choices(found, Address.of(given), search=search)
    return page(CHOICES, visitor, choices=made, search=search, problem=None, most=MOST_CHOICES)


def _kept(services: Services, apps: Iterable[App], today: int) -> Kept:
    days = [services.directory.target(app).retention_days for app in apps]
    return Kept(today + 1 - max(days), today + 1 - min(days), today)


def _dimensions(services: Services, apps: Iterable[App]) -> list[str]:
    every = frozenset[str]().union(*(services.directory.target(app).dimensions for app in apps))
    return [*NAMED_FILTERS, *sorted(every - set(NAMED_FILTERS))]


def _connection(request: AnyRequest, services: Services, app: App) -> Connection:
    place = place_of(request, services, app=app)
    return Connection(place, app_path(app.name), native_steps(place))
