"""
The gate that every request passes before its body is read: what no route may be asked ends here.

The hot protocol passes the plain requests of hot routes by; whatever it is not sure of comes through
here, so that a hot route and a route of the framework refuse the same with the same words.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.types import Scope

from shared.runtime.errors import NotFound
from shared.web.forms import BODY_BYTES_MAX, body_reader
from shared.web.hot import HotRoute
from shared.web.problems import NotHttp

# Which of two counts depends on who reads them: a proxy, a framework, a hot route.
SINGLE = (
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-type",
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
Key = Callable[[Headers], object]
"""Looks at a request's key or token; raises NotAuthenticated or Forbidden where it is not good."""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One route as the gate knows it.

    Args:
        parameters: those that its query may have; None where that is the route's own business.
        key: what has to be good before the body is read.
        read_body: reads a body as the type that the route declares; None where it declares none.
    """

    path: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    parameters: frozenset[str] | None = None
    takes_json: bool = False
    read_body: Callable[[bytes], object] | None = None
    body_bytes_max: int = BODY_BYTES_MAX
    key: Key | None = None
    hot: HotRoute | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The routes under one path: its pattern, the methods that they have, and the one of the request's."""

    path: str
    allowed: tuple[str, ...]
    entry: Entry | None


class Gate:
    """
    Finds a request's route and checks what stands in its head.

    Args:
        keys: by dependency of the framework: the check that needs no body.
    """

    def __init__(
        self, app: FastAPI, hot_routes: Sequence[HotRoute], keys: Mapping[Callable[..., Any], Key]
    ) -> None:
        self._app = app
        self._hot_routes = hot_routes
        self._keys = keys
        self._entries: list[Entry] | None = None

    def find(self, scope: Scope) -> Found:
        """
        The route that this request is for.

        Raises:
            NotHttp: the head is not that of a request.
            NotFound: no route has this path.
        """
        check_head(scope["headers"], scope["http_version"])
        if self._entries is None:
            # At the first request: by then all routes are there.
            self._entries = [*map(_hot_entry, self._hot_routes), *self._framework_entries()]
        there = [entry for entry in self._entries if entry.pattern.fullmatch(scope["path"])]
        if not there:
            raise NotFound("there is nothing under this path")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        allowed = {method for entry in there for method in entry.methods} | {"OPTIONS"}
        if "GET" in allowed:
            allowed.add("HEAD")
        entry = next((entry for entry in there if method in entry.methods), None)
        return Found((entry or there[0]).path, tuple(sorted(allowed)), entry)

    def check(self, entry: Entry, scope: Scope, headers: Headers) -> None:
        """
        Refuse what this route is not asked.

        Raises:
            NotHttp: a parameter is unknown or doubled, the body is no JSON, encoded or too large.
            NotAuthenticated, Forbidden: its key or token is missing or not good.
        """
        if scope["query_string"] and entry.parameters is not None:
            check_parameters(scope["query_string"], entry.parameters)
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise NotHttp(
                415,
                "a body here is not compressed or encoded in another way",
                code="content_encoding",
                headers=[("accept-encoding", "identity")],
            )
        if entry.key is not None:
            entry.key(headers)
        length = headers.get(b"content-length", b"0")
        sent = b"transfer-encoding" in headers or int(length) > 0
        media_type = headers.get(b"content-type")
        if sent and entry.takes_json and media_type is not None and not _JSON.fullmatch(media_type):
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
        return Entry(
            path=route.path or "unmatched",
            # A mount says nothing of methods; ours hold files.
            methods=frozenset(route.methods or {"GET"}) - {"HEAD"},
            pattern=pattern,
            parameters=_parameters(dependant) if dependant else None,
            takes_json=body is not None,
            read_body=body_reader(body.field_info.annotation) if body else None,
            body_bytes_max=getattr(route, "max_body_size", None) or BODY_BYTES_MAX,
            key=next((self._keys[call] for call in _calls(dependant) if call in self._keys), None),
        )


def check_head(headers: Sequence[tuple[bytes, bytes]], version: str) -> None:
    """
    Refuse a head that different readers could understand differently.

    Raises:
        NotHttp: a header of `SINGLE` stands twice, or HTTP/1.1 comes without Host or with one that no host
            can have, or it is another HTTP.
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


# Nearly all requests name one of a few hosts.
@lru_cache(maxsize=HOSTS_REMEMBERED_MAX)
def is_host(value: bytes) -> bool:
    """Whether a header Host has only what a host and its port can have."""
    return _HOST.fullmatch(value) is not None


def check_parameters(query: bytes, known: frozenset[str]) -> None:
    """
    Refuse parameters that nobody would look at.

    Raises:
        NotHttp: one is unknown, or stands twice.
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
    """The answer to a method that no route of the path has."""
    methods = ", ".join(allowed)
    return NotHttp(
        405,
        f"this path knows {methods}",
        code="method_not_allowed",
        headers=[("allow", methods)],
        allowed=methods,
    )


def too_large(bytes_max: int) -> NotHttp:
    """The answer to a body beyond its route's bound."""
    return NotHttp(413, f"a body here may have {bytes_max} bytes", code="too_large", bytes=bytes_max)


def _hot_entry(route: HotRoute) -> Entry:
    return Entry(
        path=route.path,
        methods=frozenset({route.method}),
        pattern=route.pattern,
        parameters=frozenset(),
        takes_json=route.method != "GET",
        body_bytes_max=route.body_bytes_max,
        hot=route,
    )


def _parameters(dependant: Dependant) -> frozenset[str]:
    fields = get_flat_params(dependant)
    return frozenset(field.alias for field in fields if isinstance(field.field_info, params.Query))


def _calls(dependant: Dependant | None) -> Iterable[Callable[..., Any]]:
    """What a route depends on directly: what another dependency asks for may be wanted by some alone."""
    return [found.call for found in dependant.dependencies if found.call] if dependant else []
