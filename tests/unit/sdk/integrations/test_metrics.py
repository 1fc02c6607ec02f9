"""Metrics for Prometheus."""

import asyncio
from io import BytesIO, StringIO
from typing import Any, cast

import httpx
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from homing.sdk.integrations.metrics import LABELS, MOST_ROUTES, OTHER, AsgiMetrics, Metrics, WsgiApp, WsgiMetrics
from homing.testing import FixedClock

DURATIONS = "http_request_duration_seconds"


class Ticking(FixedClock):
    """A clock on which every look takes a second."""

    def monotonic(self) -> float:
        """Return a second more each time."""
        self.advance(seconds=1)
        return super().monotonic()


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of nothing yet."""
    return Metrics(Ticking())


def counted(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return how often each (method, route, status) was counted."""
    families = text_string_to_metric_families(metrics.page("")[0].decode())
    samples = [sample for family in families for sample in family.samples if sample.name == DURATIONS + "_count"]
    return {tuple(each.labels[name] for name in LABELS): each.value for each in samples}


def starlette() -> Starlette:
    """An application with a parameter in a path, and one mounted in it."""

    async def item(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("an item")

    async def broken(_request: Any) -> PlainTextResponse:
        raise LookupError("no")

    inner = [Route("/items/{id}", item)]
    return Starlette(routes=[Route("/items/{id}", item), Route("/broken", broken), Mount("/inner", routes=inner)])


async def ask(app: Any, *requests: tuple[str, str]) -> list[httpx.Response]:
    """Ask an ASGI application as a server does, one request after the other."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://acme.example") as client:
        return [await client.request(method, where) for method, where in requests]


def test_routes_of_starlette(metrics: Metrics) -> None:
    """Requests are counted by the route that they were led to, never by their path."""  # 003-18
    paths = ("/items/1", "/items/2", "/inner/items/3", "/broken", "/nowhere/4")
    asyncio.run(ask(AsgiMetrics(starlette(), metrics, None), *(("GET", path) for path in paths), ("BREW", "/items/5")))
    assert {
        ("GET", "/items/{id}", "200"): 2,
        ("GET", "/inner/items/{id}", "200"): 1,
        ("GET", "/broken", "500"): 1,
        ("GET", OTHER, "404"): 1,
        (OTHER, "/items/{id}", "405"): 1,
    } == counted(metrics)


def test_what_is_shown(metrics: Metrics) -> None:
    """`/metrics` has the process and the durations in Prometheus' own format, and does not count itself."""  # 003-18
    app = AsgiMetrics(starlette(), metrics, None)
    _, answer = asyncio.run(ask(app, ("GET", "/items/1"), ("GET", "/metrics")))
    assert (200, "text/plain") == (answer.status_code, answer.headers["content-type"].partition(";")[0])
    text = answer.text
    for name in ("process_cpu_seconds_total ", "process_resident_memory_bytes ", "python_info{", "python_gc_objects"):
        assert f"\n{name}" in text
    assert 'http_request_duration_seconds_sum{method="GET",route="/items/{id}",status_code="200"} 1.0\n' in text
    assert '"/metrics"' not in text


def test_other_protocols_pass(metrics: Metrics) -> None:
    """What is no request is none of its business."""
    seen = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])
        await asyncio.sleep(0)

    asyncio.run(AsgiMetrics(app, metrics, None)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]  # no end of a channel is looked at
    assert (["lifespan"], {}) == (seen, counted(metrics))


def test_routes_of_flask(metrics: Metrics) -> None:
    """Flask is asked for its rule before it forgets the request."""  # 003-18
    app = Flask("acme")
    app.add_url_rule("/items/<int:number>", "item", lambda number: f"item {number}")
    app.add_url_rule("/broken", "broken", lambda: str(1 // 0))
    counting = WsgiMetrics(cast("WsgiApp", app), metrics, None)
    for where in ("/items/1", "/items/2", "/broken", "/nowhere/3"):
        run_wsgi(counting, where)
    assert {
        ("GET", "/items/<int:number>", "200"): 2,
        ("GET", "/broken", "500"): 1,
        ("GET", OTHER, "404"): 1,
    } == counted(metrics)
    assert b"process_cpu_seconds_total" in run_wsgi(counting, "/metrics")


def run_wsgi(app: Any, where: str, method: str = "GET") -> bytes:
    """Ask a WSGI application as a server does."""
    environ = {"REQUEST_METHOD": method, "PATH_INFO": where, "SERVER_NAME": "a", "SERVER_PORT": "80", "SCRIPT_NAME": ""}
    answer = app(
        {**environ, "wsgi.input": BytesIO(), "wsgi.errors": StringIO(), "wsgi.url_scheme": "http"}, lambda *_: None
    )
    try:
        return b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


def test_an_application_that_breaks(metrics: Metrics) -> None:
    """Its exception goes on to the server, and is counted as a 500."""

    def app(_environ: Any, _start: Any) -> Any:
        raise LookupError("no")

    with pytest.raises(LookupError):
        run_wsgi(WsgiMetrics(app, metrics, None), "/a")
    assert {("GET", OTHER, "500"): 1} == counted(metrics)


def test_a_route_of_ones_own(metrics: Metrics) -> None:
    """Who knows better says which route it was; whoever fails at it spoils nothing."""

    def app(_environ: Any, start: Any) -> Any:
        start("204 No Content", [])
        return [b""]

    run_wsgi(WsgiMetrics(app, metrics, lambda environ: environ["PATH_INFO"][:2]), "/abc")
    run_wsgi(WsgiMetrics(app, metrics, lambda environ: environ["nothing"]), "/abc")
    assert {("GET", "/a", "204"): 1, ("GET", OTHER, "204"): 1} == counted(metrics)


def test_routes_are_bounded(metrics: Metrics) -> None:
    """However many routes there are, the metrics stay of one size."""  # 003-18
    for number in range(MOST_ROUTES + 5):
        metrics.observe("GET", f"/{number}", status=200, seconds=0)
    found = counted(metrics)
    assert (MOST_ROUTES + 1, 5) == (len(found), found["GET", OTHER, "200"])
    metrics.observe("GET", "/0", status=200, seconds=0)
    assert 2 == counted(metrics)["GET", "/0", "200"]
