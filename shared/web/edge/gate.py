"""
The gate checks the head of a request before its body is read, and refuses what no route accepts.

Plain requests to hot routes do not come here: the hot protocol is sure of them. All others do. So hot routes
and routes of the framework refuse the same requests with the same words.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.types import Scope

from shared.runtime.acting import Organiser
from shared.runtime.errors import NotFound
from shared.runtime.life import Life
from shared.web.edge.waiting import BY_ORGANISER
from shared.web.forms import BODY_BYTES_MAX, body_reader
from shared.web.hot import HotRoute, hot_route
from shared.web.observing import WATCHED
from shared.web.pages.posted import PageForm, is_posted
from shared.web.pages.reader import reader_of
from shared.web.problems import NotHttp

# Headers that may stand once. A proxy, the framework and a hot route might each read another one of two.
SINGLE = (
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"expect",
    b"host",
    b"idempotency-key",
    b"transfer-encoding",
    b"x-organiser-key",
)
NAME_CHARS_MAX = 64
# RFC 3986, section 3.2: an address in brackets, or a name, which may be empty; then a port.
_HOST = re.compile(rb"(?:\[[0-9A-Za-z:.%_~-]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")
HOSTS_REMEMBERED_MAX = 1_024
_JSON = re.compile(rb"application/(?:[a-z0-9!#$&^_.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)

Headers = Mapping[bytes, bytes]
Key = Callable[[Scope, Headers], Organiser | None]
"""
Checks a request's key or token: raises NotAuthenticated, Forbidden or NotHttp if it is not good.

Returns the organiser who asks; None for a participant. Anybody can get a participant's token.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One route as the gate knows it.

    Args:
        parameters: gives the names that its query may have; None if the route checks them itself.
        key: the check of the key or token, before the body is read.
        read_body: reads a body as the type that the route declares; None if it declares none.
        takes_posted: its body may also be sent by a form of a page.
        shows_pages: it answers browsers with pages, and so do its refusals.
    """

    path: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    parameters: Callable[[], frozenset[str]] | None = None
    takes_json: bool = False
    read_body: Callable[[bytes], object] | None = None
    body_bytes_max: int = BODY_BYTES_MAX
    key: Key | None = None
    hot: HotRoute | None = None
    takes_posted: bool = False
    shows_pages: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The routes of one path: their pattern, all their methods, and the route of the request's method."""

    path: str
    allowed: tuple[str, ...]
    entry: Entry | None


class Gate:
    """
    Finds the route of a request and checks the head.

    Args:
        keys: for dependencies of the framework, the check that needs no body.
    """

    def __init__(
        self,
        app: FastAPI,
        hot_routes: Sequence[HotRoute],
        keys: Mapping[Callable[..., Any], Key],
        life: Life,
    ) -> None:
        self.life = life
        self._app = app
        self._hot_routes = hot_routes
        self._keys = keys
        self._entries: list[Entry] | None = None
        self._hot_known = 0

    def find(self, scope: Scope) -> Found:
        """
        The route of this request.

        Raises:
            NotHttp: the head is malformed.
            NotFound: no route has this path.
            Starting: the service has no parts yet. Before that, not even a 404 is certain.
        """
        if scope["path"] not in WATCHED:
            self.life.check_serves()
        check_head(scope["headers"], scope["http_version"])
        if self._entries is None or len(self._hot_routes) != self._hot_known:
            # Hot routes come when the parts of the service are there.
            self._entries = [*map(_hot_entry, self._hot_routes), *self._framework_entries()]
            self._hot_known = len(self._hot_routes)
        there = [entry for entry in self._entries if entry.pattern.fullmatch(scope["path"])]
        if not there:
            raise NotFound("there is nothing under this path")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        allowed = {method for entry in there for method in entry.methods} | {"OPTIONS"}
        if "GET" in allowed:
            allowed.add("HEAD")
        entry = next((entry for entry in there if method in entry.methods), None)
        return Found((entry or there[0]).path, tuple(sorted(allowed)), entry)

    def is_hot(self, method: str, path: str) -> bool:
        """Whether a hot route answers this request."""
        return hot_route(self._hot_routes, method, path) is not None

    def check(self, entry: Entry, scope: Scope, headers: Headers) -> None:
        """
        Refuse what this route does not accept, and note in the scope which organiser asks.

        Raises:
            NotHttp: a parameter is unknown or doubled; the body is no JSON, is encoded, or is too large; or
                too many wrong keys came from this address.
            NotAuthenticated, Forbidden: its key or token is missing or not good.
        """
        if scope["query_string"] and entry.parameters is not None:
            check_parameters(scope["query_string"], entry.parameters())
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise NotHttp(
                415,
                "a body here is not compressed or encoded in another way",
                code="content_encoding",
                headers=[("accept-encoding", "identity")],
            )
        if entry.key is not None:
            scope[BY_ORGANISER] = entry.key(scope, headers)
        length = headers.get(b"content-length", b"0")
        sent = b"transfer-encoding" in headers or int(length) > 0
        media_type = headers.get(b"content-type")
        posted = entry.takes_posted and is_posted(media_type)
        if (
            sent
            and entry.takes_json
            and media_type is not None
            and not (posted or _JSON.fullmatch(media_type))
        ):
            raise NotHttp(415, "a body here is application/json", code="media_type")
        if int(length) > entry.body_bytes_max:
            raise too_large(entry.body_bytes_max)

    def _framework_entries(self) -> Iterable[Entry]:
        for route in iter_route_contexts(self._app.routes):
            pattern = getattr(route, "path_regex", None)
            if pattern is not None:
                yield self._framework_entry(route, pattern)

    def _framework_entry(self, route: RouteContext, pattern: re.Pattern[str]) -> Entry:
        dependant, body = getattr(route, "dependant", None), getattr(route, "body_field", None)
        kind = body.field_info.annotation if body else None
        return Entry(
            path=route.path or "unmatched",
            # A mount names no methods. Ours serve files.
            methods=frozenset(route.methods or {"GET"}) - {"HEAD"},
            pattern=pattern,
            # Most routes are never asked with a query, and to find their parameters takes half of a start.
            parameters=cache(partial(_parameters, dependant)) if dependant else None,
            takes_json=body is not None,
            read_body=body_reader(kind) if body else None,
            body_bytes_max=getattr(route, "max_body_size", None) or BODY_BYTES_MAX,
            key=next((self._keys[call] for call in _calls(dependant) if call in self._keys), None),
            takes_posted=isinstance(kind, type) and issubclass(kind, PageForm),
            shows_pages=reader_of in _calls(dependant),
        )


def check_head(headers: Sequence[tuple[bytes, bytes]], version: str) -> None:
    """
    Refuse a head that two readers could understand differently.

    Raises:
        NotHttp: a header of `SINGLE` stands twice; Host is missing in HTTP/1.1 or malformed; or the version,
            the coding of the transfer or what is expected is another one.

    Source: RFC 9112, section 6.1; RFC 9110, section 10.1.1
    """
    if version not in ("1.1", "1.0"):
        raise NotHttp(505, "HTTP/1.1 is spoken here", code="version_unsupported")
    names = [name for name, _ in headers]
    if len(set(names)) < len(names):
        for single in SINGLE:
            if names.count(single) > 1:
                header = single.decode().title()
                raise NotHttp(400, f"the header {header} stands twice", code="header_doubled", header=header)
    host = next((value for name, value in headers if name == b"host"), None)
    if host is None and version == "1.1":
        raise NotHttp(400, "a request of HTTP/1.1 has the header Host", code="host_missing")
    if host is not None and not is_host(host):
        raise NotHttp(400, "the header Host is not that of a host", code="host_invalid")
    for name, value in headers:
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            raise NotHttp(501, "a body here is sent in chunks or as it is", code="transfer_encoding")
        # HTTP/1.0 has no such header: there it is ignored.
        if name == b"expect" and version == "1.1" and value.lower() != b"100-continue":
            raise NotHttp(417, "only 100-continue can be expected here", code="expectation_unknown")


# There are few hosts that requests name.
@lru_cache(maxsize=HOSTS_REMEMBERED_MAX)
def is_host(value: bytes) -> bool:
    """Whether a header Host has only what a host and its port can have."""
    return _HOST.fullmatch(value) is not None


def check_parameters(query: bytes, known: frozenset[str]) -> None:
    """
    Refuse parameters that the route does not know.

    Raises:
        NotHttp: a parameter is unknown, or stands twice.
    """
    seen: set[str] = set()
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        shown = name[:NAME_CHARS_MAX]
        if name not in known:
            raise NotHttp(
                422, f"there is no parameter {shown} here", code="parameter_unknown", parameter=shown
            )
        if name in seen:
            raise NotHttp(
                422, f"the parameter {shown} stands twice", code="parameter_doubled", parameter=shown
            )
        seen.add(name)


def method_not_allowed(allowed: Sequence[str]) -> NotHttp:
    """The refusal of a method that no route of the path has."""
    methods = ", ".join(allowed)
    return NotHttp(
        405,
        f"this path knows {methods}",
        code="method_not_allowed",
        headers=[("allow", methods)],
        allowed=methods,
    )


def too_large(bytes_max: int) -> NotHttp:
    """The refusal of a body beyond its route's bound."""
    return NotHttp(413, f"a body here may have {bytes_max} bytes", code="too_large", bytes=bytes_max)


def _hot_entry(route: HotRoute) -> Entry:
    return Entry(
        path=route.path,
        methods=frozenset({route.method}),
        pattern=route.pattern,
        parameters=frozenset[str],
        takes_json=route.method != "GET",
        body_bytes_max=route.body_bytes_max,
        hot=route,
    )


def _parameters(dependant: Dependant) -> frozenset[str]:
    fields = get_flat_params(dependant)
    return frozenset(field.alias for field in fields if isinstance(field.field_info, params.Query))


def _calls(dependant: Dependant | None) -> Iterable[Callable[..., Any]]:
    """The direct dependencies of a route. An indirect one may be needed for some requests only."""
    return [found.call for found in dependant.dependencies if found.call] if dependant else []
