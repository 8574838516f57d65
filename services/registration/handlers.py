"""What registration does with events: book what other systems ask for."""

from services.registration.announcing import Origin
from services.registration.booking import BookingRequest, book
from services.registration.idempotency import command_fingerprint, command_key
from services.registration.records import Profile
from services.registration.rules import ParticipantId, SessionId
from services.registration.store import RegistrationStore
from shared.contracts.events import RegistrationRequested
from shared.messaging.consumer import Batch, Following, Received, Subscription
from shared.runtime.errors import Rejected


class Commands:
    """Books `registration.requested`."""

    def __init__(self, store: RegistrationStore) -> None:
        self._store = store

    async def book_requested(self, batch: Batch[RegistrationRequested]) -> Following:
        """
        Decide a batch in order. Outcomes leave through the outbox, so nothing follows here.

        A request id that came with another content before is dead-lettered.
        """
        requests = [_asked(received) for received in batch]
        outcomes = await book(requests, self._store)
        for received, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                batch.reject(received, outcome)
        return ()


def _asked(received: Received[RegistrationRequested]) -> BookingRequest:
    command = received.event
    profile = Profile(
        kind=command.kind,
        group_id=command.group_id,
        district=command.district,
        audience=command.audience,
        language=command.language,
        contact_sealed=command.contact_sealed,
    )
    body = command.model_dump_json(exclude={"contact_sealed"}).encode()
    return BookingRequest(
        key=command_key(command.participant_id, command.request_id),
        fingerprint=command_fingerprint(body),
        request_id=command.request_id,
        participant_id=ParticipantId(command.participant_id),
        session_id=SessionId(command.session_id),
        places=command.places,
        profile=profile,
        origin=Origin(parent=received.context),
        is_command=True,
    )


def subscriptions(commands: Commands) -> list[Subscription]:
    """What registration reads."""
    return [Subscription("registration-requests", [RegistrationRequested], commands.book_requested)]
