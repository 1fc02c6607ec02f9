"""PostHog's capture, version 1: a bearer token, a batch, and a result for each event."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from homing.outcomes import Refusal, Verdict, outcome_of
from homing.server.dialects.base import (
    JSON_TYPE,
    Answer,
    Dialect,
    Headers,
    Reading,
    Request,
    bearer,
    has_surrogate,
    parse,
    wait,
)
from homing.server.dialects.posthog.events import (
    CORS,
    DIMENSIONS,
    MOST_HEADER,
    NAME,
    PREFLIGHT,
    Sent,
    agent,
    events,
    refused_anywhere,
    skew,
)

SENDER: Final = "posthog-sdk-info"
SENT_AT: Final = "posthog-request-timestamp"
_FAULT: Final = 500
_UNAVAILABLE: Final = 503


class Analytics(Dialect):
    """Reads `POST /i/v1/analytics/events`."""

    name = NAME
    paths = ("/i/v1/analytics/events", "/i/v1/analytics/events/")
    open_paths = paths
    dimensions = DIMENSIONS
    preflight = PREFLIGHT

    def key(self, headers: Headers, _query: str) -> str | None:
        """Return the bearer token."""
        return bearer(headers)

    def read(self, request: Request) -> Reading:
        """Return the pings of a batch."""
        value, is_sound = parse(request.body)
        if not isinstance(value, dict):
            raise Refusal("shape", "A body is an object with a batch.")
        sent_at = request.headers.get(SENT_AT, "")
        added = {**agent(request), **_library(request)}
        batch: Any = value.get("batch")
        items = events(batch, Sent(request, is_sound, skew(request, sent_at), added, {}))
        return Reading(items, names=[_uuid_of(each) for each in batch])

    def answer(self, reading: Reading, verdicts: Sequence[Verdict]) -> Answer:
        """Return a result for each event that has a uuid; 503 when all of them must be sent again."""
        results = {name: _result(each) for name, each in zip(reading.names, verdicts, strict=True) if name}
        is_late = bool(verdicts) and all(outcome_of(each).status >= _FAULT for each in verdicts)
        body = msgspec.json.encode({"results": results})
        return Answer(_UNAVAILABLE if is_late else 200, body, (JSON_TYPE, *CORS, *wait(*verdicts)))

    def refuse(self, refusal: Refusal) -> Answer:
        """Return the refusal's status, name and sentence."""
        return refused_anywhere(refusal)


def _uuid_of(value: Any) -> str:
    found = value.get("uuid") if isinstance(value, dict) else None
    # What cannot be written in an answer is refused, and named by nobody.
    return found if isinstance(found, str) and not has_surrogate(found) else ""


def _result(verdict: Verdict) -> Mapping[str, str]:
    if not isinstance(verdict, Refusal):
        return {"result": "ok"}
    result = "retry" if verdict.outcome.status >= _FAULT else "drop"
    return {"result": result, "details": f"{verdict.outcome.name}: {verdict.sentence}"}


def _library(request: Request) -> Mapping[str, Any]:
    """Return the properties that name the sender's library; its events leave them out."""
    name, _, version = request.headers.get(SENDER, "")[:MOST_HEADER].partition("/")
    found = {"$lib": name, "$lib_version": version}
    return {key: text for key, text in found.items() if text and text.isprintable()}
