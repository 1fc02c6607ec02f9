"""The API keeps to its own description, whatever is sent to it."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

from tests.functional.api.conftest import World

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.ignored_auth,
]
"""All but `positive_data_acceptance` (which apps and dates there are is no part of a description), and those about
resources that are made and deleted, of which there are none."""


OPERATIONS = [
    ("/api/v1/report", "GET"),
    ("/api/v1/measure", "GET"),
    ("/api/v1/properties", "GET"),
    ("/api/v1/events", "GET"),
    ("/api/v1/history", "GET"),
    ("/api/v1/sign-in", "POST"),
    ("/api/v1/sign-out", "POST"),
    ("/api/v1/password", "POST"),
    ("/v1/erase", "POST"),
]


@pytest.fixture(scope="module")
def described(world: World) -> schemathesis.BaseSchema:
    """The API's description, as the receiver gives it."""
    return schemathesis.openapi.from_url(f"{world.address}/api/openapi.json")


def test_every_operation_is_tried(described: schemathesis.BaseSchema) -> None:
    """The operations below are all that the description has."""
    found = {(path, method.upper()) for path, methods in described.items() for method in methods}
    assert set(OPERATIONS) == found


@pytest.mark.parametrize("mode", list(GenerationMode), ids=[mode.value for mode in GenerationMode])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_described(
    world: World, described: schemathesis.BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    """Any request, as described or not, is answered as the description says, and never with a fault of ours."""
    headers = {"Authorization": f"Bearer {world.mine.keys['desk']['read']}"} if method == "GET" else {}
    cookies = {}
    if path == "/api/v1/password":
        with world.signed_in(world.mine) as client:
            cookies = dict(client.cookies)

    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(described[path][method].as_strategy(generation_mode=mode))
    def answer(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers, cookies=cookies, checks=CHECKS)

    answer()
