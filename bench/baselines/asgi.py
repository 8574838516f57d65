"""The base of the bare endpoints: an ASGI app that answers every POST from its path and body."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.runtime.metrics import tune_garbage_collector

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Bare:
    """A subclass opens what it needs, and answers."""

    status = 200

    async def open(self) -> None:
        """Called before the first request."""

    async def close(self) -> None:
        """Called after the last request."""

    async def answer(self, scope: dict[str, Any], body: bytes) -> bytes:
        """The body of the answer to a POST."""
        raise NotImplementedError

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = await _read(receive)
        answer = await self.answer(scope, body) if scope["method"] == "POST" else b"{}"
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            if (await receive())["type"] == "lifespan.startup":
                await self.open()
                tune_garbage_collector()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body
