"""`GET /api/v1/report`: numbers as JSON or CSV."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.openapi.spec import Parameter as Described

from homing.clock import day_of
from homing.errors import QueryError
from homing.server.api.callers import KEY, SESSION, AnyRequest, Caller, Services, parameters
from homing.server.query.question import PARAMETERS, Parameter, parse

CSV: Final = "text/csv"
ANSWER: Final = "The numbers; as text/csv a table of them."


class Problem(msgspec.Struct):
    """What every refused request is answered with."""

    error: str


class Summary(msgspec.Struct):
    """Totals over all days and apps asked about. `requests` is null where the filters cannot be applied to requests."""

    requests: int | None
    clients: int
    latest: int
    outdated: int
    active_apps: int


class Day(msgspec.Struct):
    """The numbers of one UTC day."""

    day: str
    requests: int | None
    clients: int
    latest: int
    outdated: int


class Share(msgspec.Struct):
    """One value of a dimension and how many clients had it."""

    value: str
    clients: int


class Report(msgspec.Struct, kw_only=True):
    """The answer to one question. All numbers are of the owner's commit `as_of`."""

    as_of: int
    from_: str = msgspec.field(name="from")
    to: str
    filters: dict[str, list[str]]
    labels: list[str]
    summary: Summary
    daily: list[Day]
    splits: dict[str, list[Share]]
    notes: list[str]


def problem(description: str) -> ResponseSpec:
    """Return the description of a refusal."""
    return ResponseSpec(Problem, description=description, generate_examples=False)


PROBLEMS: Final = {
    400: problem("The request cannot be understood."),
    401: problem("Nobody is signed in, or the key is not known."),
    403: problem("Signed in, but not allowed to ask this."),
    503: problem("The question cannot be answered at the moment."),
}


@dataclass
class ReportOperation(Operation):
    """The operation with a parameter for each row of the question, and its two forms of answer."""

    def __post_init__(self) -> None:
        """Add the parameters, and CSV."""
        for answer in (self.responses or {}).values():
            if isinstance(answer, OpenAPIResponse) and answer.description == ANSWER:
                answer.content = {**(answer.content or {}), CSV: OpenAPIMediaType(Schema(type=OpenAPIType.STRING))}
        self.parameters = [described(row) for row in PARAMETERS]
        formats = Schema(type=OpenAPIType.STRING, enum=["json", "csv"])
        self.parameters.append(
            Described("format", "query", schema=formats, description="Takes precedence over Accept.")
        )


def described(row: Parameter) -> Described:
    """Return the description of a parameter."""
    text = Schema(type=OpenAPIType.STRING)
    schema = Schema(type=OpenAPIType.ARRAY, items=text) if row.repeats else text
    example = {"example": Example(value=[row.example] if row.repeats else row.example)} if row.example else None
    return Described(row.name, "query", schema=schema, description=row.help, examples=example)


@get(
    "/api/v1/report",
    operation_class=ReportOperation,
    operation_id="report",
    summary="Count requests and clients",
    responses={200: ResponseSpec(Report, description=ANSWER, generate_examples=False), **PROBLEMS},
    security=[{KEY: []}, {SESSION: []}],
)
async def get_report(
    request: AnyRequest, services: NamedDependency[Services], *, caller: NamedDependency[Caller]
) -> Response[Any]:
    """Count the requests and the distinct clients of apps over days, in total, by day and by dimension."""
    asked = parameters(request)
    as_csv = _wants_csv(request, asked.pop("format", []))
    query = parse(
        caller.owner, {app.name: app.id for app in caller.apps}, given=asked, today=day_of(services.clock.now())
    )
    made = await services.reader.report(query, "csv" if as_csv else "json")
    return Response(made, media_type=CSV if as_csv else MediaType.JSON, headers={"Vary": "Accept"})


def _wants_csv(request: AnyRequest, formats: list[str]) -> bool:
    if formats:
        if formats not in (["json"], ["csv"]):
            message = "format is json or csv."
            raise QueryError(message)
        return formats == ["csv"]
    return request.accept.best_match([MediaType.JSON, CSV]) == CSV
