"""Serves an ASGI application over granian's RSGI: the lane speaks RSGI for its speed, the framework speaks ASGI."""

from typing import Any

from homing.server.ingest.exchange import ASGIApp, Message, Scope, peer_of


# wide: an application, and what RSGI calls one with
async def serve_asgi(app: ASGIApp, scope: Any, protocol: Any) -> None:
    """Let an ASGI application answer one RSGI request."""
    bridge = _Bridge(protocol)
    await app(_asgi_scope(scope), bridge.receive, bridge.send)


class _Bridge:
    """The two ends that an ASGI application talks to."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._parts = aiter(protocol)
        self._done = False
        self._start: Message = {}
        self._stream: Any = None

    async def receive(self) -> Message:
        """Return the next part of the body, and after the last one wait until the client is gone."""
        if self._done:
            await self._protocol.client_disconnect()
            return {"type": "http.disconnect"}
        # With a default anext() would crash the interpreter on what the server's iterator hands out (Python 3.11).
        try:
            part = await anext(self._parts)
        except StopAsyncIteration:
            self._done, part = True, b""
        return {"type": "http.request", "body": part, "more_body": not self._done}

    async def send(self, message: Message) -> None:
        """Answer at once where the body is one part, else as a stream."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body = bytes(message.get("body", b""))
        more = message.get("more_body", False)
        if self._stream is None and not more:
            self._protocol.response_bytes(self._start["status"], self._headers(), body)
            return
        if self._stream is None:
            self._stream = self._protocol.response_stream(self._start["status"], self._headers())
        if body:
            await self._stream.send_bytes(body)

    def _headers(self) -> list[tuple[str, str]]:
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._start.get("headers", ())]


def _asgi_scope(scope: Any) -> Scope:
    """Return the request in ASGI's words (ASGI 3.0, HTTP connection scope)."""
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in scope.headers.items()]
    host, _, port = scope.server.rpartition(":")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "query_string": scope.query_string.encode(),
        "root_path": "",
        "headers": headers,
        "client": (peer_of(scope.client), int(scope.client.rpartition(":")[2])),
        "server": (host.strip("[]"), int(port)),
        "state": {},
        "extensions": {},
    }
