"""What administrators and their tools watch: is it alive, is it ready, what has it counted."""

from litestar import MediaType, Response, get
from litestar.di import NamedDependency

from homing.server.api.callers import Services


@get("/livez", include_in_schema=False, media_type=MediaType.TEXT, sync_to_thread=False)
def livez() -> str:
    """Say that the process runs."""
    return "ok\n"


@get("/readyz", include_in_schema=False, media_type=MediaType.TEXT, sync_to_thread=False)
def readyz(services: NamedDependency[Services]) -> Response[str]:
    """Say whether pings can be stored and questions answered; 503 with the reasons when not."""
    missing = [name for name, good in services.checks().items() if not good]
    if missing:
        return Response(f"not ready: {', '.join(missing)}\n", status_code=503, media_type=MediaType.TEXT)
    return Response("ready\n", media_type=MediaType.TEXT)


@get("/metrics", include_in_schema=False, sync_to_thread=False)
def metrics(services: NamedDependency[Services]) -> Response[bytes]:
    """Return the receiver's own numbers in the text format of Prometheus."""
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
