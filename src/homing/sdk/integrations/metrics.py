"""Metrics for Prometheus: of the process, and how long requests take by route."""

import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final

from homing.clock import Clock

PATH: Final = "/metrics"
OTHER: Final = "(other)"
MOST_ROUTES: Final = 500
"""How many routes are told apart; what is asked for beyond them adds to the others."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LABELS: Final = ("method", "route", "status_code")

Scope = MutableMapping[str, Any]
Environ = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Metrics:
    """The numbers of one process, in a registry of their own; raises `ImportError` without prometheus-client."""

    def __init__(self, clock: Clock) -> None:
        import prometheus_client as client

        self.clock = clock
        self._registry = client.CollectorRegistry()
        client.ProcessCollector(registry=self._registry)
        client.PlatformCollector(registry=self._registry)
        client.GCCollector(registry=self._registry)
        self._durations = client.Histogram(
            "http_request_duration_seconds", "Time of a request, by route.", LABELS, registry=self._registry
        )
        self._routes: set[str] = set()

    def observe(self, method: str, route: str, *, status: int, seconds: float) -> None:
        """Count one request."""
        known = method if method in METHODS else OTHER
        self._durations.labels(known, self._bounded(route), str(status)).observe(seconds)

    def _bounded(self, route: str) -> str:
        if route not in self._routes and len(self._routes) >= MOST_ROUTES:
            return OTHER
        self._routes.add(route)
        return route

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return what Prometheus fetches, and its media type."""
        from prometheus_client.exposition import choose_encoder

        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


class AsgiMetrics:
    """An ASGI application within another that counts its requests and answers `/metrics`."""

    def __init__(self, app: AsgiApp, metrics: Metrics, route: Callable[[Scope], str] | None) -> None:
        self._app = app
        self._metrics = metrics
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # wide: the signature of ASGI
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].removeprefix(scope.get("root_path", "")) == PATH:
            await self._show(scope, send)
        else:
            await self._count(scope, receive, send)

    async def _show(self, scope: Scope, send: Send) -> None:
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        body, media_type = self._metrics.page(accept)
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 500
        root = scope.get("root_path", "")
        clock = self._metrics.clock
        began = clock.monotonic()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = _named(self._route, scope) if self._route else route_of_scope(scope, root)
            seconds = clock.monotonic() - began
            self._metrics.observe(scope["method"], route, status=status, seconds=seconds)


class WsgiMetrics:
    """A WSGI application within another that counts its requests and answers `/metrics`."""

    def __init__(self, app: WsgiApp, metrics: Metrics, route: Callable[[Environ], str] | None) -> None:
        self._app = app
        self._metrics = metrics
        self._route = route or route_of_environ

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get("PATH_INFO") == PATH:
            return self._show(environ, start_response)
        return self._count(environ, start_response)

    def _show(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        body, media_type = self._metrics.page(environ.get("HTTP_ACCEPT", ""))
        start_response("200 OK", [("Content-Type", media_type), ("Content-Length", str(len(body)))])
        return [body]

    def _count(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        clock = self._metrics.clock
        began = clock.monotonic()
        found = (500, OTHER)

        def starting(status: str, *rest: Any) -> Any:
            nonlocal found
            # Flask forgets its request before the answer is written.
            found = (int(status.split(" ", 1)[0]), _named(self._route, environ))
            return start_response(status, *rest)

        def done() -> None:
            status, route = found
            seconds = clock.monotonic() - began
            self._metrics.observe(environ["REQUEST_METHOD"], route, status=status, seconds=seconds)

        try:
            return _Body(self._app(environ, starting), done)
        except BaseException:
            done()
            raise


class _Body:
    """The body of an answer; tells when the server has closed it."""

    def __init__(self, parts: Iterable[bytes], done: Callable[[], None]) -> None:
        self._parts = parts
        self._done = done

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        """End, as WSGI asks of every server."""
        try:
            if hasattr(self._parts, "close"):
                self._parts.close()
        finally:
            self._done()


def _named(route: Callable[[Any], str], request: Any) -> str:
    """Return a route's name; none where whoever knows fails."""
    try:
        return str(route(request)) or OTHER
    except Exception:  # noqa: BLE001 - the host's code must not spoil its answer
        return OTHER


def route_of_scope(scope: Scope, root: str = "") -> str:
    """Return the route that Starlette led a request to, with what it is mounted at."""
    path = getattr(scope.get("route"), "path", None)
    return f"{scope.get('root_path', '').removeprefix(root)}{path}" if path else OTHER


def route_of_environ(environ: Environ) -> str:
    """Return the route that Flask or Django leads a request to."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    if rule is not None:
        return str(rule.rule)
    urls = _django()
    return f"/{urls.resolve(environ['PATH_INFO']).route}" if urls else OTHER


def _django() -> Any:
    """Return what resolves addresses for Django, where the application uses it."""
    modules: Mapping[str, Any] = sys.modules
    return modules.get("django.urls")
