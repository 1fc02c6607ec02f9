"""How errors are answered: one JSON object with one sentence."""

from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from homing.errors import AccountError, HomingError, NotFound, QueryError, StoreUnavailable

STATUSES: Final = ((QueryError, 400), (AccountError, 400), (NotFound, 404), (StoreUnavailable, 503))
RETRY_SECONDS: Final = "5"
_BAD: Final = 400
_UNAUTHORIZED: Final = 401
_FAULT: Final = 500

log: Final = structlog.get_logger("homing.api")


def answer_error(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    """Answer whatever a handler raised."""
    if isinstance(error, HTTPException):
        return _response(error.status_code, _sentence(error), error.headers)
    if isinstance(error, RecursionError | UnicodeDecodeError):
        # The framework lets these two through where it decodes a body; no handler of ours raises them.
        return _response(_BAD, "The body is not valid JSON in UTF-8.")
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return _response(status, str(error))
    log.error("internal", exc_info=error)
    sentence = str(error) if isinstance(error, HomingError) else "Something is wrong in the receiver."
    return _response(_FAULT, sentence)


def _sentence(error: HTTPException) -> str:
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return " ".join(map(_problem, error.extra))
    return error.detail or "The request cannot be answered."


def _problem(extra: dict[str, Any]) -> str:
    name = "The body" if extra.get("key", "data") == "data" else extra["key"]
    # Of what is not there the framework says no more than its name.
    return f"{name} is missing." if extra["message"] == "'data'" else f"{name}: {extra['message']}."


def _response(status: int, sentence: str, headers: dict[str, Any] | None = None) -> Response[dict[str, str]]:
    extra = dict(headers or {})
    if status == STATUSES[-1][1]:
        extra.setdefault("Retry-After", RETRY_SECONDS)
    if status == _UNAUTHORIZED:
        extra.setdefault("WWW-Authenticate", "Bearer")
    return Response({"error": sentence}, status_code=status, headers=extra)
