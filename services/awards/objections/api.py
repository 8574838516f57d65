"""What the routes `…/objections` of all public notices answer. The rooms of the notices have the routes."""

from collections.abc import Awaitable, Callable

from fastapi import Response, status

from services.awards.known.rules import check_token
from services.awards.known.store import KnownStore
from services.awards.objections.bodies import MadeOut, ObjectionOut, ObjectionsOut
from services.awards.objections.rules import Objection, Subject
from services.awards.objections.store import ObjectionStore
from shared.web.forms import one_page, place_after
from shared.web.tokens import Participant


async def answer_made(
    who: Participant | None,
    known: KnownStore,
    response: Response,
    make: Callable[[str | None], Awaitable[tuple[Objection, bool]]],
) -> MadeOut:
    """The answer to an objection of this participant, or of an organiser (None)."""
    by = who.participant_id if who else None
    if by:
        check_token(erased=bool(await known.erased([by])))
    objection, new = await make(by)
    response.status_code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
    return MadeOut.of(objection)


async def answer_page(
    objections: ObjectionStore, subject: Subject, after: str | None, limit: int
) -> ObjectionsOut:
    """A page of the objections of a notice."""
    place = place_after(after, str)
    page, following = await one_page(
        lambda most: objections.page(subject, place[0] if place else "", most),
        limit,
        lambda one: (one.objection_id,),
    )
    return ObjectionsOut(objections=[ObjectionOut.of(one) for one in page], after=following)
