"""
Booking: many requests for places, decided in order in one transaction.

HTTP and commands share it. A batch takes its sessions first, so batches at one session
follow each other, whichever process they run in; within a batch the order of the
requests decides (docs/decisions/0007-booking.md).
"""

from collections import Counter
from collections.abc import Sequence

from services.registration.booking import metrics as outcomes
from services.registration.booking.batch import BookingRequest, Clerk, Outcome
from services.registration.booking.events import Origin
from services.registration.booking.rules import registration_id
from services.registration.booking.store import Books
from services.registration.participants.ensure_keys import keys_of
from services.registration.programme.store import RegistrationStore
from shared.runtime import clock
from shared.runtime.errors import Rejected

BOOKINGS_MAX = 200


async def book(requests: Sequence[BookingRequest], store: RegistrationStore) -> Sequence[Outcome | Rejected]:
    """
    Decide requests in order; their events leave through the outbox.

    Returns: for each its outcome, or why it is refused and nothing of it is kept, as asking again later
    may be answered otherwise. Whatever refuses a command is an outcome, except `idempotency_key_reused`.
    Raises:
        Unavailable: the database does not answer; asking again with the same keys is harmless.
    """
    all_decided: list[Outcome | Rejected] = []
    for start in range(0, len(requests), BOOKINGS_MAX):
        some = requests[start : start + BOOKINGS_MAX]

        async def work(books: Books, some: Sequence[BookingRequest] = some) -> list[Outcome | Rejected]:
            return await _book(some, books)

        decided = await store.transaction(work)
        _count(decided)
        all_decided += decided
    return all_decided


async def _book(requests: Sequence[BookingRequest], books: Books) -> list[Outcome | Rejected]:
    sessions = await books.lock_sessions({request.session_id for request in requests})
    # Read once the sessions are taken: facts of one session then follow each other in time too.
    now = clock.now()
    # A newcomer's id is made for the request: without an answer to that there is nothing of them.
    known = [request for request in requests if request.newcomer is None or request.is_command]
    participants = await books.participants({request.participant_id for request in known})
    answers = await books.answers({request.key for request in requests})
    alive = {id_ for id_, participant in participants.items() if participant.profile is not None}
    keys, events = await keys_of(books, alive, Origin(), now)
    # Those of newcomers who ask again: their tickets are to be opened.
    keys |= await books.contact_keys(
        {answer.participant_id for answer in answers.values() if answer.ticket_locked} - keys.keys()
    )
    clerk = Clerk(
        now,
        books.lockbox,
        sessions=sessions,
        participants=participants,
        keys=keys,
        groups=await books.groups_among(_groups_named(requests)),
        registrations=await books.registrations(
            {registration_id(request.participant_id, request.session_id) for request in known}
        ),
        answers=answers,
    )
    decided = [clerk.settle(request) for request in requests]
    await books.add_participants(clerk.new_participants)
    await books.add_contact_keys(clerk.new_keys)
    await books.add_registrations(list(clerk.new_registrations.values()))
    await books.save_registrations(list(clerk.renewed_registrations.values()))
    await books.add_answers(clerk.new_answers)
    await books.save_sessions([clerk.sessions[id_] for id_ in sorted(clerk.changed_sessions)])
    await books.tell([*events, *clerk.events])
    return decided


def _groups_named(requests: Sequence[BookingRequest]) -> set[str]:
    named = (request.newcomer.profile.group_id for request in requests if request.newcomer)
    return {group_id for group_id in named if group_id is not None}


def _count(decided: Sequence[Outcome | Rejected]) -> None:
    outcomes.count(
        Counter(
            "refused" if isinstance(one, Rejected) else "repeated" if one.repeated else one.answer.verdict
            for one in decided
        )
    )
