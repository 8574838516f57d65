"""The rest of an erasure: registrations are cancelled in the background, one in each transaction."""

from collections.abc import Awaitable, Callable, Sequence

from services.registration.booking.cancel import Cancellation
from services.registration.booking.store import RegistrationStore
from services.registration.erasure.store import ErasureStore
from shared.runtime.backlog import Backlog

REGISTRATIONS_MAX = 10
REQUESTS_MAX = 1_000

Forget = Callable[[str], Awaitable[None]]


class UnfinishedErasures:
    """
    Deletes the rest of the data of erased participants.

    Args:
        forget: what else other rooms have of a participant. Each deletes a bounded number of documents.
    """

    def __init__(
        self,
        erasures: ErasureStore,
        registrations: RegistrationStore,
        cancellation: Cancellation,
        forget: Sequence[Forget] = (),
    ) -> None:
        self._erasures = erasures
        self._registrations = registrations
        self._cancellation = cancellation
        self._forget = forget
        self.loop = Backlog("erasing", erasures.pending, self.go_on).loop

    async def go_on(self, participant_id: str, limit: int = REGISTRATIONS_MAX) -> bool:
        """
        Cancel a few more registrations of an erased participant, each in a transaction of its own.

        When there are none, delete their requests, and at last the mark in `erasures`. An erased participant
        cannot register (`booking/batch.py`), so nothing new appears.

        Returns: whether something may be left.
        """
        some = await self._registrations.not_erased(participant_id, limit)
        for id_ in some:
            await self._cancellation.erase(id_)
        if some or await self._registrations.forget_requests(participant_id, REQUESTS_MAX):
            return True
        for forget in self._forget:
            await forget(participant_id)
        await self._erasures.remove(participant_id)
        return False
