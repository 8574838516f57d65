"""An app that has each route twice, hot and of the framework; what it is sent in bytes, and its answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import jwt
import msgspec
from fastapi import Body, FastAPI

from shared.contracts.checked import Line, MomentIn
from shared.runtime.errors import Conflict
from shared.web.edge.limits import Limits
from shared.web.forms import Form, read_form
from shared.web.hot import HotRequest, HotRoute
from shared.web.identity import AsParticipant
from shared.web.tokens import Participant, TokenSigner, TokenVerifier, bearer, new_key_pair
from tests.support.service import SIGNER, TOKEN_PUBLIC_KEY
from tests.support.web import bare_app, port_of, serving

# What is refused is read to its end, however slow this machine is.
LIMITS = Limits(linger_seconds=30)
NOW = datetime.now(UTC)
TOKEN = SIGNER.sign("wang", None, None, NOW).encode()
OLD = SIGNER.sign("wang", None, None, NOW - timedelta(days=365)).encode()
FORGED = TokenSigner(new_key_pair()[0]).sign("wang", None, None, NOW).encode()
UNSIGNED = jwt.encode({"iss": "kepu-registration", "sub": "wang", "exp": 2_000_000_000}, "", "none").encode()
# Of an answer: what must be equal besides the status and the body.
COMPARED = (
    "allow",
    "cache-control",
    "connection",
    "content-language",
    "content-type",
    "retry-after",
    "www-authenticate",
    "x-content-type-options",
)
QUIET_SECONDS = 0.4


class Wish(Form):
    text: Line
    places: int = 1
    at: MomentIn | None = None


def app_with_twins() -> FastAPI:
    verifier = TokenVerifier(TOKEN_PUBLIC_KEY)

    def outcome(id_: str, wish: Wish, who: str) -> dict[str, Any]:
        if wish.text == "full":
            raise Conflict("it is full", code="session_full")
        return {"id": id_, "text": wish.text, "who": who}

    def verified(_: str, authorization: bytes) -> Participant:
        token = bearer(authorization)
        return verifier.verify(token, datetime.now(UTC))

    async def hot_post(request: HotRequest) -> tuple[int, bytes]:
        who = verified(request.id, request.authorization)
        wish = read_form(Wish, request.body)
        return 202, msgspec.json.encode(outcome(request.id, wish, who.participant_id))

    async def hot_get(request: HotRequest) -> tuple[int, bytes]:
        return 200, msgspec.json.encode({"id": request.id})

    app = bare_app(
        HotRoute("POST", "/warm/{name}/echo", hot_post, who=verified),
        HotRoute("GET", "/warm/{name}/echo", hot_get),
        limits=LIMITS,
    )

    @app.post("/cool/{name}/echo", status_code=202)
    async def post(name: str, who: AsParticipant, wish: Annotated[Wish, Body()]) -> dict[str, Any]:
        return outcome(name, wish, who.participant_id)

    @app.get("/cool/{name}/echo")
    async def get(name: str) -> dict[str, str]:
        return {"id": name}

    return app


@dataclass
class Came:
    """What came back: the answers one after another, and whether the connection ended after them."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = False


def parsed(data: bytes, request: bytes, *, ended: bool) -> Came:
    came = Came(ended=ended)
    while data:
        lines, _, data = data.partition(b"\r\n\r\n")
        first, *rest = lines.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in rest)
        no_body = request.startswith(b"HEAD") or first.split()[1] in ("100", "204")
        size = 0 if no_body else int(headers.get("content-length", "0"))
        body, data = data[:size], data[size:]
        answer: dict[str, Any] = {name: headers.get(name) for name in COMPARED}
        answer |= {"status": first, "body": json.loads(body) if body else None}
        came.answers.append(answer)
    return came


async def sent(port: int, request: bytes, piece_bytes: int = 10_000_000) -> tuple[bytes, bool]:
    """What comes back until nothing more does for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for start in range(0, len(request), piece_bytes):
        writer.write(request[start : start + piece_bytes])
        # The event loop of the server is this one: it reads each piece before the next is sent.
        await asyncio.sleep(0.002 if piece_bytes < len(request) else 0)
    data, ended = b"", False
    try:
        while not ended:
            async with asyncio.timeout(QUIET_SECONDS if data else 5):
                more = await reader.read(65_536)
            data, ended = data + more, not more
    except TimeoutError:
        pass
    writer.close()
    return data, ended


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    async with serving(app_with_twins()) as server:
        yield port_of(server)


async def answers(port: int, request: bytes) -> list[dict[str, Any]]:
    data, ended = await sent(port, request)
    return parsed(data, request, ended=ended).answers
