"""Requests for places that other systems send as commands."""

from services.registration.booking.batch import BookingRequest, Newcomer
from services.registration.booking.book import Booking
from services.registration.booking.idempotency import command_fingerprint, command_key
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


def subscriptions(booking: Booking, sealer: KeySealer) -> list[Subscription]:
    """The commands of other systems."""
    return [
        Subscription(
            REGISTRATION_REQUESTS,
            [RegistrationRequested],
            Commands(booking, sealer).book_requested,
            codes=DEAD_LETTER_CODES,
        )
    ]


class Commands:
    """Books `registration.requested`."""

    def __init__(self, booking: Booking, sealer: KeySealer) -> None:
        self._booking = booking
        self._sealer = sealer

    async def book_requested(self, batch: Batch[RegistrationRequested]) -> Following:
        """
        Decide a batch in order. The outcomes are published through the outbox, so nothing follows here.

        Dead letters: a request id that came before with another content (`idempotency_key_reused`), and
        a contact that is no base64 (`contact_unreadable`).
        """
        asked: list[tuple[Received[RegistrationRequested], BookingRequest]] = []
        for received in batch:
            try:
                asked.append((received, _booking_request(received, self._sealer)))
            except Rejected as error:
                batch.reject(received, error)
        outcomes = await self._booking.book([request for _, request in asked])
        for (received, _), outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                batch.reject(received, outcome)
        return ()


def _booking_request(received: Received[RegistrationRequested], sealer: KeySealer) -> BookingRequest:
    command = received.event
    key = sealer.new_key()
    profile = Profile(
        kind=command.kind,
        group_id=command.group_id,
        district=command.district,
        audience=command.audience,
        language=command.language,
        # It stays sealed inside: registration cannot open it.
        contact_locked=command.contact_sealed and lock_sealed(command.contact_sealed, key.key),
    )
    # Without defaults: a field that a later release adds does not make another request of an old command.
    body = command.model_dump_json(exclude={"contact_sealed"}, exclude_defaults=True).encode()
    return BookingRequest(
        key=command_key(received.context.source, command.participant_id, command.request_id),
        fingerprint=command_fingerprint(body),
        request_id=command.request_id,
        participant_id=ParticipantId(command.participant_id),
        session_id=SessionId(command.session_id),
        places=command.places,
        newcomer=Newcomer(profile, key),
        origin=Origin(parent=received.context),
        is_command=True,
        vouched=True,
    )
