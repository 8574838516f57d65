"""Which role of an organiser may do what, from the routes of all services."""

from collections.abc import Iterator
from typing import get_args

from fastapi.routing import iter_route_contexts

from ops.deployment import keys
from ops.deployment.description import EVERY
from ops.documents.settings import assembled
from ops.documents.tables import code, table
from shared.runtime.acting import Role
from shared.web.identity import ROLES, participant_or_organiser


def routes() -> str:
    """A row for each route that asks for an organiser's key. `/acts` is in all services, and stands once."""
    rows: dict[str, list[str]] = {}
    secrets = keys.fresh()
    for service in EVERY:
        for route, words, enough, also_own in _routes_of(assembled(service, secrets)):
            own = "; a participant does it with the own ones" if also_own else ""
            marks = ["✓" if role in enough else "" for role in get_args(Role)]
            where = "all" if route == "GET /acts" else service
            rows.setdefault(f"{where} {route}", [where, code(route), words + own, *marks])
    return table(["service", "route", "what it does", *get_args(Role)], rows.values())


def _routes_of(app: object) -> Iterator[tuple[str, str, frozenset[Role], bool]]:
    for route in iter_route_contexts(app.routes):  # type: ignore[attr-defined]
        dependant = getattr(route, "dependant", None)
        asked = [one.call for one in dependant.dependencies] if dependant else []
        for call in asked:
            if call in ROLES:
                [method] = set(route.methods or ()) - {"HEAD"}
                words = getattr(route, "summary", None) or ""
                yield f"{method} {route.path}", words, ROLES[call], call is participant_or_organiser
