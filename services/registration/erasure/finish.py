"""What an erasure leaves to do: registrations are cancelled in the background, one a transaction."""

from services.registration.booking.cancel import Cancellation
from services.registration.booking.store import RegistrationStore
from services.registration.erasure.store import ErasureStore
from shared.runtime.backlog import Backlog

REGISTRATIONS_MAX = 10
REQUESTS_MAX = 1_000


class UnfinishedErasures:
    """Deletes what is left of erased participants."""

    def __init__(
        self, erasures: ErasureStore, registrations: RegistrationStore, cancellation: Cancellation
    ) -> None:
        self._erasures = erasures
        self._registrations = registrations
        self._cancellation = cancellation
        self.loop = Backlog("erasing", erasures.pending, self.go_on).loop

    async def go_on(self, participant_id: str, limit: int = REGISTRATIONS_MAX) -> bool:
        """
        Cancel a few more registrations of an erased participant, each in a transaction of its own.

        Once there are none, forget their requests, and at last that there is something to do. The participant
        registers no more (`booking/batch.py`). So nothing new is left behind.

        Returns: whether something may be left.
        """
        some = await self._registrations.not_erased(participant_id, limit)
        for id_ in some:
            await self._cancellation.erase(id_)
        if some or await self._registrations.forget_requests(participant_id, REQUESTS_MAX):
            return True
        await self._erasures.remove(participant_id)
        return False
