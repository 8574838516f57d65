"""Erasing: nothing personal of a participant stays, and nobody can open any more what lies elsewhere."""

from datetime import datetime

from services.registration.booking import events as announcing
from services.registration.booking import metrics as outcomes
from services.registration.booking.cancel import leave
from services.registration.booking.events import Origin
from services.registration.booking.rules import ParticipantId
from services.registration.booking.store import Books
from services.registration.participants.rules import Participant
from services.registration.programme.store import RegistrationStore
from shared.runtime import clock
from shared.runtime.errors import NotAuthenticated

BY_ERASURE = "participant_erased"


async def erase(participant_id: str, store: RegistrationStore, origin: Origin) -> datetime:
    """
    Erase a participant's key and profile, cancel waits and what is still to come; again, it changes nothing.

    Visits stay as they are, under an id that no longer leads to anybody.

    Returns: when the participant was erased.
    Raises:
        NotAuthenticated: the participant does not exist.
    """
    id_ = ParticipantId(participant_id)

    async def work(books: Books) -> tuple[datetime, int, int]:
        participant = (await books.participants([id_])).get(id_)
        if participant is None:
            raise NotAuthenticated("the token's participant does not exist here", code="participant_unknown")
        if participant.erased_at is not None:
            return participant.erased_at, 0, 0
        standing = await books.standing_of(id_)
        left, events = await leave(books, standing, BY_ERASURE, origin, past_places_stay=True)
        now, version = clock.now(), participant.version + 1
        await books.save_participant(Participant(id_, None, version, erased_at=now))
        await books.remove_contact_key(id_)
        await books.forget(id_)
        await books.tell([*events, *announcing.erased(id_, version, origin, now)])
        return now, len(left), len(events) - len(left)

    erased_at, cancelled, promoted = await store.transaction(work)
    outcomes.count({"cancelled": cancelled, "promoted": promoted})
    return erased_at
