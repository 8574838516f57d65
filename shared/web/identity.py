"""
Who is asking: routes say it by `AsParticipant`, or by the least role of an organiser.

    @routes.get("/me/awards")
    async def my_awards(participant: AsParticipant) -> AwardsOut: ...

    @routes.put("/schemes/{scheme_id}", dependencies=[AsOrganiser])
    async def put_scheme(...) -> SchemeOut: ...

An organiser's key has a role. `AsOwner` lets owners through, `AsOrganiser` also organisers, `AsDoor` also the
door, `AsViewer` also viewers, and `AsDoorOrViewer` all roles. docs/organising.md has the table of all routes.

A request without a good token or key is refused before its body is read.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, FastAPI, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import Scope

from shared.runtime import acting, clock
from shared.runtime.acting import Organiser, Role
from shared.runtime.errors import NotAuthenticated
from shared.web.admitting import Admission, check_role
from shared.web.edge.gate import Headers, Key
from shared.web.edge.waiting import BY_ORGANISER
from shared.web.senders import address_of
from shared.web.tokens import ASK_FOR_TOKEN, Participant, TokenVerifier, bearer

Admit: TypeAlias = Callable[..., Coroutine[Any, Any, Organiser]]

_bearer = HTTPBearer(auto_error=False, description="The token given at registration")
_key_header = APIKeyHeader(name="X-Organiser-Key", auto_error=False, description="An organiser's key")


# All are coroutines, although they wait for nothing: FastAPI would run plain functions in a thread.
async def participant(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Participant:
    """
    The participant whose token the request carries.

    Raises:
        NotAuthenticated: there is no good token.
    """
    if credentials is None:
        raise NotAuthenticated(ASK_FOR_TOKEN, code="token_missing")
    verified: Participant = request.app.state.tokens.verify(credentials.credentials, clock.now())
    return verified


def _of_roles(roles: frozenset[Role]) -> Admit:
    async def organiser(request: Request, key: Annotated[str | None, Depends(_key_header)]) -> Organiser:
        """
        The organiser whose key the request carries.

        Raises:
            NotAuthenticated, Forbidden, NotHttp: the key is missing or wrong, or its role is not enough.
        """
        # The gate has found it already. A role is checked at each dependency all the same.
        found: Organiser | None = request.scope.get(BY_ORGANISER)
        if found is None:
            admission: Admission = request.app.state.admission
            return admission.admit(key, roles, address_of(request.scope))
        check_role(found, roles)
        return found

    return organiser


owner = _of_roles(acting.OWNER)
organiser = _of_roles(acting.ORGANISER)
door = _of_roles(acting.DOOR)
viewer = _of_roles(acting.VIEWER)
door_or_viewer = _of_roles(acting.ANY_ROLE)


async def organiser_or_none(
    request: Request, key: Annotated[str | None, Depends(_key_header)]
) -> Organiser | None:
    """
    The organiser of any role whose key the request carries, None for everybody without a key.

    Raises:
        Forbidden: there is a key, and it is wrong.
    """
    return None if key is None else await door_or_viewer(request, key)


async def organiser_or_not(by: Annotated[Organiser | None, Depends(organiser_or_none)]) -> bool:
    """True for an organiser of any role, False for everybody without a key."""
    return by is not None


async def participant_or_none(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Participant | None:
    """
    The participant whose token the request carries, if it carries one.

    Raises:
        NotAuthenticated: the token is not good.
    """
    return await participant(request, credentials) if credentials else None


async def participant_or_organiser(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    key: Annotated[str | None, Depends(_key_header)],
) -> Participant | None:
    """
    The participant whose token the request carries; without a token it has to be an organiser: None.

    Raises:
        NotAuthenticated, Forbidden: the token is not good, or there is none and the key is missing or wrong.
    """
    if credentials:
        return await participant(request, credentials)
    await organiser(request, key)
    return None


AsParticipant = Annotated[Participant, Depends(participant)]
AsOwner = Depends(owner)
AsOrganiser = Depends(organiser)
AsDoor = Depends(door)
AsViewer = Depends(viewer)
AsDoorOrViewer = Depends(door_or_viewer)
ByOrganiser = Annotated[Organiser, Depends(organiser)]
ByViewer = Annotated[Organiser, Depends(viewer)]
ByDoorOrViewer = Annotated[Organiser, Depends(door_or_viewer)]
"""As `AsOrganiser`, `AsViewer` and `AsDoorOrViewer`, for a route that has to know whose key it is."""
ByOrganiserOrNone = Annotated[Organiser | None, Depends(organiser_or_none)]
IsOrganiser = Annotated[bool, Depends(organiser_or_not)]
AsParticipantOrNone = Annotated[Participant | None, Depends(participant_or_none)]
AsParticipantOrOrganiser = Annotated[Participant | None, Depends(participant_or_organiser)]
"""None is an organiser."""

ROLES: Mapping[Callable[..., Any], frozenset[Role]] = {
    owner: acting.OWNER,
    organiser: acting.ORGANISER,
    door: acting.DOOR,
    viewer: acting.VIEWER,
    door_or_viewer: acting.ANY_ROLE,
    participant_or_organiser: acting.ORGANISER,
}
"""The dependencies that admit organisers, each with the roles that are enough."""


def participant_id_in(verifier: TokenVerifier, authorization: bytes) -> str:
    """Whose token is in this header Authorization; empty if there is no good one."""
    if not authorization:
        return ""
    try:
        return verifier.verify(bearer(authorization), clock.now()).participant_id
    except NotAuthenticated:
        return ""


def checked_before_the_body(app: FastAPI) -> dict[Callable[..., Any], Key]:
    """For each of these dependencies, the check that the gate makes of a request's head."""
    verifier = app.state.tokens
    admission: Admission = app.state.admission

    def token(_: Scope, headers: Headers) -> None:
        verifier.verify(bearer(headers.get(b"authorization", b"")), clock.now())

    def key(roles: frozenset[Role]) -> Key:
        def admit(scope: Scope, headers: Headers) -> Organiser:
            given = headers.get(b"x-organiser-key", b"").decode("latin-1")
            return admission.admit(given, roles, address_of(scope))

        return admit

    def token_or_key(scope: Scope, headers: Headers) -> Organiser | None:
        if headers.get(b"authorization", b"")[:7].lower() == b"bearer ":
            token(scope, headers)
            return None
        return as_organiser(scope, headers)

    as_organiser = key(acting.ORGANISER)
    keys = {admit: key(roles) for admit, roles in ROLES.items()}
    return keys | {participant: token, participant_or_organiser: token_or_key}
