"""What instances report of themselves: `GET /api/v1/measure`, `/properties`, `/events` and `/history`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation

from homing.clock import day_of
from homing.errors import QueryError
from homing.server.api.callers import KEY, SESSION, AnyRequest, Caller, Services, parameters
from homing.server.api.reports import PROBLEMS, described
from homing.server.query.history import ENTRIES, entry_row, parse_listing
from homing.server.query.question import PARAMETERS, Parameter, Query, parse

PROPERTY: Final = Parameter("property", False, "The name of the number, with dots within.", "platform.counts.users")
SPLIT: Final = "split"


class Bucket(msgspec.Struct):
    """How many numbers lie from one up to another, without that one."""

    from_: float = msgspec.field(name="from")
    to: float = 0
    n: int = 0


class Measure(msgspec.Struct, kw_only=True):
    """A number summarised: `n` of the `clients` report it. Without any the rest is null."""

    as_of: int
    from_: str = msgspec.field(name="from")
    to: str
    property: str
    clients: int
    n: int
    total: float | None
    median: float | None
    p95: float | None
    buckets: list[Bucket]


class Properties(msgspec.Struct):
    """Names of what can be measured."""

    properties: list[str]


class EventDay(msgspec.Struct):
    """How often an event came on a UTC day, and from how many instances."""

    day: str
    requests: int | None
    clients: int


class Event(msgspec.Struct):
    """One kind of ping."""

    kind: str
    requests: int | None
    clients: int
    daily: list[EventDay]


class Events(msgspec.Struct, kw_only=True):
    """The kinds with most clients; `more` are not listed."""

    as_of: int
    from_: str = msgspec.field(name="from")
    to: str
    events: list[Event]
    more: int


class HistoryEntry(msgspec.Struct):
    """One ping as it was received."""

    instance_id: str | None
    kind: str
    at: str
    received: str
    dimensions: dict[str, str]
    properties: dict[str, Any]


class History(msgspec.Struct):
    """One page of entries, newest first; `after` asks for the next one."""

    entries: list[HistoryEntry]
    after: str | None


@dataclass
class AskedOperation(Operation):
    """An operation with a parameter for each row of the question but splits."""

    rows: ClassVar[Sequence[Parameter]] = [row for row in PARAMETERS if row.name != SPLIT]

    def __post_init__(self) -> None:
        """Add the parameters."""
        self.parameters = [described(row) for row in self.rows]


@dataclass
class MeasureOperation(AskedOperation):
    """The operation that also asks for a number by name."""

    rows: ClassVar[Sequence[Parameter]] = [PROPERTY, *AskedOperation.rows]


@dataclass
class HistoryOperation(AskedOperation):
    """The operation that lists entries."""

    rows: ClassVar[Sequence[Parameter]] = ENTRIES


def _answer(struct: type, description: str) -> Mapping[int, ResponseSpec]:
    return {200: ResponseSpec(struct, description=description, generate_examples=False), **PROBLEMS}


def _query(asked: Mapping[str, Sequence[str]], services: Services, caller: Caller) -> Query:
    if SPLIT in asked:
        raise QueryError(f"There is no parameter {SPLIT!r}.")
    apps = {app.name: app.id for app in caller.apps}
    return parse(caller.owner, apps, given=asked, today=day_of(services.clock.now()))


@get(
    "/api/v1/measure",
    operation_class=MeasureOperation,
    operation_id="measure",
    summary="Summarise a number over the fleet",
    responses=_answer(Measure, "The summary."),
    security=[{KEY: []}, {SESSION: []}],
)
async def get_measure(
    request: AnyRequest, services: NamedDependency[Services], *, caller: NamedDependency[Caller]
) -> Response[Any]:
    """Summarise a number that the instances of one app report, each with that of its last report."""
    asked = parameters(request)
    names = asked.pop(PROPERTY.name, [])
    if len(names) != 1:
        raise QueryError("Name one property.")
    return Response(await services.reader.measure(_query(asked, services, caller), names[0]))


@get(
    "/api/v1/properties",
    operation_class=AskedOperation,
    operation_id="properties",
    summary="List the numbers that can be summarised",
    responses=_answer(Properties, "Their names, at most 200."),
    security=[{KEY: []}, {SESSION: []}],
)
async def get_properties(
    request: AnyRequest, services: NamedDependency[Services], *, caller: NamedDependency[Caller]
) -> Response[Any]:
    """List the names of numbers in the last reports of the 1,000 instances of one app that were heard from last."""
    return Response(await services.reader.numbers(_query(parameters(request), services, caller)))


@get(
    "/api/v1/events",
    operation_class=AskedOperation,
    operation_id="events",
    summary="Count events by name",
    responses=_answer(Events, "The kinds of pings, most clients first, at most 100."),
    security=[{KEY: []}, {SESSION: []}],
)
async def get_events(
    request: AnyRequest, services: NamedDependency[Services], *, caller: NamedDependency[Caller]
) -> Response[Any]:
    """Count, for each kind of ping, the requests and the distinct clients, in total and by day."""
    return Response(await services.reader.events(_query(parameters(request), services, caller)))


@get(
    "/api/v1/history",
    operation_class=HistoryOperation,
    operation_id="history",
    summary="Read what was received",
    responses=_answer(History, "The entries, newest first."),
    security=[{KEY: []}, {SESSION: []}],
)
async def get_history(
    request: AnyRequest, services: NamedDependency[Services], *, caller: NamedDependency[Caller]
) -> Response[Any]:
    """List what an app's instances sent as far as it is kept: every event, and of heartbeats those with a change."""
    app, how = parse_listing({app.name: app.id for app in caller.apps}, given=parameters(request))
    found = await services.reader.history(app, **how)
    return Response({"entries": [entry_row(each) for each in found.items], "after": found.after})
