"""Malformed requests for every route of every service: made from its OpenAPI document, or any bytes."""

import asyncio
import json
import random
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

import h11

from tests.flow.test_nasty_values import NASTY
from tests.fuzz.damage import damaged
from tests.fuzz.ledger import Ledger

Json: TypeAlias = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
DEPTH_MAX = 6
ANSWER_SECONDS_MAX = 60.0
# Ids that answers have told, the latest ones.
OTHERS_MAX = 300
_ID = re.compile(rb'"[a-z_]*(?:id|code)": ?"([A-Za-z0-9_.-]{1,80})"')
# Of an answer, more than this is not read.
ANSWER_BYTES_MAX = 4 * 1_048_576
SEGMENTS = (
    *("nobody", "0", "-1", "a" * 300, "%00", "%2F", "%zz", "%FF", "..", ".", "$where", "a.b", "%E7%8E%8B"),
    *("%0d%0aX:%20y", "'", "9" * 400, "%F0%9F%8F%86", "NaN", "null", "%ED%A0%80", "a%20b", "_id", "{}"),
)
TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "text/csv",
    "text/plain",
    "",
    "multipart/form-data",
)
FILES = (
    b"PK\x03\x04",
    b"PK\x05\x06" + b"\0" * 18,
    b"<xml/>",
    b"a,b\n1,2\n",
    b"\xef\xbb\xbf",
    b"%PDF-",
    b"\0" * 4_096,
)


NAMES = (
    *(
        "If-Match",
        "If-None-Match",
        "Idempotency-Key",
        "Accept",
        "Accept-Language",
        "Range",
        "Cookie",
        "Expect",
    ),
    *("traceparent", "X-Correlation-ID", "Last-Event-ID", "Accept-Encoding", "X-Forwarded-For"),
)
VALUES = ("*", "a" * 2_000, '"x"', "bytes=0-", "100-continue", "1", "zh;q=x", "gzip", "")


@dataclass(frozen=True)
class Route:
    """An operation of a service, as its OpenAPI document says."""

    service: str
    method: str
    path: str
    parameters: tuple[Json, ...]
    bodies: Mapping[str, Json]


class Routes:
    """All operations of a service, and examples of their bodies."""

    def __init__(self, service: str, document: Json) -> None:
        self._schemas: Json = document.get("components", {}).get("schemas", {})
        self.all = [
            Route(
                service,
                method.upper(),
                path,
                tuple(of.get("parameters", ())),
                {
                    kind: one.get("schema", {})
                    for kind, one in of.get("requestBody", {}).get("content", {}).items()
                },
            )
            for path, methods in document["paths"].items()
            for method, of in methods.items()
            if method in METHODS
        ]

    def example(self, schema: Json, dice: random.Random, depth: int = 0) -> Any:
        """A value that the schema accepts, more or less."""
        if "$ref" in schema:
            schema = self._schemas.get(schema["$ref"].rpartition("/")[2], {})
        if depth > DEPTH_MAX:
            return None
        for several in ("anyOf", "oneOf", "allOf"):
            if schema.get(several):
                return self.example(dice.choice(schema[several]), dice, depth + 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return dice.choice(schema["enum"])
        match schema.get("type"):
            case "object" | None:
                required = schema.get("required", ())
                return {
                    name: self.example(of, dice, depth + 1)
                    for name, of in schema.get("properties", {}).items()
                    if name in required or dice.random() < 0.5
                }
            case "array":
                size = max(schema.get("minItems", 0), dice.choice((0, 1, 2)))
                return [self.example(schema.get("items", {}), dice, depth + 1) for _ in range(min(size, 20))]
            case "integer" | "number":
                return dice.choice((schema.get("minimum", 0), schema.get("maximum", 7), 1))
            case "boolean":
                return dice.random() < 0.5
            case "string":
                return _text(schema, dice)
        return None


def _text(schema: Json, dice: random.Random) -> str:
    if schema.get("examples"):
        return str(dice.choice(schema["examples"]))
    match schema.get("format"):
        case "date-time":
            return dice.choice(("2026-11-28T09:00:00Z", "2099-12-31T23:59:59Z", "2000-01-01T00:00:00+08:00"))
        case "date":
            return "2026-11-28"
        case "email":
            return f"{dice.randrange(10**6)}@example.org"
    size = max(schema.get("minLength", 0), min(schema.get("maxLength", 12), dice.choice((3, 12))))
    return "".join(dice.choice("abcdefgh0123字") for _ in range(size))


ASKS_FOR_HEALTH = {"GET /health", "GET /readyz"}


class Request(NamedTuple):
    """
    Attributes:
        raw: its bytes.
        is_cut: its bytes end before the request does.
    """

    service: str
    what: str
    raw: bytes
    is_cut: bool


class Requests:
    """
    Makes requests.

    Args:
        organiser: the header of organisers.
        tokens: headers of participants and of their attempts.
        own: ids of their things. They stand in all paths.
        others: ids that stand in paths of GET alone, so nothing that others need is changed.
    """

    def __init__(
        self,
        routes: Mapping[str, Routes],
        organiser: str,
        tokens: Sequence[str],
        own: Sequence[str],
        others: Sequence[str],
    ) -> None:
        self._routes = routes
        self._all = [route for one in routes.values() for route in one.all]
        self._organiser = organiser
        self._tokens = tokens
        self._own = own
        self._others = deque(others, OTHERS_MAX)

    def learn(self, answer: bytes) -> None:
        """Take ids from the answer to a request that was accepted."""
        self._others += [found.decode(errors="replace") for found in _ID.findall(answer)]

    def make(self, number: int, dice: random.Random) -> Request:
        """The next request; all routes come in turn."""
        route = self._all[number % len(self._all)]
        target = self._target(route, dice)
        lines, body = self._body(route, dice)
        lines += self._headers(dice)
        head = f"{route.method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "".join(
            f"{line}\r\n" for line in lines
        )
        raw = head.encode("utf-8", "surrogatepass") + b"\r\n" + body
        if dice.random() < 0.2:
            raw = damaged(raw, dice)
        return Request(route.service, f"{route.method} {route.path}", raw, not is_whole(raw))

    def _target(self, route: Route, dice: random.Random) -> str:
        parts = []
        for part in route.path.split("/"):
            if not part.startswith("{"):
                parts.append(part)
            elif dice.random() < 0.2:
                parts.append(dice.choice(self._own))
            elif route.method == "GET" and dice.random() < 0.4:
                parts.append(dice.choice(self._others))
            else:
                parts.append(dice.choice(SEGMENTS))
        asked = [
            f"{one['name']}={dice.choice((*SEGMENTS, '1', 'true', '2026-11-28'))}"
            for one in route.parameters
            if one.get("in") == "query" and dice.random() < 0.5
        ]
        return "/".join(parts) + ("?" + "&".join(asked) if asked else "")

    def _headers(self, dice: random.Random) -> list[str]:
        lines = ["Connection: close"]
        chance = dice.random()
        if chance < 0.6:
            lines.append(self._organiser)
        if 0.3 < chance < 0.9:
            lines.append(dice.choice(self._tokens))
        elif chance > 0.95:
            lines.append(
                dice.choice(
                    ("Authorization: Bearer a.b.c", "Authorization: Basic YTpi", "X-Organiser-Key: é")
                )
            )
        if dice.random() < 0.2:
            lines.append(f"{dice.choice(NAMES)}: {dice.choice(VALUES)}")
        return lines

    def _body(self, route: Route, dice: random.Random) -> tuple[list[str], bytes]:
        if not route.bodies and dice.random() < 0.9:
            return [], b""
        kind, schema = dice.choice(list(route.bodies.items()) or [("application/json", {})])
        value = self._routes[route.service].example(schema, dice)
        body = _spoilt(value, dice) if "json" in kind else dice.choice(FILES)
        chance = dice.random()
        if chance < 0.15:
            body = damaged(body, dice)
        elif chance < 0.18:
            body = b"[" * 50_000
        elif chance < 0.19:
            body = b'"' + b"x" * 3_000_000 + b'"'
        if dice.random() < 0.1:
            kind = dice.choice(TYPES)
        return [f"Content-Type: {kind}", f"Content-Length: {len(body)}"], body


def _spoilt(value: Any, dice: random.Random) -> bytes:
    """The value as JSON; mostly with something nasty in one place."""
    ways: list[list[Any]] = []

    def walk(inner: Any, way: list[Any]) -> None:
        parts = (
            inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        )
        for key, part in parts:
            ways.append([*way, key])
            walk(part, [*way, key])

    walk(value, [])
    if not ways or dice.random() < 0.25:
        return json.dumps(value).encode()
    way = dice.choice(ways)
    inner = value
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = "@@"
    return (
        json.dumps(value).replace('"@@"', dice.choice(list(NASTY.values()))).encode("utf-8", "surrogatepass")
    )


async def judged(ledger: Ledger, maker: Requests, request: Request, port: int, address: str) -> None:
    """Send a request from an address of this machine, and enter its verdict."""
    judge = over_http(request.service)
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            head, body = await _answer(request, port, address)
    except TimeoutError:
        ledger.enter(judge, "no answer")
        ledger.fault("no answer", f"{request.what}: {request.raw[:300]!r}")
        return
    if not head:
        ledger.enter(judge, "cut off before its end" if request.is_cut else "no answer")
        if not request.is_cut:
            ledger.fault("no answer", f"{request.what}: {request.raw[:300]!r}")
        return
    status = int(head.split(b" ", 2)[1])
    if status < 400:
        ledger.enter(judge, "accepted")
        maker.learn(body)
        return
    code = _code(head, body)
    # A version of HTTP that nobody speaks is the fault of the request, though its number is above 500.
    is_refused = status < 500 or status == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    if status == HTTPStatus.SERVICE_UNAVAILABLE and request.what in ASKS_FOR_HEALTH:
        # So it says on a busy machine that Kafka or MongoDB is slow just now. At the end all must be healthy.
        ledger.enter(judge, "not healthy at that moment")
        return
    ledger.enter(judge, f"refused {code or status}" if is_refused else f"failed {status} {code}")
    if not is_refused:
        ledger.fault(f"{status} {code}", f"{request.what}: {request.raw[:1_500]!r}")
    elif not code and not request.raw.startswith(b"HEAD"):
        ledger.fault("no code", f"{request.what}: {head[:200]!r} for {request.raw[:500]!r}")


def _code(head: bytes, body: bytes) -> str | None:
    if b"application/problem+json" not in head.lower():
        return None
    try:
        return str(json.loads(body)["code"])
    except (ValueError, KeyError, TypeError):
        return None


def over_http(service: str) -> str:
    """The name of a service in the ledger."""
    return f"HTTP {service}"


def is_whole(raw: bytes) -> bool:
    """Whether a server needs no more bytes than these: they are a request, or no HTTP."""
    # A server waits on after empty lines: RFC 9112, 2.2
    request = raw.lstrip(b"\r\n")
    if not request:
        # For h11 no bytes are the end of the connection.
        return False
    reading = h11.Connection(h11.SERVER)
    reading.receive_data(request)
    try:
        while isinstance(event := reading.next_event(), h11.Request | h11.Data):
            pass
    except h11.RemoteProtocolError:
        return True
    return event is not h11.NEED_DATA


async def _answer(request: Request, port: int, address: str) -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(address, 0), limit=ANSWER_BYTES_MAX
    )
    try:
        writer.write(request.raw)
        if request.is_cut:
            # Nothing more comes.
            writer.write_eof()
        head = b""
        while not head or head.startswith(b"HTTP/1.1 100"):
            head = await reader.readuntil(b"\r\n\r\n")
        if b"text/event-stream" in head.lower():
            return head, b""
        return head, await _body_of(head, reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b"", b""
    finally:
        writer.close()


async def _body_of(head: bytes, reader: asyncio.StreamReader) -> bytes:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            size = min(int(line.partition(b":")[2]), ANSWER_BYTES_MAX)
            try:
                return await reader.readexactly(size)
            except asyncio.IncompleteReadError as error:
                # The answer to HEAD, or to bytes that have become one.
                return error.partial
    return b""
