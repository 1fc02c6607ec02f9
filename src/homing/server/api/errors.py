"""How errors are answered: with a status and one sentence, which the API puts into a JSON object."""

from typing import Any, Final, NamedTuple

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from homing.errors import AccountError, HomingError, NotFound, QueryError, StoreUnavailable
from homing.outcomes import Refusal

STATUSES: Final = ((QueryError, 400), (AccountError, 400), (NotFound, 404), (StoreUnavailable, 503))
RETRY_SECONDS: Final = "5"
_BAD: Final = 400
_UNAUTHORIZED: Final = 401
_FAULT: Final = 500
_UNAVAILABLE: Final = 503

log: Final = structlog.get_logger("homing.api")


class Trouble(NamedTuple):
    """What an error means to whoever asked."""

    status: int
    sentence: str
    headers: dict[str, str]


def answer_error(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    """Answer whatever a handler raised."""
    status, sentence, headers = trouble_of(error)
    if status == _UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return Response({"error": sentence}, status_code=status, headers=headers)


def trouble_of(error: Exception) -> Trouble:
    """Return what an error means; one that nobody expected is logged."""
    if isinstance(error, HTTPException):
        return Trouble(error.status_code, _sentence(error), dict(error.headers or {}))
    if isinstance(error, RecursionError | UnicodeDecodeError):
        # The framework lets these two through where it decodes a body; no handler of ours raises them.
        return Trouble(_BAD, "The body is not valid JSON in UTF-8.", {})
    if isinstance(error, Refusal):
        wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Trouble(error.outcome.status, error.sentence, wait)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return Trouble(status, str(error), {"Retry-After": RETRY_SECONDS} if status == _UNAVAILABLE else {})
    log.error("internal", exc_info=error)
    return Trouble(_FAULT, str(error) if isinstance(error, HomingError) else "Something is wrong in the receiver.", {})


def _sentence(error: HTTPException) -> str:
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return " ".join(map(_problem, error.extra))
    return error.detail or "The request cannot be answered."


def _problem(extra: dict[str, Any]) -> str:
    name = "The body" if extra.get("key", "data") == "data" else extra["key"]
    # Of what is not there the framework says no more than its name.
    return f"{name} is missing." if extra["message"] == "'data'" else f"{name}: {extra['message']}."
