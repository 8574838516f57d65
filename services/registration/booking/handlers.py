"""
Requests for places that other systems send as commands. Nobody waits for their answers, so people go first.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from services.registration.booking.batch import BookingRequest, Newcomer, Outcome
from services.registration.booking.book import Booking
from services.registration.booking.idempotency import command_answer_id, command_fingerprint
from services.registration.participants.keys import KeySealer
from services.registration.participants.rules import ParticipantId, Profile
from services.registration.sessions.rules import SessionId
from shared.contracts.events import RegistrationRequested
from shared.contracts.origin import Origin
from shared.contracts.sealing import lock_sealed
from shared.contracts.topics import REGISTRATION_REQUESTS
from shared.messaging.received import Batch, Following, Received, Subscription
from shared.runtime.errors import Rejected

# All other refusals of a command are published as `registration.rejected`.
DEAD_LETTER_CODES = ("idempotency_key_reused", "contact_unreadable")
# Commands of one transaction. The transaction locks its sessions, and people who ask for a place there wait
# for it.
COMMANDS_MAX = 50
# Another process may wait for the same sessions. So we pause between two transactions of commands, for this
# share of the time that the last one took.
FREE_SHARE = 0.25
FREE_SECONDS_MAX = 0.05
# If people still wait after this pause, the commands wait until all of them have an answer, at most for this
# time.
PEOPLE_FIRST_SECONDS_MAX = 0.5
LOOK_SECONDS = 0.005


class People(Protocol):
    """The requests for places over HTTP, if this process answers them."""

    @property
    def waiting(self) -> int:
        """How many requests are not decided yet."""


def subscriptions(booking: Booking, sealer: KeySealer, people: People | None = None) -> list[Subscription]:
    """
    The commands of other systems.

    Args:
        people: the people who ask this process for places.
    """
    return [
        Subscription(
            REGISTRATION_REQUESTS,
            [RegistrationRequested],
            CommandHandler(booking, sealer, people).book_requested,
            codes=DEAD_LETTER_CODES,
        )
    ]


class CommandHandler:
    """Books `registration.requested`."""

    def __init__(self, booking: Booking, sealer: KeySealer, people: People | None) -> None:
        self._booking = booking
        self._sealer = sealer
        self._people = people

    async def book_requested(self, batch: Batch[RegistrationRequested]) -> Following:
        """
        Decide a batch in order. The outcomes are published through the outbox, so no events are returned.

        Dead letters: a request id that came before with another content (`idempotency_key_reused`), and
        a contact that is not base64 (`contact_unreadable`).
        """
        asked: list[tuple[Received[RegistrationRequested], BookingRequest]] = []
        for received in batch:
            try:
                asked.append((received, _booking_request(received, self._sealer)))
            except Rejected as error:
                batch.reject(received, error)
        outcomes = await self._book([request for _, request in asked])
        for (received, _), outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                batch.reject(received, outcome)
        return ()

    async def _book(self, requests: Sequence[BookingRequest]) -> list[Outcome | Rejected]:
        outcomes: list[Outcome | Rejected] = []
        for start in range(0, len(requests), COMMANDS_MAX):
            began = time.monotonic()
            outcomes += await self._booking.book(requests[start : start + COMMANDS_MAX])
            if len(requests) > COMMANDS_MAX:
                await self._people_first(time.monotonic() - began)
        return outcomes

    async def _people_first(self, took_seconds: float) -> None:
        await asyncio.sleep(min(took_seconds * FREE_SHARE, FREE_SECONDS_MAX))
        ends = time.monotonic() + PEOPLE_FIRST_SECONDS_MAX
        # Looking costs less than an event, because each request over HTTP would have to set the event.
        while self._people and self._people.waiting and time.monotonic() < ends:  # noqa: ASYNC110 (as said above)
            await asyncio.sleep(LOOK_SECONDS)


def _booking_request(received: Received[RegistrationRequested], sealer: KeySealer) -> BookingRequest:
    command = received.event
    contact_key = sealer.new_key()
    profile = Profile(
        kind=command.kind,
        group_id=command.group_id,
        district=command.district,
        audience=command.audience,
        language=command.language,
        # The contact inside stays sealed: registration cannot open it.
        contact_locked=command.contact_sealed and lock_sealed(command.contact_sealed, contact_key.key),
    )
    return BookingRequest(
        answer_id=command_answer_id(received.context.source, command.participant_id, command.request_id),
        fingerprint=command_fingerprint(command.asked_for),
        request_id=command.request_id,
        participant_id=ParticipantId(command.participant_id),
        session_id=SessionId(command.session_id),
        places=command.places,
        newcomer=Newcomer(profile, contact_key),
        origin=Origin(parent=received.context),
        is_command=True,
        vouched=True,
    )
