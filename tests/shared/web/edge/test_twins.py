"""
A hot route and its twin of the framework answer the same, whatever bytes come over a socket.

Each request is sent twice, byte for byte, but for the first part of its path: /warm/… is answered by
hot routes, /cool/… by the framework.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, product
from typing import Annotated, Any

import jwt
import msgspec
import uvicorn
from fastapi import Body, FastAPI
from pydantic import SecretStr

from shared.contracts.checked import Line
from shared.runtime.errors import Conflict
from shared.runtime.settings import Settings
from shared.web.app import create_app
from shared.web.edge.gate import SINGLE
from shared.web.edge.hot_protocol import HotProtocol
from shared.web.edge.limits import Limits
from shared.web.forms import BODY_BYTES_MAX, Form, read_form
from shared.web.health import Check
from shared.web.hot import HotRequest, HotRoute
from shared.web.identity import ASK_FOR_TOKEN, AsParticipant
from shared.web.tokens import TokenSigner, TokenVerifier, bearer, new_key_pair
from tests.support.waiting import eventually

PRIVATE, PUBLIC = new_key_pair()
# What is refused is read to its end, however slow this machine is.
LIMITS = Limits(linger_seconds=30)
NOW = datetime.now(UTC)
TOKEN = TokenSigner(PRIVATE).sign("wang", None, None, NOW).encode()
OLD = TokenSigner(PRIVATE).sign("wang", None, None, NOW - timedelta(days=365)).encode()
FORGED = TokenSigner(new_key_pair()[0]).sign("wang", None, None, NOW).encode()
UNSIGNED = jwt.encode({"iss": "kepu-registration", "sub": "wang", "exp": 2_000_000_000}, "", "none").encode()
GOOD = b'{"text": "hello"}'
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
AT_ONCE = 40


class Wish(Form):
    text: Line
    places: int = 1


def app_with_twins() -> FastAPI:
    verifier = TokenVerifier(PUBLIC)

    def outcome(id_: str, wish: Wish, who: str) -> dict[str, Any]:
        if wish.text == "full":
            raise Conflict("it is full", code="session_full")
        return {"id": id_, "text": wish.text, "who": who}

    async def hot_post(request: HotRequest) -> tuple[int, bytes]:
        token = bearer(request.authorization, missing=ASK_FOR_TOKEN, code="token_missing")
        who = verifier.verify(token, datetime.now(UTC))
        wish = read_form(Wish, request.body)
        return 202, msgspec.json.encode(outcome(request.id, wish, who.participant_id))

    async def hot_get(request: HotRequest) -> tuple[int, bytes]:
        return 200, msgspec.json.encode({"id": request.id})

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> dict[str, Check]:
        app.state.hot_routes += [
            HotRoute("POST", "/warm/{name}/echo", hot_post),
            HotRoute("GET", "/warm/{name}/echo", hot_get),
        ]
        return {}

    settings = Settings(organiser_key=SecretStr("x" * 16), token_public_key=PUBLIC, role="api")
    app = create_app("test", title="T", description="T.", settings=settings, lifespan=lifespan, limits=LIMITS)

    @app.post("/cool/{name}/echo", status_code=202)
    async def post(name: str, who: AsParticipant, wish: Annotated[Wish, Body()]) -> dict[str, Any]:
        return outcome(name, wish, who.participant_id)

    @app.get("/cool/{name}/echo")
    async def get(name: str) -> dict[str, str]:
        return {"id": name}

    return app


# Requests: "@" in a path stands for the twin.


def line(method: bytes, path: bytes = b"/@/wang/echo", version: bytes = b"HTTP/1.1") -> bytes:
    return b"%b %b %b\r\n" % (method, path, version)


def head(*lines: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in (b"Host: x", *lines)) + b"\r\n"


def post(
    *lines: bytes, body: bytes = GOOD, path: bytes = b"/@/wang/echo", token: bytes = b"Bearer " + TOKEN
) -> bytes:
    told = (b"Authorization: " + token, b"Content-Length: %d" % len(body), *lines)
    return line(b"POST", path) + head(*told) + body


def chunked(*chunks: bytes, lines: tuple[bytes, ...] = (), after: bytes = b"") -> bytes:
    told = (b"Authorization: Bearer " + TOKEN, b"Transfer-Encoding: chunked", *lines)
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return line(b"POST") + head(*told) + body + b"0\r\n" + after + b"\r\n"


def methods() -> Iterator[bytes]:
    known = b"GET POST PUT PATCH DELETE HEAD OPTIONS TRACE PROPFIND PURGE COPY M-SEARCH CONNECT PRI BREW get"
    for method in known.split():
        yield line(method) + head()
        yield line(method, b"/@/nowhere") + head(b"Content-Length: 2") + b"{}"


def paths() -> Iterator[bytes]:
    found = (
        rb"/@/wang/echo/ /@//echo /@/a/b/echo //@/wang/echo /@/%77ang/echo /@/a%2Fb/echo /@/a%00b/echo"
        rb" /@/a%0A/echo /@/wang/echo%0A /@/%E7%8E%8B/echo /@/%FF/echo /@/wang/ECHO /@/wang/echo;x"
        rb" /@/wang/echo#f /@/a#b/echo /@/wang/echo? /@/wang/echo?x=1 /@/wang/echo?x=1&x=2 /@/wang/echo?%00"
        rb" /@/./echo /@/../echo http://x/@/wang/echo http://evil/@/wang/echo * @/wang/echo /@/a?b/echo"
        rb" /@/%/echo /@/%zz/echo /@/" + b"a" * 1_000 + rb"/echo"
    ).split()
    for path in (*found, "/@/王/echo".encode(), b"/@/a b/echo", b"/@/a\0b/echo"):
        yield line(b"GET", path) + head()
        yield post(path=path)


def doubled() -> Iterator[bytes]:
    value = {b"authorization": b"Bearer " + TOKEN, b"host": b"x", b"content-length": b"17"}
    for name in (*SINGLE, b"cookie", b"accept", b"x-correlation-id"):
        twice = (name + b": " + value.get(name, b"a"),) * 2
        yield line(b"POST") + head(*twice, b"Content-Length: 17") + GOOD
        yield line(b"GET") + head(twice[0], name.upper() + b": b")


def hosts_and_versions() -> Iterator[bytes]:
    for version, host in product(
        (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/x", b"http/1.1", b""),
        (b"", b"Host: \r\n", b"Host: evil.example\r\n"),
    ):
        yield line(b"GET", version=version) + host + b"\r\n"
    for connection in (b"close", b"keep-alive", b"Keep-Alive, Foo", b"upgrade", b""):
        yield line(b"GET") + head(b"Connection: " + connection)
        yield line(b"GET", version=b"HTTP/1.0") + head(b"Connection: " + connection)


def lengths() -> Iterator[bytes]:
    for length in (b"-1", b"+17", b"0x11", b"17 ", b"017", b"", b"abc", b"99999999999999999999", b"17,17"):
        yield line(b"POST") + head(b"Authorization: Bearer " + TOKEN, b"Content-Length: " + length) + GOOD
    yield line(b"POST") + head(b"Authorization: Bearer " + TOKEN)
    for size in (BODY_BYTES_MAX, BODY_BYTES_MAX + 1, 4 * BODY_BYTES_MAX, 1_000_000):
        body = b" " * (size - len(GOOD)) + GOOD
        yield post(body=body)
        yield chunked(body)
        yield chunked(*[body[start : start + 1_000] for start in range(0, size, 1_000)])
    yield post(b"Expect: 100-continue", body=b" " * (BODY_BYTES_MAX + 1))
    yield line(b"GET") + head(b"Content-Length: 2") + b"{}"


def heads() -> Iterator[bytes]:
    request = line(b"GET") + head(b"X-Long: ")
    for over in (-1, 0, 1, 10_000, 1_000_000):
        filler = b"a" * (LIMITS.head_bytes_max - len(request) + over)
        yield line(b"GET") + head(b"X-Long: " + filler)
        yield line(b"GET") + head(filler + b": x")
        yield line(b"GET", b"/@/wang/echo?" + filler) + head()
    for count in (99, 100, 5_000):
        yield line(b"GET") + head(*[b"X-%d: a" % number for number in range(count)])
    for odd in (
        b"X Y: a",
        b"X-Y : a",
        b"X-Y: a\r\n folded",
        b"X-Y: a\0b",
        b"X-Y: a\rb",
        b"X-Y: a\nX-Z: b",
        b"no colon",
        b": nothing",
        b"X_Y: a",
        b"X-Y: \xff\xfe",
        b"X-Y:",
        b"Content-Length : 5",
    ):
        yield line(b"GET") + head(odd)
    yield b"\r\n\r\n" + line(b"GET") + head()
    yield (line(b"GET") + head()).replace(b"\r\n", b"\n")
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    yield b"\0" * 100
    yield b"hello\r\n\r\n"


def chunks() -> Iterator[bytes]:
    yield chunked(GOOD)
    yield chunked(GOOD[:5], GOOD[5:])
    yield chunked()
    for name in (b"Authorization: Bearer " + FORGED, b"X-Organiser-Key: " + b"x" * 16, b"Content-Length: 3"):
        yield chunked(GOOD, after=name + b"\r\n")
    no_token = line(b"POST") + head(b"Transfer-Encoding: chunked") + b"11\r\n" + GOOD + b"\r\n0\r\n"
    yield no_token + b"Authorization: Bearer " + TOKEN + b"\r\n\r\n"
    yield chunked(GOOD, after=b"X-Long: " + b"a" * 100_000 + b"\r\n")
    yield chunked(GOOD, after=b"X-Y: a\r\n" * 10_000)
    yield chunked(GOOD, lines=(b"Content-Length: 17",))
    started = line(b"POST") + head(b"Authorization: Bearer " + TOKEN, b"Transfer-Encoding: chunked")
    yield started + b"11;a=b\r\n" + GOOD + b"\r\n0\r\n\r\n"
    yield started + b"11;" + b"a" * 100_000 + b"\r\n" + GOOD + b"\r\n0\r\n\r\n"
    for size in (b"zz", b"-1", b"0x11", b"", b"11 ", b"ffffffffffffffffff"):
        yield started + size + b"\r\n" + GOOD + b"\r\n0\r\n\r\n"
    for coding in (b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"CHUNKED", b"xchunked"):
        told = (b"Authorization: Bearer " + TOKEN, b"Transfer-Encoding: " + coding)
        yield line(b"POST") + head(*told) + b"11\r\n" + GOOD + b"\r\n0\r\n\r\n"


def tokens() -> Iterator[bytes]:
    for token in (
        b"",
        b"Bearer",
        b"Bearer ",
        b"bearer " + TOKEN,
        b"Bearer  " + TOKEN,
        b"Bearer " + TOKEN + b" ",
        b"Basic d2FuZw==",
        b"Bearer " + OLD,
        b"Bearer " + FORGED,
        b"Bearer " + UNSIGNED,
        b"Bearer " + TOKEN + b"x",
        b"Bearer " + b"a" * 5_000,
        b"Bearer \xff\xfe",
        b"Bearer a.b.c",
        b"Bearer\t" + TOKEN,
        TOKEN,
    ):
        yield post(token=token)
        # Who may not send anything is told so before the body is looked at.
        yield post(token=token, body=b"{")
    yield line(b"POST") + head(b"Content-Length: 17") + GOOD


def bodies() -> Iterator[bytes]:
    types = b"|application/json|Application/JSON|application/json; charset=utf-8|application/json;charset=x"
    more = b"|text/plain|application/x-www-form-urlencoded|multipart/form-data|application/a+json|json;|/"
    for type_ in (types + more + b"|application/jsonx|;").split(b"|"):
        yield post(b"Content-Type: " + type_)
    yield post(b"Content-Type: text/plain", body=b"")
    for body in (
        b"",
        b" ",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b'{"text": 1}',
        b'{"text": "a", "text": "b"}',
        b'{"text": "a", "other": 1}',
        b'{"text": "a\\u0000"}',
        b'{"text": "a\0"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\\ud83d\\ude00"}',
        b'{"text": "\xff"}',
        b'\xef\xbb\xbf{"text": "a"}',
        '{"text": "a"}'.encode("utf-16"),
        b"[" * 5_000,
        b'{"text": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
        b'{"text": NaN}',
        b'{"text": "a", "places": 1.0}',
        b'{"text": "a", "places": "1"}',
        b'{"text": "a", "places": true}',
        b'{"text": "a", "places": 1.5}',
        b'{"text": "a", "places": Infinity}',
        b'{"text": "a", "places": ' + b"9" * 5_000 + b"}",
        b'{"text": "a"} x',
        b'{"text": "full"}',
        b"{" + b",".join(b'"f%d": 1' % number for number in range(500)) + b"}",
    ):
        yield post(body=body)
        yield post(b"Accept-Language: zh-CN,zh;q=0.9,en;q=0.8", body=body)


def connections() -> Iterator[bytes]:
    get = line(b"GET") + head()
    yield get + get
    yield post() + get + post(body=b"{") + get
    yield get + post(token=b"") + b"hello\r\n\r\n"
    yield post() + b"\0\0\0"
    yield get * 20
    yield get + line(b"GET") + head(b"X-Long: " + b"a" * 40_000) + get
    yield get + post(b"Connection: close") + get
    for upgrade in (b"websocket", b"h2c", b"foo"):
        told = (b"Upgrade: " + upgrade, b"Sec-WebSocket-Key: a", b"Sec-WebSocket-Version: 13")
        yield line(b"GET") + head(b"Connection: Upgrade", *told)
        yield post(b"Connection: Upgrade", *told)
        yield line(b"GET") + head(*told)
    for expect in (b"100-continue", b"100-Continue", b"200-ok"):
        yield post(b"Expect: " + expect)
    for correlation in (b"a-request", b"", b"a b", b"a" * 65):
        yield line(b"GET") + head(b"X-Correlation-Id: " + correlation)


GROUPS = (
    methods, paths, doubled, hosts_and_versions, lengths, heads, chunks, tokens, bodies, connections
)  # fmt: skip


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
    config = uvicorn.Config(
        app_with_twins(), host="127.0.0.1", port=0, http=HotProtocol, ws="none", log_config=None
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def test_a_hot_route_and_its_twin_answer_the_same() -> None:
    requests = [request for group in GROUPS for request in group()]
    assert len(requests) >= 200
    several = asyncio.Semaphore(AT_ONCE)
    differ: list[str] = []

    async def compare(request: bytes) -> None:
        async with several:
            came = [await sent(port, request.replace(b"@", twin)) for twin in (b"warm", b"cool")]
        warm, cool = (parsed(data, request, ended=ended) for data, ended in came)
        if warm != cool:
            differ.append(f"{request[:150]!r}\n  hot:       {warm}\n  framework: {cool}")
        if not warm.answers:
            differ.append(f"{request[:150]!r}\n  is not answered")
        for answer in warm.answers:
            _check(request, answer)

    async with served() as port:
        await asyncio.gather(*map(compare, requests))
    assert not differ, f"{len(differ)} differ:\n" + "\n".join(differ)


async def test_it_makes_no_difference_in_which_pieces_a_request_comes() -> None:
    # What follows on a request that is being answered may be refused with it or after it.
    alone = [group for group in GROUPS if group is not connections]
    requests = [request for group in alone for request in group() if len(request) < 2_000]
    several = asyncio.Semaphore(AT_ONCE)
    differ: list[str] = []

    async def compare(port: int, request: bytes, piece_bytes: int) -> None:
        async with several:
            whole, pieces = (
                parsed(data, request, ended=ended)
                for data, ended in (await sent(port, request), await sent(port, request, piece_bytes))
            )
        if whole != pieces:
            differ.append(f"{request[:150]!r} in {piece_bytes}\n  whole:  {whole}\n  pieces: {pieces}")

    async with served() as port:
        await asyncio.gather(
            *[
                compare(port, request.replace(b"@", twin), piece_bytes)
                for (request, twin), piece_bytes in zip(
                    product(requests, (b"warm", b"cool")), cycle((13, 64, 29)), strict=False
                )
            ]
        )
    assert not differ, f"{len(differ)} differ:\n" + "\n".join(differ)


def _check(request: bytes, answer: dict[str, Any]) -> None:
    """What holds for every answer."""
    status = int(answer["status"].split()[1])
    assert status < 500 or status == 505, (request[:150], answer)
    if status == 100:
        return
    assert (answer["cache-control"], answer["x-content-type-options"]) == ("no-store", "nosniff"), answer
    if status >= 400 and not request.startswith(b"HEAD"):
        assert answer["content-type"] == "application/problem+json", (request[:150], answer)
        assert answer["body"]["code"], answer
    assert (status == 401) == (answer["www-authenticate"] is not None), answer
    if status == 405:
        assert answer["allow"] == "get, head, options, post", answer
