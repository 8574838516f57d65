"""A request's body while it arrives, and the whole of it for the framework."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from shared.runtime.errors import KepuError
from shared.web.edge.connections import Bodies
from shared.web.edge.gate import too_large
from shared.web.pages.posted import as_json
from shared.web.problems import NotHttp, status_of

# The largest quiz has some 25,000 values, and its texts have commas too.
VALUES_MAX = 60_000
# They describe a body that is JSON now.
OF_POSTED = (b"content-type", b"content-length", b"transfer-encoding")


class Carried(HTTPException):
    """Carries one of our errors through the framework, which would take any other for bad JSON."""

    def __init__(self, error: KepuError) -> None:
        super().__init__(status_of(error))
        self.error = error


class Body:
    """A request's body while it arrives, within the bounds of its route and of the process."""

    def __init__(self, receive: Receive, bytes_max: int, bodies: Bodies) -> None:
        self._receive = receive
        self._bytes_max = bytes_max
        self._bodies = bodies
        self.read = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        more = len(message.get("body", b""))
        if more:
            self.read += more
            try:
                self._bodies.hold(more)
            except KepuError as error:
                raise Carried(error) from None
            if self.read > self._bytes_max:
                # A chunked body does not say its length beforehand.
                raise Carried(too_large(self._bytes_max))
        return message

    @property
    def client_is_gone(self) -> bool:
        """Whether the connection is closed, as far as uvicorn's cycle knows."""
        return getattr(getattr(self._receive, "__self__", None), "disconnected", False)

    async def whole(self) -> bytes:
        """All of it."""
        parts: list[bytes] = []
        while True:
            message = await self()
            if message["type"] != "http.request":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)

    def release(self) -> None:
        """Give its bytes back."""
        self._bodies.release(self.read)
        self.read = 0


async def read(body: Body, reader: Callable[[bytes], object], *, posted: bool) -> Receive:
    """
    Read the whole body. The framework receives it again, as JSON if it was `posted` by a form.

    Raises:
        Invalid: the body is not what its route declares. The framework would be less strict than `read_form`:
            it takes "1" for a number, and other encodings of text.
        NotHttp: the body has too many values. Listing the errors of all of them would take too long.
    """
    content = await body.whole()
    # Each value but the first of a list or object comes after a comma.
    if content.count(b",") > VALUES_MAX:
        message = f"a body here may have {VALUES_MAX} values"
        raise NotHttp(413, message, code="too_many_values", values=VALUES_MAX)
    if posted:
        content = as_json(content)
    if content:
        reader(content)
    messages = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive() -> Message:
        # After the body, the end of the connection. Whoever streams an answer waits for it, and stops there.
        return next(messages, None) or await body()

    return receive
