"""What registration does with events: book what other systems ask for."""

from services.registration.booking.batch import BookingRequest, Newcomer
from services.registration.booking.book import book
from services.registration.booking.events import Origin
from services.registration.booking.idempotency import command_fingerprint, command_key
from services.registration.booking.rules import ParticipantId, SessionId
from services.registration.participants.keys import Lockbox
from services.registration.participants.rules import Profile
from services.registration.programme.store import RegistrationStore
from shared.contracts.events import RegistrationRequested
from shared.contracts.sealing import lock_sealed
from shared.contracts.topics import REGISTRATION_REQUESTS
from shared.messaging.consumer import Batch, Following, Received, Subscription
from shared.runtime.errors import Rejected


class Commands:
    """Books `registration.requested`."""

    def __init__(self, store: RegistrationStore) -> None:
        self._store = store

    async def book_requested(self, batch: Batch[RegistrationRequested]) -> Following:
        """
        Decide a batch in order. Outcomes leave through the outbox, so nothing follows here.

        A request id that came with another content before is dead-lettered, and so is a contact that
        is no base64.
        """
        asked: list[tuple[Received[RegistrationRequested], BookingRequest]] = []
        for received in batch:
            try:
                asked.append((received, _asked(received, self._store.lockbox)))
            except Rejected as error:
                batch.reject(received, error)
        outcomes = await book([request for _, request in asked], self._store)
        for (received, _), outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                batch.reject(received, outcome)
        return ()


def _asked(received: Received[RegistrationRequested], lockbox: Lockbox) -> BookingRequest:
    command = received.event
    key = lockbox.new_key()
    profile = Profile(
        kind=command.kind,
        group_id=command.group_id,
        district=command.district,
        audience=command.audience,
        language=command.language,
        # As it came: registration cannot open it.
        contact_locked=command.contact_sealed and lock_sealed(command.contact_sealed, key.key),
    )
    body = command.model_dump_json(exclude={"contact_sealed"}).encode()
    return BookingRequest(
        key=command_key(command.participant_id, command.request_id),
        fingerprint=command_fingerprint(body),
        request_id=command.request_id,
        participant_id=ParticipantId(command.participant_id),
        session_id=SessionId(command.session_id),
        places=command.places,
        newcomer=Newcomer(profile, key),
        origin=Origin(parent=received.context),
        is_command=True,
    )


def subscriptions(commands: Commands) -> list[Subscription]:
    """What registration reads."""
    return [Subscription(REGISTRATION_REQUESTS, [RegistrationRequested], commands.book_requested)]
