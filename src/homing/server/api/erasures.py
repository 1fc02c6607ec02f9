"""`POST /v1/erase`: an instance asks to be erased, and is given a receipt (docs/decisions/0015)."""

from typing import Final

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from homing.clock import iso_time
from homing.server.api.callers import KEY, AnyRequest, Services, address_of, only_json
from homing.server.api.eraser import Asked
from homing.server.api.reports import problem
from homing.server.dialects.base import bearer

PATH: Final = "/v1/erase"
BELOW_KEY: Final = "/in/{key:str}/v1/erase"
"""For those whose address has the key in it."""

PROBLEMS: Final = {
    400: problem("The body has not the shape described here."),
    401: problem("No key or token was sent, or it is not known."),
    403: problem("The id can be guessed, the token is another one, or the key may not send."),
    404: problem("Nothing is stored about this instance."),
    413: problem("The body is too large."),
    415: problem("The body does not call itself application/json."),
    429: problem("Too many erasures were asked for; wait."),
    503: problem("Nothing can be erased at the moment."),
}


class Erased(msgspec.Struct):
    """The receipt: what is gone from the disk, and since when. Asked again, it tells of nothing more."""

    instance_id: str
    at: str
    apps: int
    days: int
    history: int


@post(
    PATH,
    status_code=200,
    operation_id="erase",
    summary="Erase an instance",
    responses={200: ResponseSpec(Erased, description="The receipt.", generate_examples=False), **PROBLEMS},
    guards=[only_json],
    security=[{KEY: []}],
)
async def erase(request: AnyRequest, services: NamedDependency[Services], *, data: JSONBody[Asked]) -> Response[Erased]:
    """Erase everything stored about one instance, at its own request, and refuse its pings from then on."""
    return await _answer(request, services, data, bearer(request.headers))


@post(BELOW_KEY, status_code=200, include_in_schema=False, guards=[only_json])
async def erase_below_key(
    request: AnyRequest, services: NamedDependency[Services], *, data: JSONBody[Asked], key: FromPath[str]
) -> Response[Erased]:
    """Do the same where the address names the key."""
    return await _answer(request, services, data, key)


async def _answer(request: AnyRequest, services: Services, asked: Asked, key: str | None) -> Response[Erased]:
    token = bearer(request.headers)
    found = await services.eraser.erase(asked, key=key, token=token, address=address_of(request, services))
    services.live.forget(found.instance_id)
    return Response(Erased(found.instance_id, iso_time(found.at), found.apps, found.days, found.history))
