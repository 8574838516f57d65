"""The counters of requests that a process makes with 0 at its start: those that its routes declare."""

import re
from collections.abc import Iterable, Sequence

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from shared.runtime import metrics
from shared.web import wording
from shared.web.hot import HotRoute
from shared.web.identity import ROLES, participant, participant_or_none, participant_or_organiser
from shared.web.observing import UNMATCHED

# Any route may refuse with these.
ALWAYS = ("internal", "invalid", "overloaded", "unavailable")
OF_KEYS = ("organiser_key_missing", "organiser_key_wrong", "organiser_keys_tried", "organiser_role")
OF_TOKENS = ("token_ended", "token_expired", "token_invalid", "token_missing")
# Before a route is found.
OF_NO_ROUTE = (
    "bad_request",
    "head_too_large",
    "header_doubled",
    "host_invalid",
    "host_missing",
    "method_not_allowed",
    "not_found",
    "overloaded",
    "request_timeout",
)
# Hot routes answer most requests. What they answer with when something is wrong counts from 0 too.
FAILED = ("500", "503")
_CODE = re.compile(r"`([a-z][a-z0-9_]*)`")
_TOKEN = frozenset({participant, participant_or_none, participant_or_organiser})


def begin_at_zero(app: FastAPI, hot_routes: Sequence[HotRoute]) -> None:
    """Make the counters of the refusals that the routes of this app declare."""
    metrics.PROBLEMS.begin([UNMATCHED], OF_NO_ROUTE)
    hot = {(route.method, route.path) for route in hot_routes}
    for route in iter_route_contexts(app.routes):
        if route.path is None or getattr(route, "dependant", None) is None:
            continue
        for method in route.methods or ():
            if (method, route.path) in hot:
                good = str(getattr(route, "status_code", None) or 200)
                metrics.HTTP_SECONDS.begin([method], [route.path], [good, *FAILED])
        metrics.PROBLEMS.begin([route.path], sorted(_codes_of(route)))
    for one in hot_routes:
        metrics.PROBLEMS.begin([one.path], [*ALWAYS, *OF_TOKENS])


def _codes_of(route: RouteContext) -> Iterable[str]:
    answers = getattr(route, "responses", None) or {}
    words = [
        getattr(route, "description", "") or "",
        *(str(one.get("description")) for one in answers.values()),
    ]
    calls = {found.call for found in getattr(route, "dependant").dependencies}  # noqa: B009 (of a route alone)
    codes = {*ALWAYS} | (wording.codes() & set(_CODE.findall("\n".join(words))))
    if calls & ROLES.keys():
        codes.update(OF_KEYS)
    if calls & _TOKEN:
        codes.update(OF_TOKENS)
    return codes
