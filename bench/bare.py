"""The yardstick: a bare ASGI callable on granian that decodes the same body and answers.

The receiver's own server is another one; of the servers for ASGI granian is the fastest, so a ratio to it is the
strictest.
"""

import sys
from typing import Any, Final

import msgspec
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

HEADERS: Final = [(b"content-type", b"application/json")]
BODY: Final = b'{"outcome":"accepted"}'

_decoder: Final = msgspec.json.Decoder()


async def bare(_scope: Any, receive: Any, send: Any) -> None:
    """Read the body, decode it, answer."""
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    _decoder.decode(body)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


async def serve(port: int) -> None:
    """Serve until killed, with limits like the receiver's."""
    server = Server(
        bare,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=16_384,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_enabled=False,
    )
    await server.serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
