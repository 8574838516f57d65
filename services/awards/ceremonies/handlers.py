"""Who was checked in, as registration publishes it."""

from services.awards.ceremonies.arrivals import Arrival, ArrivalStore
from services.awards.known.store import KnownStore
from shared.contracts.events import RegistrationCheckedIn, RegistrationCheckInUndone
from shared.contracts.topics import AWARDS_ARRIVALS
from shared.messaging.received import Batch, Following, Subscription


class ArrivalHandler:
    """Keeps check-ins."""

    def __init__(self, arrivals: ArrivalStore, known: KnownStore) -> None:
        self._arrivals = arrivals
        self._known = known

    async def keep(self, batch: Batch[RegistrationCheckedIn | RegistrationCheckInUndone]) -> Following:
        """Keep the latest of each registration, and none of erased people."""
        arrivals = [
            Arrival(
                received.event.registration_id,
                received.event.version,
                received.event.session_id,
                received.event.participant_id,
                isinstance(received.event, RegistrationCheckedIn),
                received.context.time,
            )
            for received in batch
        ]
        await self._arrivals.keep(arrivals)
        # Afterwards: an erasure is marked before its check-ins are deleted, so one of the two deletes this.
        if erased := await self._known.erased({one.participant_id for one in arrivals}):
            await self._arrivals.forget(erased)
        return ()


def subscriptions(arrivals: ArrivalStore, known: KnownStore) -> list[Subscription]:
    """What awards reads of check-ins."""
    handler = ArrivalHandler(arrivals, known)
    contracts = (RegistrationCheckedIn, RegistrationCheckInUndone)
    return [Subscription(AWARDS_ARRIVALS, contracts, handler.keep, codes=())]
