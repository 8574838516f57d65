"""
Who is asking: routes say it by `AsParticipant` or `AsOrganiser`.

    @routes.get("/me/awards")
    async def my_awards(participant: AsParticipant) -> AwardsOut: ...

    @routes.put("/schemes/{scheme_id}", dependencies=[AsOrganiser])
    async def put_scheme(...) -> SchemeOut: ...

A request without a good token or key is refused before its body is read.
"""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated
from shared.runtime.settings import Settings
from shared.web.edge.gate import Key
from shared.web.tokens import ASK_FOR_TOKEN, Participant, bearer, check_organiser

_bearer = HTTPBearer(auto_error=False, description="The token given at registration")
_key_header = APIKeyHeader(name="X-Organiser-Key", auto_error=False, description="The organisers' key")


# Both are coroutines, although they wait for nothing: FastAPI would run plain functions in a thread.
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


async def organiser(request: Request, key: Annotated[str | None, Depends(_key_header)]) -> None:
    """
    Let organisers through.

    Raises:
        NotAuthenticated, Forbidden: the key is missing or wrong.
    """
    settings: Settings = request.app.state.settings
    check_organiser(key, settings.organiser_key.get_secret_value())


async def organiser_or_not(request: Request, key: Annotated[str | None, Depends(_key_header)]) -> bool:
    """
    True for an organiser, False for everybody without a key.

    Raises:
        Forbidden: there is a key, and it is wrong.
    """
    if key is None:
        return False
    await organiser(request, key)
    return True


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
AsOrganiser = Depends(organiser)
IsOrganiser = Annotated[bool, Depends(organiser_or_not)]
AsParticipantOrNone = Annotated[Participant | None, Depends(participant_or_none)]
AsParticipantOrOrganiser = Annotated[Participant | None, Depends(participant_or_organiser)]
"""None is an organiser."""


def checked_before_the_body(app: FastAPI) -> dict[Callable[..., object], Key]:
    """For each of these dependencies, the check that the gate makes of a request's head."""
    verifier, settings = app.state.tokens, app.state.settings

    def token(headers: Mapping[bytes, bytes]) -> bool:
        given = bearer(headers.get(b"authorization", b""))
        verifier.verify(given, clock.now())
        return False

    def key(headers: Mapping[bytes, bytes]) -> bool:
        given = headers.get(b"x-organiser-key", b"").decode("latin-1")
        check_organiser(given, settings.organiser_key.get_secret_value())
        return True

    return {participant: token, organiser: key}
