"""How errors are answered: one JSON object with one sentence."""

from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from homing.errors import AccountError, HomingError, NotFound, QueryError, StoreUnavailable

STATUSES: Final = ((QueryError, 400), (AccountError, 400), (NotFound, 404), (StoreUnavailable, 503))
RETRY_SECONDS: Final = "5"
_FAULT: Final = 500

log: Final = structlog.get_logger("homing.api")


def answer_error(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, str]]:
    """Answer whatever a handler raised."""
    if isinstance(error, HTTPException):
        return _response(error.status_code, error.detail or "The request cannot be answered.", error.headers)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return _response(status, str(error))
    log.error("internal", exc_info=error)
    sentence = str(error) if isinstance(error, HomingError) else "Something is wrong in the receiver."
    return _response(_FAULT, sentence)


def _response(status: int, sentence: str, headers: dict[str, Any] | None = None) -> Response[dict[str, str]]:
    extra = dict(headers or {})
    if status == STATUSES[-1][1]:
        extra.setdefault("Retry-After", RETRY_SECONDS)
    return Response({"error": sentence}, status_code=status, headers=extra)
